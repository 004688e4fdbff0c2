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

static void
take_rate(struct pacing *p, uint64_t now_ms, uint64_t passed)
{
	const uint64_t past_ms = now_ms - p->window_ms;

	if (past_ms < PACING_WINDOW_MS)
		return;
	/* a packet that stays on this worker has been counted twice */
	p->high_rate = (passed - p->window_passed) / 2 * 1000 / past_ms >
	    PACING_RATE_PER_S;
	p->window_ms = now_ms;
	p->window_passed = passed;
}

uint64_t
pacing_end_turn(struct pacing *p, uint64_t turn_us, uint64_t passed)
{
	const bool much = p->read_bytes > p->reads * PACING_FULL_READ;

	p->reads = p->read_bytes = 0;
	take_rate(p, turn_us / 1000, passed);
	if (!p->high_rate || much || p->batch_delay_us == 0)
		return 0;
	return turn_us + p->batch_delay_us;
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
