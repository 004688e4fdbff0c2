/* Unit tests of lib/net/resolve. */
#include "check.h"

#include "clock.h"
#include "resolve.h"

#include <dirent.h>
#include <netdb.h>
#include <pthread.h>
#include <unistd.h>

static void
resolve_answers_addresses_itself(void **state)
{
	struct resolve_answer answer;

	(void)state;
	check_int(resolve_name("192.0.2.7", 0, &answer, NULL), RESOLVE_OK);
	check_size(answer.n, 1);
	check(answer.v[0].is_v4);
	check_int(resolve_name("2001:db8::7", 0, &answer, NULL), RESOLVE_OK);
	check(!answer.v[0].is_v4);
}

static void
resolve_finds_localhost(void **state)
{
	struct resolve_answer answer;
	struct fail why = { .text = "" };
	bool found = false;

	(void)state;
	check_int(
	    resolve_name("localhost", clock_now_ms() + 20000, &answer, &why),
	    RESOLVE_OK);
	check(answer.n > 0);
	for (size_t i = 0; i < answer.n; i++)
		found = found || netaddr_is_loopback(&answer.v[i]);
	check(found);
}

static void
resolve_refuses_what_is_not_a_name(void **state)
{
	char name[RESOLVE_NAME_MAX + 2];
	struct resolve_answer answer;
	struct fail why = { .text = "" };

	(void)state;
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	check_int(resolve_name(name, clock_now_ms() + 1000, &answer, &why),
	    RESOLVE_NONE);
	check_int(resolve_name("", clock_now_ms() + 1000, &answer, &why),
	    RESOLVE_NONE);
	check_text(why.text, "not a host name");
}

/* What the system's resolver does, or does not while `stuck`. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stuck;
} resolver = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER };

int __real_getaddrinfo(const char *name, const char *service,
    const struct addrinfo *hints, struct addrinfo **found);
int __wrap_getaddrinfo(const char *name, const char *service,
    const struct addrinfo *hints, struct addrinfo **found);

int
__wrap_getaddrinfo(const char *name, const char *service,
    const struct addrinfo *hints, struct addrinfo **found)
{
	bool was_stuck = false;

	pthread_mutex_lock(&resolver.lock);
	for (; resolver.stuck; was_stuck = true)
		pthread_cond_wait(&resolver.changed, &resolver.lock);
	pthread_mutex_unlock(&resolver.lock);
	return was_stuck ? EAI_AGAIN
			 : __real_getaddrinfo(name, service, hints, found);
}

static void
set_stuck(bool stuck)
{
	pthread_mutex_lock(&resolver.lock);
	resolver.stuck = stuck;
	pthread_cond_broadcast(&resolver.changed);
	pthread_mutex_unlock(&resolver.lock);
}

/* Threads of this process, also those that are about to be gone. */
static size_t
count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	size_t n = 0;

	check(tasks != NULL);
	for (const struct dirent *e; (e = readdir(tasks)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(tasks);
	return n;
}

#ifdef __SANITIZE_THREAD__
static size_t own_threads = 2; /* it has one of its own, later if not yet */
#else
static size_t own_threads = 1; /* an emulator adds some */
#endif

/* What an abandoned one holds would count as a leak at the end. */
static void
wait_for_all_threads(void)
{
	const uint64_t since = clock_now_ms();

	while (count_threads() > own_threads) {
		check(clock_now_ms() - since < 60000);
		usleep(1000);
	}
}

/* The deadline has come: who asks does not wait, and the thread that does ends
 * by itself. There are so many of these and no more. */
static void
resolve_keeps_its_deadline(void **state)
{
	const uint64_t past_ms = clock_now_ms();
	struct resolve_answer answer;

	(void)state;
	wait_for_all_threads();
	set_stuck(true);
	for (int i = 0; i < RESOLVE_PENDING_MAX; i++) {
		check_int(resolve_name("stuck.invalid", past_ms, &answer, NULL),
		    RESOLVE_TIMEOUT);
		check_size(answer.n, 0);
	}
	check_int(resolve_name("stuck.invalid", past_ms, &answer, NULL),
	    RESOLVE_SHORTAGE);
	set_stuck(false);
	wait_for_all_threads();
	check_int(
	    resolve_name("localhost", clock_now_ms() + 60000, &answer, NULL),
	    RESOLVE_OK);
	wait_for_all_threads();
}

/* A share that is used up leaves the rest to others. */
static void
resolve_keeps_to_a_share(void **state)
{
	static struct resolve_share share = { .max = 2 };
	const uint64_t past_ms = clock_now_ms();
	struct resolve_answer answer;

	(void)state;
	wait_for_all_threads();
	set_stuck(true);
	for (int i = 0; i < 2; i++)
		check_int(resolve_name_within(
			      &share, "stuck.invalid", past_ms, &answer, NULL),
		    RESOLVE_TIMEOUT);
	check_int(resolve_name_within(
		      &share, "stuck.invalid", past_ms, &answer, NULL),
	    RESOLVE_SHORTAGE);
	for (int i = 2; i < RESOLVE_PENDING_MAX; i++)
		check_int(resolve_name("stuck.invalid", past_ms, &answer, NULL),
		    RESOLVE_TIMEOUT);
	check_int(resolve_name("stuck.invalid", past_ms, &answer, NULL),
	    RESOLVE_SHORTAGE);
	set_stuck(false);
	wait_for_all_threads();
	check_int(resolve_name_within(&share, "localhost",
		      clock_now_ms() + 60000, &answer, NULL),
	    RESOLVE_OK);
	wait_for_all_threads();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolve_answers_addresses_itself),
		cmocka_unit_test(resolve_finds_localhost),
		cmocka_unit_test(resolve_refuses_what_is_not_a_name),
		cmocka_unit_test(resolve_keeps_its_deadline),
		cmocka_unit_test(resolve_keeps_to_a_share),
	};

	if (count_threads() > own_threads)
		own_threads = count_threads();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
