/* relay: see relay.h. */
#include "relay.h"

#include "derp_frame.h"
#include "worker.h"

#include <stdlib.h>

static void
post_crossing(void *ctx)
{
	struct relay *relay = ctx;

	crossing_post(&relay->crossing);
}

static void
end_turn(void *ctx)
{
	struct relay *relay = ctx;

	departures_turn(&relay->departures);
	watchers_turn(&relay->watchers);
}

struct relay *
relay_new(const struct relay_shared *shared, struct worker *worker)
{
	struct relay *relay = calloc(1, sizeof *relay);

	if (relay == NULL)
		return NULL;
	relay->shared = shared;
	relay->worker = worker;
	departures_init(
	    &relay->departures, worker, shared->registry, &relay->crossing);
	watchers_init(&relay->watchers, worker, shared->presence);
	relay->crossing.shared = shared->crossing;
	relay->crossing.counters = worker->counters;
	relay->log_client = (struct log_limit){ .burst = 20, .per_s = 5 };
	relay->log_fail_open = (struct log_limit){ .burst = 50, .per_s = 5 };
	relay->log_revoked = (struct log_limit){ .burst = 50, .per_s = 5 };
	worker->turn_ending = end_turn;
	worker->flushed = post_crossing;
	worker->hook_ctx = relay;
	if (shared->sample_rtt &&
	    rtt_sampler_start(&relay->rtt, worker) == -1) {
		relay_free(relay);
		return NULL;
	}
	return relay;
}

void
relay_free(struct relay *relay)
{
	if (relay == NULL)
		return;
	departures_clear(&relay->departures);
	crossing_clear(&relay->crossing);
	free(relay);
}

size_t
relay_frame_len(const uint8_t *p)
{
	return DERP_HEADER + derp_header_get(p).len;
}
