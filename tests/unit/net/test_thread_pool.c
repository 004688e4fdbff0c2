/* Unit tests of lib/net/thread_pool. */
#include "thread_pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#define JOBS 100

/* A gate that jobs wait at until the test opens it. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool open;
	int waiting;
};

#define GATE                                                                  \
	{                                                                     \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0 \
	}

static void
gate_job(void *ctx, bool cancelled)
{
	struct gate *g = ctx;

	assert_false(cancelled);
	pthread_mutex_lock(&g->lock);
	g->waiting++;
	pthread_cond_broadcast(&g->moved);
	while (!g->open)
		pthread_cond_wait(&g->moved, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void
gate_await(struct gate *g, int waiting)
{
	pthread_mutex_lock(&g->lock);
	while (g->waiting < waiting)
		pthread_cond_wait(&g->moved, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void
gate_open(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->open = true;
	pthread_cond_broadcast(&g->moved);
	pthread_mutex_unlock(&g->lock);
}

struct tally {
	atomic_int ran, cancelled;
	int order[JOBS]; /* by one thread only */
};

struct numbered {
	struct tally *tally;
	int number;
};

static void
count_job(void *ctx, bool cancelled)
{
	const struct numbered *n = ctx;
	int at;

	if (cancelled) {
		atomic_fetch_add(&n->tally->cancelled, 1);
		return;
	}
	at = atomic_fetch_add(&n->tally->ran, 1);
	n->tally->order[at] = n->number;
}

static void
workers_runs_jobs_in_order(void **state)
{
	struct thread_pool *pool = thread_pool_new(1, JOBS + 1);
	struct numbered jobs[JOBS];
	struct tally tally = { 0 };
	struct gate gate = GATE, last = GATE;

	(void)state;
	assert_non_null(pool);
	assert_int_equal(thread_pool_post(pool, gate_job, &gate), 0);
	gate_await(&gate, 1);
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = (struct numbered){ &tally, i };
		assert_int_equal(
		    thread_pool_post(pool, count_job, &jobs[i]), 0);
	}
	assert_int_equal(thread_pool_post(pool, gate_job, &last), 0);
	gate_open(&gate);
	gate_await(&last, 1);
	gate_open(&last);
	thread_pool_free(pool);
	assert_int_equal(atomic_load(&tally.ran), JOBS);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(tally.order[i], i);
}

static void
workers_run_at_the_same_time(void **state)
{
	struct thread_pool *pool = thread_pool_new(3, 3);
	struct gate gate = GATE;

	(void)state;
	assert_non_null(pool);
	for (int i = 0; i < 3; i++)
		assert_int_equal(thread_pool_post(pool, gate_job, &gate), 0);
	gate_await(&gate, 3); /* all three are inside together */
	gate_open(&gate);
	thread_pool_free(pool);
}

static void
workers_refuse_when_full_and_cancel_on_free(void **state)
{
	struct thread_pool *pool = thread_pool_new(1, 2);
	struct tally tally = { 0 };
	struct numbered job = { &tally, 0 };
	struct gate gate = GATE;

	(void)state;
	assert_non_null(pool);
	assert_int_equal(thread_pool_post(pool, gate_job, &gate), 0);
	gate_await(&gate, 1); /* taken off the queue */
	assert_int_equal(thread_pool_post(pool, count_job, &job), 0);
	assert_int_equal(thread_pool_post(pool, count_job, &job), 0);
	assert_int_equal(thread_pool_post(pool, count_job, &job), -1);
	/* the gate opens only when thread_pool_free is about to wait */
	gate_open(&gate);
	thread_pool_free(pool);
	/* the two may have run before the pool was told to stop */
	assert_int_equal(
	    atomic_load(&tally.ran) + atomic_load(&tally.cancelled), 2);
}

struct freeing {
	struct thread_pool *thread_pool;
	struct gate gate;
	struct tally tally;
	struct numbered job;
	atomic_bool job_ended;
};

/* Posts until nothing is taken any more: the queue has room enough, so that
 * is when the pool is being freed. */
static void
posting_job(void *ctx, bool cancelled)
{
	struct freeing *f = ctx;

	gate_job(&f->gate, cancelled);
	while (thread_pool_post(f->thread_pool, count_job, &f->job) == 0)
		usleep(1000);
	atomic_store(&f->job_ended, true);
}

static void *
free_pool(void *ctx)
{
	struct freeing *f = ctx;

	thread_pool_free(f->thread_pool);
	assert_true(atomic_load(&f->job_ended));
	return NULL;
}

static void
workers_free_waits_for_running_jobs(void **state)
{
	struct freeing f = { .gate = GATE };
	pthread_t thread;

	(void)state;
	f.job = (struct numbered){ &f.tally, 0 };
	f.thread_pool = thread_pool_new(1, 1000000);
	assert_non_null(f.thread_pool);
	assert_int_equal(thread_pool_post(f.thread_pool, posting_job, &f), 0);
	gate_await(&f.gate, 1);
	assert_int_equal(pthread_create(&thread, NULL, free_pool, &f), 0);
	gate_open(&f.gate);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&f.tally.ran), 0);
}

static void
mask_job(void *ctx, bool cancelled)
{
	sigset_t *mask = ctx;

	if (!cancelled)
		pthread_sigmask(SIG_SETMASK, NULL, mask);
}

static void
workers_leave_signals_to_others(void **state)
{
	struct thread_pool *pool = thread_pool_new(1, 2);
	struct gate gate = GATE;
	sigset_t mask, mine;

	(void)state;
	assert_non_null(pool);
	sigemptyset(&mask);
	assert_int_equal(thread_pool_post(pool, mask_job, &mask), 0);
	assert_int_equal(thread_pool_post(pool, gate_job, &gate), 0);
	gate_await(&gate, 1);
	gate_open(&gate);
	thread_pool_free(pool);
	assert_true(sigismember(&mask, SIGTERM));
	assert_true(sigismember(&mask, SIGHUP));
	pthread_sigmask(SIG_SETMASK, NULL, &mine);
	assert_false(sigismember(&mine, SIGTERM));
}

static void
workers_free_takes_null(void **state)
{
	(void)state;
	thread_pool_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_runs_jobs_in_order),
		cmocka_unit_test(workers_run_at_the_same_time),
		cmocka_unit_test(workers_refuse_when_full_and_cancel_on_free),
		cmocka_unit_test(workers_free_waits_for_running_jobs),
		cmocka_unit_test(workers_leave_signals_to_others),
		cmocka_unit_test(workers_free_takes_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
