/*
 * derp-verify-load: how fast the admission engine decides, and what it keeps.
 *
 *   derp-verify-load set FILE KEYS SECONDS THREADS
 *       the engine knows FILE, a node list; every thread asks for one key after
 *       the other, one in ten of which is unknown
 *   derp-verify-load ask URL CONCURRENCY SECONDS
 *       every key is new, and asked for at the URL
 *   derp-verify-load list KEYS
 *       prints a node list of so many keys
 *
 * Prints one JSON object: decisions, seconds, the engine's CPU seconds, and the
 * resident memory that the list took (kB).
 */
#include "clock.h"
#include "fetch.h"
#include "num.h"
#include "verify.h"
#include "xalloc.h"

#include <malloc.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define THREADS_MAX 64
#define UNKNOWN_EVERY 10
#define BATCH 256 /* decisions between two looks at the clock */

struct run {
	struct verify *verify;
	uint32_t keys; /* in the list */
	uint64_t until_us;
	_Atomic uint64_t decided, allowed;
	_Atomic uint32_t next; /* number of the next new key */
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned under_way; /* locked by lock */
};

/* The n-th key; those of a list are the first ones. */
static struct derp_key
key_of(uint32_t n)
{
	struct derp_key key = { { 0x11 } };

	bytes_put_u32(key.b + 28, n);
	return key;
}

static void
print_list(uint64_t keys)
{
	char text[DERP_KEY_TEXT];

	for (uint32_t i = 0; i < keys; i++) {
		const struct derp_key key = key_of(i);

		derp_key_format(&key, text);
		printf("%s node-%u\n", text, i);
	}
}

static uint64_t
rss_kb(void)
{
	unsigned long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (f != NULL)
		fclose(f);
	return resident * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

static double
cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
never(void *ctx, const struct verify_answer *answer)
{
	(void)ctx;
	(void)answer;
	fputs("derp-verify-load: a list answered late\n", stderr);
	exit(1);
}

static void *
ask_list(void *ctx)
{
	struct run *r = ctx;
	struct verify_answer answer;
	uint64_t decided = 0, allowed = 0;
	uint32_t n = 0;

	while (clock_now_us() < r->until_us)
		for (unsigned i = 0; i < BATCH; i++, n += 7919) {
			const bool unknown = i % UNKNOWN_EVERY == 0;
			const struct derp_key key =
			    key_of(n % r->keys + (unknown ? r->keys : 0));

			(void)verify_ask(
			    r->verify, &key, NULL, &answer, never, NULL);
			decided++;
			allowed += answer.verdict == VERIFY_ALLOW;
		}
	r->decided += decided;
	r->allowed += allowed;
	return NULL;
}

/* An answer has come, or the time is up. */
static void ask_next(struct run *r);

static void
answered(void *ctx, const struct verify_answer *answer)
{
	struct run *r = ctx;

	r->decided++;
	r->allowed += answer->verdict == VERIFY_ALLOW;
	ask_next(r);
}

static void
ask_next(struct run *r)
{
	struct verify_answer answer;
	struct derp_key key;

	if (clock_now_us() < r->until_us) {
		key = key_of(r->next++);
		if (!verify_ask(r->verify, &key, NULL, &answer, answered, r))
			return;
		fputs("derp-verify-load: a question was not asked\n", stderr);
		exit(1);
	}
	pthread_mutex_lock(&r->lock);
	if (--r->under_way == 0)
		pthread_cond_signal(&r->ended);
	pthread_mutex_unlock(&r->lock);
}

static void
open_engine(struct run *r, const char *kind, const char *argument)
{
	struct verify_config config = { .policy = VERIFY_POLICY_ALL };
	struct fail why = { 0 };

	if (verify_config_add(&config, kind, argument, &why) != NULL)
		r->verify = verify_new(&config, &why);
	if (r->verify == NULL) {
		fprintf(stderr, "derp-verify-load: %s\n", why.text);
		exit(1);
	}
}

static void
report(const struct run *r, double seconds, double cpu, uint64_t kb)
{
	printf("{\"decided\": %llu, \"allowed\": %llu, \"seconds\": %.3f, "
	       "\"cpu_s\": %.3f, \"list_kb\": %llu}\n",
	    (unsigned long long)r->decided, (unsigned long long)r->allowed,
	    seconds, cpu, (unsigned long long)kb);
}

static void
run_set(struct run *r, const char *file, uint64_t seconds, uint64_t threads)
{
	pthread_t ids[THREADS_MAX];
	uint64_t before = rss_kb(), kb, began_us;
	double cpu;

	open_engine(r, "nodes", file);
	malloc_trim(0); /* the text of the list is gone */
	kb = rss_kb() - before;
	cpu = cpu_s();
	began_us = clock_now_us();
	r->until_us = began_us + seconds * 1000000;
	for (uint64_t i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, ask_list, r) != 0)
			exit(1);
	for (uint64_t i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	report(r, (double)(clock_now_us() - began_us) / 1e6, cpu_s() - cpu, kb);
}

static void
run_ask(struct run *r, const char *url, uint64_t concurrency, uint64_t seconds)
{
	double cpu = cpu_s();
	uint64_t began_us;

	open_engine(r, "url", url);
	began_us = clock_now_us();
	r->until_us = began_us + seconds * 1000000;
	r->under_way = (unsigned)concurrency;
	for (uint64_t i = 0; i < concurrency; i++)
		ask_next(r);
	pthread_mutex_lock(&r->lock);
	while (r->under_way > 0)
		pthread_cond_wait(&r->ended, &r->lock);
	pthread_mutex_unlock(&r->lock);
	report(r, (double)(clock_now_us() - began_us) / 1e6, cpu_s() - cpu, 0);
}

static uint64_t
number(const char *text, uint64_t max)
{
	uint64_t n;

	if (num_parse_decimal(slice_str(text), max, &n) == -1 || n == 0) {
		fprintf(stderr, "derp-verify-load: bad number %s\n", text);
		exit(2);
	}
	return n;
}

int
main(int argc, char **argv)
{
	struct run r = { .lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER };

	if (sodium_init() == -1 || fetch_global_init() == -1)
		return 2;
	if (argc == 3 && strcmp(argv[1], "list") == 0) {
		print_list(number(argv[2], 10000000));
	} else if (argc == 6 && strcmp(argv[1], "set") == 0) {
		r.keys = (uint32_t)number(argv[3], 10000000);
		run_set(&r, argv[2], number(argv[4], 1000),
		    number(argv[5], THREADS_MAX));
	} else if (argc == 5 && strcmp(argv[1], "ask") == 0) {
		run_ask(
		    &r, argv[2], number(argv[3], 1000), number(argv[4], 1000));
	} else {
		fputs("usage: see the head of verify_load.c\n", stderr);
		return 2;
	}
	verify_free(r.verify);
	return 0;
}
