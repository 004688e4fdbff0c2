/* thread_pool: see thread_pool.h. */
#include "thread_pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* The default differs from system to system (8 MiB to 128 KiB). The deepest job
 * is jansson on an answer of 2048 nested arrays, which it allows: about 1 MiB
 * with a sanitizer. Only touched pages cost memory. */
#define STACK_SIZE ((size_t)2 * 1024 * 1024) /* bytes */

struct job {
	struct job *next;
	thread_pool_fn *fn;
	void *ctx; /* whatever fn takes */
};

struct thread_pool {
	pthread_mutex_t lock;
	pthread_cond_t wake; /* a job came, or stopping was set */
	/* locked by lock */
	struct job *first, *last;
	size_t queued;
	bool stopping;
	/* immutable after thread_pool_new */
	size_t max_queued;
	unsigned thread_count;
	pthread_t threads[];
};

static struct job *
next_job(struct thread_pool *pool)
{
	struct job *job;

	pthread_mutex_lock(&pool->lock);
	while (pool->first == NULL && !pool->stopping)
		pthread_cond_wait(&pool->wake, &pool->lock);
	job = pool->stopping ? NULL : pool->first;
	if (job != NULL) {
		pool->first = job->next;
		pool->queued--;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void *
work(void *arg)
{
	struct thread_pool *pool = arg;
	struct job *job;

	while ((job = next_job(pool)) != NULL) {
		job->fn(job->ctx, false);
		free(job);
	}
	return NULL;
}

/* Starts the threads with all signals blocked: they are for the program's main
 * thread. pool->thread_count tells how many came up; -1 when not all did. */
static int
start_threads(struct thread_pool *pool, unsigned threads)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int error = 0;

	if (pthread_attr_init(&attr) != 0)
		return -1;
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (pool->thread_count < threads && error == 0) {
		error = pthread_create(
		    &pool->threads[pool->thread_count], &attr, work, pool);
		if (error == 0)
			pool->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return error == 0 ? 0 : -1;
}

struct thread_pool *
thread_pool_new(unsigned threads, size_t max_queued)
{
	struct thread_pool *pool =
	    calloc(1, sizeof *pool + threads * sizeof pool->threads[0]);

	if (pool == NULL)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	pool->max_queued = max_queued;
	if (start_threads(pool, threads) == -1) {
		thread_pool_free(pool);
		return NULL;
	}
	return pool;
}

int
thread_pool_post(struct thread_pool *pool, thread_pool_fn *fn, void *ctx)
{
	struct job *job = malloc(sizeof *job);
	bool fits;

	if (job == NULL)
		return -1;
	*job = (struct job){ .fn = fn, .ctx = ctx };
	pthread_mutex_lock(&pool->lock);
	fits = !pool->stopping && pool->queued < pool->max_queued;
	if (fits) {
		if (pool->first == NULL)
			pool->first = job;
		else
			pool->last->next = job;
		pool->last = job;
		pool->queued++;
		pthread_cond_signal(&pool->wake);
	}
	pthread_mutex_unlock(&pool->lock);
	if (!fits)
		free(job);
	return fits ? 0 : -1;
}

void
thread_pool_free(struct thread_pool *pool)
{
	struct job *job, *next;

	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i], NULL);
	/* no other thread uses the pool any more */
	for (job = pool->first; job != NULL; job = next) {
		next = job->next;
		job->fn(job->ctx, true);
		free(job);
	}
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
