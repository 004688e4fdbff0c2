/* token_bucket: see token_bucket.h. */
#include "token_bucket.h"

#include <math.h>
#include <stdbool.h>

#define SECOND_US 1e6
/* As long as waits are told to be: beyond it nobody asks how much longer. */
#define WAIT_MAX_US 1e15

struct token_bucket
token_bucket_of(double per_s, double burst, uint64_t now_us)
{
	return (struct token_bucket){
		.per_s = per_s, .burst = burst, .tokens = burst, .at_us = now_us
	};
}

static bool
has_limit(const struct token_bucket *b)
{
	return b->per_s > 0 && !isinf(b->per_s);
}

static void
earn(struct token_bucket *b, uint64_t now_us)
{
	if (now_us <= b->at_us)
		return; /* other threads' clocks may be a moment ahead */
	b->tokens += (double)(now_us - b->at_us) / SECOND_US * b->per_s;
	if (b->tokens > b->burst)
		b->tokens = b->burst;
	b->at_us = now_us;
}

static uint64_t
time_for(const struct token_bucket *b, double tokens)
{
	const double us = tokens / b->per_s * SECOND_US;

	if (us <= 0)
		return 0;
	return us > WAIT_MAX_US ? (uint64_t)WAIT_MAX_US : (uint64_t)us + 1;
}

uint64_t
token_bucket_take(struct token_bucket *b, double n, uint64_t now_us)
{
	if (!has_limit(b))
		return 0;
	earn(b, now_us);
	b->tokens -= n;
	return time_for(b, -b->tokens);
}

void
token_bucket_put(struct token_bucket *b, double n)
{
	b->tokens += n;
	if (b->tokens > b->burst)
		b->tokens = b->burst;
}

uint64_t
token_bucket_wait_us(struct token_bucket *b, double n, uint64_t now_us)
{
	if (!has_limit(b))
		return 0;
	earn(b, now_us);
	return time_for(b, n - b->tokens);
}

double
token_bucket_room(struct token_bucket *b, uint64_t wait_us, uint64_t now_us)
{
	if (!has_limit(b))
		return INFINITY;
	earn(b, now_us);
	return b->tokens + (double)wait_us / SECOND_US * b->per_s;
}

uint64_t
token_bucket_full_us(const struct token_bucket *b)
{
	if (!has_limit(b))
		return b->at_us;
	return b->at_us + time_for(b, b->burst - b->tokens);
}
