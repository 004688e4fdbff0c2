/* accept_limit: see accept_limit.h. */
#include "accept_limit.h"

#include "token_bucket.h"

#include <pthread.h>
#include <stdlib.h>

struct accept_limit {
	pthread_mutex_t lock; /* of the bucket */
	struct token_bucket bucket;
};

struct accept_limit *
accept_limit_new(double per_s, double burst, uint64_t now_us)
{
	struct accept_limit *limit = calloc(1, sizeof *limit);

	if (limit == NULL)
		return NULL;
	limit->bucket = token_bucket_of(per_s, burst, now_us);
	if (pthread_mutex_init(&limit->lock, NULL) == 0)
		return limit;
	free(limit);
	return NULL;
}

void
accept_limit_free(struct accept_limit *limit)
{
	if (limit == NULL)
		return;
	pthread_mutex_destroy(&limit->lock);
	free(limit);
}

uint64_t
accept_limit_wait_ms(struct accept_limit *limit, uint64_t now_us)
{
	uint64_t wait_us;

	pthread_mutex_lock(&limit->lock);
	wait_us = token_bucket_wait_us(&limit->bucket, 1, now_us);
	pthread_mutex_unlock(&limit->lock);
	return (wait_us + 999) / 1000;
}

void
accept_limit_take(struct accept_limit *limit, uint64_t now_us)
{
	pthread_mutex_lock(&limit->lock);
	(void)token_bucket_take(&limit->bucket, 1, now_us);
	pthread_mutex_unlock(&limit->lock);
}
