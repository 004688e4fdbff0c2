/*
 * verify_await: waits for an answer that comes on another thread.
 *
 * Life: verify_await_init -> verify_await_wait -> verify_await_clear. Threads:
 * one waits, another calls verify_await_done; locked inside.
 */
#ifndef DERPKIT_VERIFY_AWAIT_H
#define DERPKIT_VERIFY_AWAIT_H

#include "verify_answer.h"

#include <pthread.h>

struct verify_await {
	pthread_mutex_t lock;
	pthread_cond_t done;
	/* locked by lock */
	bool is_done;
	struct verify_answer answer;
};

void verify_await_init(struct verify_await *a);
void verify_await_clear(struct verify_await *a);

/* A verify_done_fn; ctx is the struct verify_await. */
void verify_await_done(void *ctx, const struct verify_answer *answer);

/* Blocks until it has been called. */
void verify_await_wait(struct verify_await *a, struct verify_answer *answer);

#endif
