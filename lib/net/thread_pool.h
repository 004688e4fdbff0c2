/*
 * thread_pool: a few threads for work that may block.
 *
 * DNS, files while serving, libcurl: nothing of that runs on a loop. Life:
 * thread_pool_new -> thread_pool_post ... -> thread_pool_free, which waits for
 * running jobs and cancels the queued ones. Threads: thread_pool_post from any
 * thread; locked inside; no lock is held while a job runs.
 */
#ifndef DERPKIT_THREAD_POOL_H
#define DERPKIT_THREAD_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct thread_pool;

/* A job. cancelled is true when the pool is being freed before the job could
 * run: it must then only release what ctx owns and tell whoever waits. */
typedef void thread_pool_fn(void *ctx, bool cancelled);

/* A pool of `threads` threads that queues at most max_queued jobs; NULL when
 * memory or threads are short. Returns owned. */
struct thread_pool *thread_pool_new(unsigned threads, size_t max_queued);

/* Runs fn(ctx, false) on one of the threads, first come first served. -1 when
 * the queue is full, memory is short or the pool is being freed; fn is then
 * not called and ctx still the caller's. */
int thread_pool_post(struct thread_pool *pool, thread_pool_fn *fn, void *ctx);

/* Stops; see above. Blocks until running jobs have ended. NULL is fine. */
void thread_pool_free(struct thread_pool *pool);

#endif
