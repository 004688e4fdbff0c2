/* status_collector: see status_collector.h. */
#include "status_collector.h"

#include "status_batch.h"

#include <stdlib.h>

struct status_collector {
	struct status_collector_config config;
	struct status_snapshot *now;     /* owned; NULL: none */
	uint64_t use_until_ms;           /* of `now` */
	struct status_snapshot *filling; /* owned; NULL: none is being made */
	unsigned pending;                /* batches that are on their way */
	uint64_t took_us; /* the longest that a worker took for it */
	bool failed;      /* memory was short for it */
	/* set: the base has been made, another one follows */
	struct loop_timer base_timer;
	struct loop_timer forget_timer;
};

static void filled(void *ctx, struct status_batch *b);

static void
collect(struct status_collector *c)
{
	c->filling = status_snapshot_new();
	c->failed = c->filling == NULL;
	c->took_us = 0;
	for (unsigned i = 0; i < c->config.worker_count && !c->failed; i++) {
		struct status_batch *b =
		    status_batch_new(c->config.workers[i], c->config.mailbox);

		if (b == NULL) {
			c->failed = true;
			break;
		}
		b->filled = filled;
		b->ctx = c;
		c->pending++;
		status_batch_post(b);
	}
}

static void
end_failed(struct status_collector *c)
{
	status_snapshot_free(c->filling);
	c->filling = NULL;
	c->config.ready(c->config.ctx, NULL);
}

/* All workers have told. */
static void
end(struct status_collector *c)
{
	const uint64_t now_ms = loop_now_ms(c->config.loop);
	const uint64_t keep_ms = c->took_us * STATUS_COLLECTOR_COST / 1000;
	const bool is_base = c->now == NULL;

	if (c->failed ||
	    status_snapshot_finish(c->filling, c->now, now_ms) == -1) {
		end_failed(c);
		return;
	}
	status_snapshot_free(c->now);
	c->now = c->filling;
	c->filling = NULL;
	c->use_until_ms = now_ms +
	    (keep_ms > STATUS_COLLECTOR_KEEP_MS ? keep_ms
						: STATUS_COLLECTOR_KEEP_MS);
	if (!is_base ||
	    loop_timer_set(c->config.loop, &c->base_timer,
		now_ms + STATUS_COLLECTOR_BASE_MS) == -1)
		c->config.ready(c->config.ctx, c->now);
}

static void
filled(void *ctx, struct status_batch *b)
{
	struct status_collector *c = ctx;

	if (!c->failed &&
	    status_snapshot_add(c->filling, b->clients, b->count) == -1)
		c->failed = true;
	if (!b->done && !c->failed) {
		status_batch_post(b);
		return;
	}
	if (b->took_us > c->took_us)
		c->took_us = b->took_us;
	status_batch_free(b);
	if (--c->pending == 0)
		end(c);
}

static void
base_is_old_enough(void *ctx)
{
	struct status_collector *c = ctx;

	collect(c);
	if (c->pending == 0)
		end_failed(c);
}

/* The next one to ask starts from a base again. */
static void
forget(void *ctx)
{
	struct status_collector *c = ctx;

	if (c->filling != NULL || c->base_timer.place != 0)
		return;
	status_snapshot_free(c->now);
	c->now = NULL;
}

struct status_collector *
status_collector_new(const struct status_collector_config *config)
{
	struct status_collector *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->config = *config;
	c->base_timer =
	    (struct loop_timer){ .fire = base_is_old_enough, .ctx = c };
	c->forget_timer = (struct loop_timer){ .fire = forget, .ctx = c };
	return c;
}

void
status_collector_free(struct status_collector *c)
{
	if (c == NULL)
		return;
	loop_timer_clear(c->config.loop, &c->base_timer);
	loop_timer_clear(c->config.loop, &c->forget_timer);
	status_snapshot_free(c->now);
	status_snapshot_free(c->filling);
	free(c);
}

const struct status_snapshot *
status_collector_get(struct status_collector *c)
{
	const uint64_t now_ms = loop_now_ms(c->config.loop);

	/* without memory for the timer it is kept */
	(void)loop_timer_set(c->config.loop, &c->forget_timer,
	    now_ms + STATUS_COLLECTOR_FORGET_MS);
	if (c->filling != NULL || c->base_timer.place != 0)
		return NULL;
	if (c->now != NULL && now_ms < c->use_until_ms)
		return c->now;
	collect(c);
	if (c->pending == 0)
		end_failed(c);
	return NULL;
}
