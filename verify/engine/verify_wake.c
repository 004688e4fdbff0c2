/* verify_wake: see verify_wake.h. */
#include "verify_wake.h"

#include <errno.h>
#include <time.h>

void
verify_wake_init(struct verify_wake *w)
{
	pthread_condattr_t attr;

	*w = (struct verify_wake){ .is_rung = false };
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->rung, &attr);
	pthread_condattr_destroy(&attr);
}

void
verify_wake_clear(struct verify_wake *w)
{
	pthread_cond_destroy(&w->rung);
	pthread_mutex_destroy(&w->lock);
}

void
verify_wake_ring(struct verify_wake *w, bool wanted)
{
	pthread_mutex_lock(&w->lock);
	w->is_rung = true;
	w->wanted = w->wanted || wanted;
	pthread_cond_signal(&w->rung);
	pthread_mutex_unlock(&w->lock);
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

bool
verify_wake_wait(
    struct verify_wake *w, uint64_t ms, const atomic_bool *stop, bool *wanted)
{
	const struct timespec until = time_in(ms);
	int rc = 0;

	pthread_mutex_lock(&w->lock);
	while (!w->is_rung && !atomic_load(stop) && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&w->rung, &w->lock, &until);
	if (wanted != NULL)
		*wanted = w->wanted;
	w->is_rung = w->wanted = false;
	pthread_mutex_unlock(&w->lock);
	return !atomic_load(stop);
}
