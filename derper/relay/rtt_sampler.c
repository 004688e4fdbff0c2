/* rtt_sampler: see rtt_sampler.h. */
#include "rtt_sampler.h"

#include "conn.h"
#include "conn_table.h"
#include "tcp_stats.h"
#include "worker.h"

#define PAUSE_MS 50 /* between the parts of a round */

static void
count(struct counters *counters, const struct conn *c)
{
	struct tcp_stats stats;

	if (c->websocket != NULL)
		counters_add(&counters->rtt_non_tcp, 1);
	else if (tcp_stats_read(c->stream.watch.fd, &stats) == -1)
		counters_add(&counters->rtt_error, 1);
	else if (stats.rtt_us <= 10000)
		counters_add(&counters->rtt_10ms, 1);
	else if (stats.rtt_us <= 20000)
		counters_add(&counters->rtt_20ms, 1);
	else if (stats.rtt_us <= 50000)
		counters_add(&counters->rtt_50ms, 1);
	else if (stats.rtt_us <= 100000)
		counters_add(&counters->rtt_100ms, 1);
	else if (stats.rtt_us <= 150000)
		counters_add(&counters->rtt_150ms, 1);
	else if (stats.rtt_us <= 250000)
		counters_add(&counters->rtt_250ms, 1);
	else if (stats.rtt_us <= 500000)
		counters_add(&counters->rtt_500ms, 1);
	else
		counters_add(&counters->rtt_inf, 1);
}

/* Not a tunnel, nor one that is on its way out. */
static bool
is_client(const struct conn *c)
{
	return conn_logged_in(c) && !c->protocol->is_bounded &&
	    !c->half_closed && !c->ended && !c->outgoing;
}

/* Without memory for its timer the sampler ends. */
static void
sample_some(void *ctx)
{
	struct rtt_sampler *s = ctx;
	struct worker *worker = s->worker;
	const uint64_t now_ms = loop_now_ms(worker->loop);
	const uint32_t until = s->at + RTT_SAMPLER_SLOTS;
	const struct conn *c;

	if (s->at == 0)
		s->round_ms = now_ms;
	for (unsigned i = 0; i < RTT_SAMPLER_STEP; i++) {
		c = conn_table_next_before(worker->conns, &s->at, until);
		if (c == NULL)
			break;
		if (is_client(c))
			count(worker->counters, c);
	}
	if (conn_table_is_end(worker->conns, s->at))
		s->at = 0;
	(void)loop_timer_set(worker->loop, &s->timer,
	    s->at == 0 ? s->round_ms + RTT_SAMPLER_ROUND_MS
		       : now_ms + PAUSE_MS);
}

int
rtt_sampler_start(struct rtt_sampler *s, struct worker *worker)
{
	*s = (struct rtt_sampler){ .worker = worker,
		.timer = { .fire = sample_some, .ctx = s } };
	return loop_timer_set(worker->loop, &s->timer,
	    loop_now_ms(worker->loop) + RTT_SAMPLER_ROUND_MS);
}
