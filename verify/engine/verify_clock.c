/* verify_clock: see verify_clock.h. */
#include "verify_clock.h"

#include "verify_wake.h"

#include <signal.h>
#include <stdlib.h>

struct verify_clock {
	/* immutable */
	uint64_t interval_ms;
	void (*tick)(void *ctx);
	void *ctx;
	pthread_t thread;
	struct verify_wake wake;
	/* atomic */
	atomic_bool stop;
};

static void *
run(void *ctx)
{
	struct verify_clock *c = ctx;

	do
		c->tick(c->ctx);
	while (verify_wake_wait(&c->wake, c->interval_ms, &c->stop, NULL));
	return NULL;
}

/* Signals are handled by the main thread, as in thread_pool. */
struct verify_clock *
verify_clock_new(uint64_t interval_ms, void (*tick)(void *ctx), void *ctx)
{
	struct verify_clock *c = calloc(1, sizeof *c);
	sigset_t all, old;
	int rc;

	if (c == NULL)
		return NULL;
	c->interval_ms = interval_ms;
	c->tick = tick;
	c->ctx = ctx;
	verify_wake_init(&c->wake);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&c->thread, NULL, run, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return c;
	verify_wake_clear(&c->wake);
	free(c);
	return NULL;
}

void
verify_clock_free(struct verify_clock *c)
{
	if (c == NULL)
		return;
	atomic_store(&c->stop, true);
	verify_wake_ring(&c->wake, false);
	pthread_join(c->thread, NULL);
	verify_wake_clear(&c->wake);
	free(c);
}
