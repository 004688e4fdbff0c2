/* pacing: see pacing.h. */
#include "pacing.h"

void
pacing_init(struct pacing *p, uint64_t batch_delay_us)
{
	*p = (struct pacing){ .batch_delay_us = batch_delay_us };
}

void
pacing_read(struct pacing *p, size_t bytes)
{
	p->reads++;
	p->read_bytes += bytes;
}

/* Packets per second. */
static uint64_t
rate(uint64_t passed, uint64_t past_ms)
{
	/* a packet that stays on a worker has been counted twice */
	return passed / 2 * 1000 / past_ms;
}

void
pacing_take_rate(
    struct pacing *p, uint64_t now_ms, const struct pacing_load *now)
{
	const uint64_t past_ms = now_ms - p->window_ms;
	const uint64_t own = now->own - p->then.own;
	const uint64_t all = now->all - p->then.all;

	p->high_rate = rate(all, past_ms) > PACING_RATE_PER_S &&
	    rate(own, past_ms) * p->batch_delay_us >=
		PACING_GATHERED_MIN * UINT64_C(1000000);
	/* a turn costs the same however little it handles */
	if (p->high_rate)
		p->delay_us =
		    p->batch_delay_us + p->batch_delay_us * (all - own) / all;
	p->window_ms = now_ms;
	p->then = *now;
}

uint64_t
pacing_end_turn(struct pacing *p, uint64_t turn_us)
{
	const bool much = p->read_bytes > p->reads * PACING_FULL_READ;

	p->reads = p->read_bytes = 0;
	return p->high_rate && !much ? turn_us + p->delay_us : 0;
}

bool
pacing_judge(const struct pacing *p, struct pacing_client *c, uint64_t now_ms,
    bool *high_rate)
{
	const uint64_t past_ms = now_ms - c->window_ms;

	if (past_ms < PACING_CLIENT_WINDOW_MS)
		return false;
	*high_rate = p->high_rate &&
	    (uint64_t)c->window_packets * 1000 / past_ms >
		PACING_CLIENT_RATE_PER_S;
	*c = (struct pacing_client){ .window_ms = now_ms };
	return true;
}
