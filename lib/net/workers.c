/* workers: see workers.h. */
#include "workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* The default differs from system to system (8 MiB to 128 KiB). The deepest job
 * is jansson on an answer of 2048 nested arrays, which it allows: about 1 MiB
 * with a sanitizer. Only touched pages cost memory. */
#define WORKERS_STACK ((size_t)2 * 1024 * 1024) /* bytes */

struct job {
	struct job *next;
	workers_fn *fn;
	void *ctx; /* whatever fn takes */
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t wake; /* a job came, or stopping was set */
	/* locked by lock */
	struct job *first, *last;
	size_t queued;
	bool stopping;
	/* immutable after workers_new */
	size_t max_queued;
	unsigned thread_count;
	pthread_t threads[];
};

static struct job *
next_job(struct workers *w)
{
	struct job *job;

	pthread_mutex_lock(&w->lock);
	while (w->first == NULL && !w->stopping)
		pthread_cond_wait(&w->wake, &w->lock);
	job = w->stopping ? NULL : w->first;
	if (job != NULL) {
		w->first = job->next;
		w->queued--;
	}
	pthread_mutex_unlock(&w->lock);
	return job;
}

static void *
work(void *arg)
{
	struct workers *w = arg;
	struct job *job;

	while ((job = next_job(w)) != NULL) {
		job->fn(job->ctx, false);
		free(job);
	}
	return NULL;
}

/* Starts the threads with all signals blocked: they are for the program's main
 * thread. w->thread_count tells how many came up; -1 when not all did. */
static int
start_threads(struct workers *w, unsigned threads)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int error = 0;

	if (pthread_attr_init(&attr) != 0)
		return -1;
	pthread_attr_setstacksize(&attr, WORKERS_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (w->thread_count < threads && error == 0) {
		error = pthread_create(
		    &w->threads[w->thread_count], &attr, work, w);
		if (error == 0)
			w->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return error == 0 ? 0 : -1;
}

struct workers *
workers_new(unsigned threads, size_t max_queued)
{
	struct workers *w =
	    calloc(1, sizeof *w + threads * sizeof w->threads[0]);

	if (w == NULL)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	w->max_queued = max_queued;
	if (start_threads(w, threads) == -1) {
		workers_free(w);
		return NULL;
	}
	return w;
}

int
workers_post(struct workers *w, workers_fn *fn, void *ctx)
{
	struct job *job = malloc(sizeof *job);
	bool fits;

	if (job == NULL)
		return -1;
	*job = (struct job){ .fn = fn, .ctx = ctx };
	pthread_mutex_lock(&w->lock);
	fits = !w->stopping && w->queued < w->max_queued;
	if (fits) {
		if (w->first == NULL)
			w->first = job;
		else
			w->last->next = job;
		w->last = job;
		w->queued++;
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	if (!fits)
		free(job);
	return fits ? 0 : -1;
}

void
workers_free(struct workers *w)
{
	struct job *job, *next;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->thread_count; i++)
		pthread_join(w->threads[i], NULL);
	/* nobody else holds w any more */
	for (job = w->first; job != NULL; job = next) {
		next = job->next;
		job->fn(job->ctx, true);
		free(job);
	}
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
