/* verify_await: see verify_await.h. */
#include "verify_await.h"

void
verify_await_init(struct verify_await *a)
{
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->done, NULL);
	a->is_done = false;
}

void
verify_await_clear(struct verify_await *a)
{
	pthread_cond_destroy(&a->done);
	pthread_mutex_destroy(&a->lock);
}

void
verify_await_done(void *ctx, const struct verify_answer *answer)
{
	struct verify_await *a = ctx;

	pthread_mutex_lock(&a->lock);
	a->answer = *answer;
	a->is_done = true;
	pthread_cond_signal(&a->done);
	pthread_mutex_unlock(&a->lock);
}

void
verify_await_wait(struct verify_await *a, struct verify_answer *answer)
{
	pthread_mutex_lock(&a->lock);
	while (!a->is_done)
		pthread_cond_wait(&a->done, &a->lock);
	*answer = a->answer;
	pthread_mutex_unlock(&a->lock);
}
