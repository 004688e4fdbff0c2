/* bootstrap_resolver: see bootstrap_resolver.h. */
#include "bootstrap_resolver.h"

#include "bootstrap_dns.h"
#include "clock.h"
#include "log.h"
#include "num.h"
#include "resolve.h"
#include "txt_record.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bootstrap_resolver {
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	struct bootstrap_dns *names; /* locked; borrowed; NULL: stopped */
};

/* A name of the list, copied, as the list may go while it is looked up. */
struct lookup {
	char name[BOOTSTRAP_DNS_NAME_MAX + 1];
	char percent_name[BOOTSTRAP_DNS_NAME_MAX + 1]; /* "": none */
};

static void
free_resolver(struct bootstrap_resolver *r)
{
	pthread_cond_destroy(&r->stopped);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* The i-th name. False: there is none, or it is time to stop. */
static bool
next_lookup(struct bootstrap_resolver *r, size_t i, struct lookup *lookup)
{
	const char *name = NULL, *percent_name;

	*lookup = (struct lookup){ .name = "" };
	pthread_mutex_lock(&r->lock);
	if (r->names != NULL)
		name = bootstrap_dns_name(r->names, i);
	if (name != NULL) {
		memcpy(lookup->name, name, strlen(name));
		percent_name = bootstrap_dns_percent_name(r->names, i);
		if (percent_name != NULL)
			memcpy(lookup->percent_name, percent_name,
			    strlen(percent_name));
	}
	pthread_mutex_unlock(&r->lock);
	return name != NULL;
}

/* The number in a TXT record; 0 where there is none from 0 to 100. */
static unsigned
look_up_percentage(const char *name)
{
	char text[16];
	struct writer w = writer_of(text, sizeof text);
	int64_t percent;

	if (txt_record_lookup(name, &w) == -1 ||
	    num_parse_int(slice_trim(writer_slice(&w)), 0, 100, &percent) ==
		-1) {
		log_warn("bootstrap DNS lookup \"%s\": no TXT record with a "
			 "number from 0 to 100: nobody is told the name",
		    name);
		return 0;
	}
	return (unsigned)percent;
}

static void
look_up(struct bootstrap_resolver *r, size_t i, const struct lookup *lookup)
{
	struct resolve_answer answer = { .n = 0 };
	struct fail why = { 0 };
	unsigned percent = 100;

	if (resolve_name(lookup->name,
		clock_now_ms() + BOOTSTRAP_RESOLVER_NAME_MS, &answer,
		&why) != RESOLVE_OK) {
		answer.n = 0;
		log_warn(
		    "bootstrap DNS lookup \"%s\": %s", lookup->name, why.text);
	}
	if (answer.n > 0 && lookup->percent_name[0] != '\0')
		percent = look_up_percentage(lookup->percent_name);
	pthread_mutex_lock(&r->lock);
	if (r->names != NULL)
		bootstrap_dns_set(r->names, i, answer.v, answer.n, percent);
	pthread_mutex_unlock(&r->lock);
}

/* Waits for the next round. False: it is time to stop. */
static bool
wait_for_round(struct bootstrap_resolver *r)
{
	struct timespec until;
	bool goes_on;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += BOOTSTRAP_RESOLVER_ROUND_S;
	pthread_mutex_lock(&r->lock);
	while (r->names != NULL && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&r->stopped, &r->lock, &until);
	goes_on = r->names != NULL;
	pthread_mutex_unlock(&r->lock);
	return goes_on;
}

static void *
run(void *ctx)
{
	struct bootstrap_resolver *r = ctx;
	struct lookup lookup;

	do {
		for (size_t i = 0; next_lookup(r, i, &lookup); i++)
			look_up(r, i, &lookup);
	} while (wait_for_round(r));
	free_resolver(r); /* whoever stopped it has given it up */
	return NULL;
}

static struct bootstrap_resolver *
new_resolver(struct bootstrap_dns *names)
{
	struct bootstrap_resolver *r = calloc(1, sizeof *r);
	pthread_condattr_t attr;

	if (r == NULL)
		return NULL;
	r->names = names;
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->stopped, &attr);
	pthread_condattr_destroy(&attr);
	return r;
}

struct bootstrap_resolver *
bootstrap_resolver_start(struct bootstrap_dns *names, struct fail *why)
{
	struct bootstrap_resolver *r = new_resolver(names);
	pthread_t thread;

	if (r == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	errno = pthread_create(&thread, NULL, run, r);
	if (errno != 0) {
		fail_errno(why, "cannot start a thread");
		free_resolver(r);
		return NULL;
	}
	pthread_detach(thread);
	return r;
}

void
bootstrap_resolver_stop(struct bootstrap_resolver *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->names = NULL;
	pthread_cond_signal(&r->stopped);
	pthread_mutex_unlock(&r->lock);
}
