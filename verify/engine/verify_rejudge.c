/* verify_rejudge: see verify_rejudge.h. */
#include "verify_rejudge.h"

#include "verify_wake.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define THREADS 8 /* questions at once; logins have threads of their own */
#define AGAIN_MIN_MS 1000 /* between two rounds; doubled each time */
#define AGAIN_MAX_MS 30000

struct verify_rejudge {
	/* immutable */
	struct verify_revoke *revoke;
	const atomic_bool *stop;
	pthread_t threads[THREADS];
	unsigned started;
	struct verify_wake wake;
	/* locked by lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct verify_client *clients; /* owned; of this round */
	size_t count, next;            /* the next one to be asked about */
	size_t asking;                 /* threads that do */
	size_t unknown; /* those at the start are for the next one */
	bool done;      /* no further rounds */
};

/* The next one of this round; false when none is left. */
static bool
take_client(struct verify_rejudge *r, struct verify_client *client)
{
	bool has;

	pthread_mutex_lock(&r->lock);
	has = r->next < r->count && !atomic_load(r->stop);
	if (has) {
		*client = r->clients[r->next++];
		r->asking++;
	}
	pthread_mutex_unlock(&r->lock);
	return has;
}

/* The place of one that was taken is free for one that is kept. */
static void
put_result(struct verify_rejudge *r, const struct verify_client *client,
    enum verify_verdict verdict)
{
	pthread_mutex_lock(&r->lock);
	if (verdict == VERIFY_UNKNOWN)
		r->clients[r->unknown++] = *client;
	r->asking--;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

static void
judge_all(struct verify_rejudge *r)
{
	struct verify_client client;

	while (take_client(r, &client))
		put_result(
		    r, &client, verify_revoke_recheck(r->revoke, &client));
}

/* Waits until there is somebody to ask about. False: it is time to end. */
static bool
wait_for_round(struct verify_rejudge *r)
{
	bool go_on;

	pthread_mutex_lock(&r->lock);
	while (r->next >= r->count && !r->done && !atomic_load(r->stop))
		pthread_cond_wait(&r->changed, &r->lock);
	go_on = !r->done && !atomic_load(r->stop);
	pthread_mutex_unlock(&r->lock);
	return go_on;
}

static void *
run_helper(void *ctx)
{
	struct verify_rejudge *r = ctx;

	while (wait_for_round(r))
		judge_all(r);
	return NULL;
}

/* Finishes the round. Returns how many are for the next one. */
static size_t
end_round(struct verify_rejudge *r)
{
	size_t left;

	pthread_mutex_lock(&r->lock);
	while (r->asking > 0)
		pthread_cond_wait(&r->changed, &r->lock);
	left = r->unknown;
	pthread_mutex_unlock(&r->lock);
	return left;
}

static void
begin_round(struct verify_rejudge *r, size_t count)
{
	pthread_mutex_lock(&r->lock);
	r->count = count;
	r->next = r->unknown = 0;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

/* Whoever is connected now; who registers later has an answer of this engine,
 * or is asked about because of the epoch. False: it is time to end. */
static bool
collect(struct verify_rejudge *r, size_t *count)
{
	const struct verify_watch *w = &r->revoke->watch;

	while (w->connected(w->ctx, &r->clients, count) == -1)
		if (!verify_wake_wait(&r->wake, AGAIN_MIN_MS, r->stop, NULL))
			return false;
	return true;
}

static void
judge_in_rounds(struct verify_rejudge *r)
{
	uint64_t pause_ms = AGAIN_MIN_MS;
	size_t count = 0;

	if (!collect(r, &count))
		return;
	while (count > 0) {
		begin_round(r, count);
		judge_all(r);
		count = end_round(r);
		if (count > 0 &&
		    !verify_wake_wait(&r->wake, pause_ms, r->stop, NULL))
			return;
		pause_ms =
		    pause_ms < AGAIN_MAX_MS / 2 ? pause_ms * 2 : AGAIN_MAX_MS;
	}
}

static void *
run_first(void *ctx)
{
	struct verify_rejudge *r = ctx;

	judge_in_rounds(r);
	pthread_mutex_lock(&r->lock);
	r->done = true;
	free(r->clients); /* as many as there were clients */
	r->clients = NULL;
	r->count = r->next = 0;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* Signals are handled by the main thread, as in thread_pool. */
struct verify_rejudge *
verify_rejudge_new(struct verify_revoke *revoke, const atomic_bool *stop)
{
	struct verify_rejudge *r = calloc(1, sizeof *r);
	sigset_t all, old;

	if (r == NULL)
		return NULL;
	r->revoke = revoke;
	r->stop = stop;
	verify_wake_init(&r->wake);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (r->started < THREADS &&
	    pthread_create(&r->threads[r->started], NULL,
		r->started == 0 ? run_first : run_helper, r) == 0)
		r->started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r->started > 0) /* it is slower with fewer of them */
		return r;
	verify_rejudge_free(r);
	return NULL;
}

void
verify_rejudge_free(struct verify_rejudge *r)
{
	if (r == NULL)
		return;
	verify_wake_ring(&r->wake, false);
	pthread_mutex_lock(&r->lock);
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	for (unsigned i = 0; i < r->started; i++)
		pthread_join(r->threads[i], NULL);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	verify_wake_clear(&r->wake);
	free(r->clients);
	free(r);
}
