/* verify_ticker: see verify_ticker.h. */
#include "verify_ticker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define IDLE_MS UINT64_C(3600000) /* when no source wants to be called */

struct verify_ticker {
	/* immutable */
	struct verify_source *const *sources; /* borrowed */
	size_t count;
	pthread_t thread;
	bool has_thread;
	/* locked by lock */
	pthread_mutex_t lock;
	pthread_cond_t wake; /* one of the two was set */
	bool look_now;
	bool stopping;
};

static int start(struct verify_ticker *t);

struct verify_ticker *
verify_ticker_new(struct verify_source *const *sources, size_t count)
{
	struct verify_ticker *t = calloc(1, sizeof *t);
	pthread_condattr_t attr;
	bool wanted = false;

	if (t == NULL)
		return NULL;
	t->sources = sources;
	t->count = count;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_condattr_destroy(&attr);
	for (size_t i = 0; i < count; i++)
		wanted = wanted || sources[i]->tick != NULL;
	if (wanted && start(t) == -1) {
		verify_ticker_free(t);
		return NULL;
	}
	return t;
}

/* Calls every source; returns in how many ms the next is due. */
static uint64_t
look(struct verify_ticker *t, bool now)
{
	uint64_t soonest_ms = IDLE_MS;

	for (size_t i = 0; i < t->count; i++) {
		struct verify_source *s = t->sources[i];
		uint64_t ms = s->tick != NULL ? s->tick(s, now) : IDLE_MS;

		if (ms < soonest_ms)
			soonest_ms = ms;
	}
	return soonest_ms;
}

static struct timespec
time_in(uint64_t ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

static void *
run(void *ctx)
{
	struct verify_ticker *t = ctx;
	uint64_t wait_ms = look(t, false);

	for (;;) {
		const struct timespec until = time_in(wait_ms);
		bool now, stopping;
		int rc = 0;

		pthread_mutex_lock(&t->lock);
		while (!t->look_now && !t->stopping && rc != ETIMEDOUT)
			rc = pthread_cond_timedwait(&t->wake, &t->lock, &until);
		now = t->look_now;
		stopping = t->stopping;
		t->look_now = false;
		pthread_mutex_unlock(&t->lock);
		if (stopping)
			return NULL;
		wait_ms = look(t, now);
	}
}

/* Signals are the main thread's, as in workers. */
static int
start(struct verify_ticker *t)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	t->has_thread = pthread_create(&t->thread, NULL, run, t) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return t->has_thread ? 0 : -1;
}

void
verify_ticker_look(struct verify_ticker *t)
{
	pthread_mutex_lock(&t->lock);
	t->look_now = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

void
verify_ticker_free(struct verify_ticker *t)
{
	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	if (t->has_thread)
		pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
}
