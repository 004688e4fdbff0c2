/* acme_schedule: see acme_schedule.h. */
#include "acme_schedule.h"

#define MINUTE_MS ((uint64_t)60 * 1000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_S ((int64_t)24 * 60 * 60)

int64_t
acme_schedule_renewal(int64_t from_s, int64_t to_s,
    const struct acme_window *suggested, double share)
{
	const int64_t life_s = to_s - from_s;
	int64_t left_s = life_s / 3, at_s;

	if (left_s > 30 * DAY_S)
		left_s = 30 * DAY_S;
	if (suggested == NULL)
		return to_s - left_s - (int64_t)(share * (double)left_s / 10);
	at_s = suggested->from_s +
	    (int64_t)(share * (double)(suggested->to_s - suggested->from_s));
	if (at_s < from_s + life_s / 20)
		at_s = from_s + life_s / 20;
	return at_s < to_s - life_s / 10 ? at_s : to_s - life_s / 10;
}

/* The first wait and the longest. An authority that is away costs nobody
 * anything; one that refuses counts our failures (Let's Encrypt: five an hour
 * and name). */
static void
bounds(enum acme_fault fault, uint64_t *first_ms, uint64_t *most_ms)
{
	switch (fault) {
	case ACME_FAULT_NONE:
	case ACME_FAULT_STOPPED:
	case ACME_FAULT_UNREACHABLE:
		*first_ms = 5000;
		*most_ms = 30 * MINUTE_MS;
		return;
	case ACME_FAULT_OURS:
		*first_ms = MINUTE_MS / 2;
		*most_ms = 10 * MINUTE_MS;
		return;
	case ACME_FAULT_REFUSED:
	case ACME_FAULT_CHALLENGE:
		*first_ms = 10 * MINUTE_MS;
		*most_ms = 3 * HOUR_MS;
		return;
	case ACME_FAULT_LIMITED:
		*first_ms = HOUR_MS;
		*most_ms = 12 * HOUR_MS;
		return;
	}
}

uint64_t
acme_schedule_retry_ms(enum acme_fault fault, unsigned failures,
    unsigned retry_after_s, double share)
{
	const uint64_t asked_ms = (uint64_t)retry_after_s * 1000;
	uint64_t ms = 0, most_ms = 0;

	bounds(fault, &ms, &most_ms);
	if (fault == ACME_FAULT_LIMITED && asked_ms > 0)
		ms = MINUTE_MS; /* at first; what is asked for may be too little
				 */
	for (; failures > 1 && ms < most_ms; failures--)
		ms *= 2;
	if (ms > most_ms)
		ms = most_ms;
	if (asked_ms > ms)
		ms = asked_ms;
	return ms + (uint64_t)(share * (double)ms / 5);
}

uint64_t
acme_schedule_ask_ms(unsigned retry_after_s)
{
	const uint64_t ms = (uint64_t)retry_after_s * 1000;

	if (ms == 0)
		return 6 * HOUR_MS;
	return ms < MINUTE_MS   ? MINUTE_MS
	    : ms < 24 * HOUR_MS ? ms
				: 24 * HOUR_MS;
}
