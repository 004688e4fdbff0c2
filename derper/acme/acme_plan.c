/* acme_plan: see acme_plan.h. */
#include "acme_plan.h"

#include "acme_schedule.h"

#include <limits.h>

#define HOUR_MS ((uint64_t)60 * 60 * 1000)
#define DAY_MS (24 * HOUR_MS)
#define OTHER_KIND_MS 1000 /* before the other challenge is tried */
#define SHORTEST_MS 50     /* of a pause */
/* what a note may make us wait: the longest Retry-After that is taken, and the
 * fifth that goes on top */
#define NOTE_MAX_S (24 * 60 * 60 * 6 / 5)

static void
set_present(struct acme_plan *p, bool usable, int64_t from_s, int64_t to_s,
    double share)
{
	p->usable = usable;
	p->from_s = from_s;
	p->to_s = to_s;
	p->share = share;
	p->window = (struct acme_window){ 0 };
	p->ask_ms = 0;
}

void
acme_plan_found(struct acme_plan *p, int64_t from_s, int64_t to_s, double share)
{
	set_present(p, true, from_s, to_s, share);
}

void
acme_plan_missing(struct acme_plan *p, double share)
{
	set_present(p, false, 0, 0, share);
}

bool
acme_plan_asked(struct acme_plan *p, struct acme_now now,
    const struct acme_window *window, bool offered, unsigned retry_after_s)
{
	if (window == NULL && !offered) {
		p->ask_ms = now.ms + DAY_MS;
		return false;
	}
	if (window == NULL) {
		p->ask_ms = now.ms +
		    (retry_after_s > 0 ? acme_schedule_ask_ms(retry_after_s)
				       : HOUR_MS);
		return false;
	}
	p->ask_ms = now.ms + acme_schedule_ask_ms(retry_after_s);
	if (window->from_s == p->window.from_s &&
	    window->to_s == p->window.to_s)
		return false;
	p->window = *window;
	return true;
}

uint64_t
acme_plan_failed(struct acme_plan *p, struct acme_now now,
    const struct acme_failure *failure, double share)
{
	unsigned *failures = &p->failures[failure->fault];
	uint64_t ms;

	if (*failures < UINT_MAX)
		++*failures;
	p->fault = failure->fault;
	p->asked = failure->retry_after_s > 0;
	ms = acme_schedule_retry_ms(
	    failure->fault, *failures, failure->retry_after_s, share);
	p->told_ms = now.ms + ms;
	/* a proof that was not found in one way may be found in the other: that
	 * is tried at once, but once only */
	if (failure->fault == ACME_FAULT_CHALLENGE && failure->has_other) {
		p->tried_other = !p->tried_other;
		if (p->tried_other)
			ms = OTHER_KIND_MS;
	}
	p->retry_ms = now.ms + ms;
	return ms;
}

void
acme_plan_issued(
    struct acme_plan *p, struct acme_now now, int64_t from_s, int64_t to_s)
{
	const uint64_t part_ms =
	    to_s > from_s ? (uint64_t)(to_s - from_s) * 1000 / 20 : HOUR_MS;

	for (unsigned i = 0; i < ACME_FAULT_COUNT; i++)
		p->failures[i] = 0;
	p->fault = ACME_FAULT_NONE;
	p->asked = p->tried_other = p->unsaved = false;
	p->retry_ms = p->told_ms = 0;
	p->hold_ms = now.ms + part_ms;
	p->missing_ms = now.ms + (part_ms < HOUR_MS ? part_ms : HOUR_MS);
}

bool
acme_plan_woken(struct acme_plan *p, struct acme_now now)
{
	p->ask_ms = 0;
	p->missing_ms = 0;
	if ((p->fault == ACME_FAULT_LIMITED || p->asked) &&
	    now.ms < p->retry_ms)
		return false;
	p->retry_ms = 0;
	return true;
}

/* Those that an authority counts. */
static bool
is_counted(const struct acme_plan *p)
{
	return p->fault == ACME_FAULT_LIMITED ||
	    p->fault == ACME_FAULT_REFUSED ||
	    p->fault == ACME_FAULT_CHALLENGE ||
	    (p->fault == ACME_FAULT_UNREACHABLE && p->asked);
}

bool
acme_plan_tell(const struct acme_plan *p, struct acme_now now,
    struct acme_note_retry *note)
{
	if (!is_counted(p) || p->told_ms <= now.ms)
		return false;
	*note = (struct acme_note_retry){
		.fault = p->fault,
		.failures = p->failures[p->fault],
		.asked = p->asked,
		.since_s = now.s,
		.until_s = now.s + (int64_t)((p->told_ms - now.ms) / 1000),
	};
	return true;
}

/* How much of the time is left, whatever the clocks of those who have written
 * it and of this machine do. */
static uint64_t
left_ms(struct acme_now now, const struct acme_note_retry *note)
{
	const int64_t from_s = now.s < note->since_s ? note->since_s : now.s;
	const int64_t left_s = note->until_s - from_s;

	if (left_s <= 0)
		return 0;
	return (uint64_t)(left_s < NOTE_MAX_S ? left_s : NOTE_MAX_S) * 1000;
}

bool
acme_plan_heard(struct acme_plan *p, struct acme_now now,
    const struct acme_note_retry *note)
{
	const uint64_t until_ms = now.ms + left_ms(now, note);

	if (note->failures > p->failures[note->fault])
		p->failures[note->fault] = note->failures;
	if (until_ms <= now.ms || until_ms <= p->retry_ms)
		return false;
	p->fault = note->fault;
	p->asked = note->asked;
	p->retry_ms = until_ms;
	return true;
}

/* When the present certificate is to be renewed; 0: at once. */
static int64_t
renewal_s(const struct acme_plan *p)
{
	if (!p->usable)
		return 0;
	return acme_schedule_renewal(p->from_s, p->to_s,
	    p->window.to_s != 0 ? &p->window : NULL, p->share);
}

/* Before when nothing is ordered, whatever the date. */
static uint64_t
earliest_ms(const struct acme_plan *p)
{
	const uint64_t held_ms = p->usable ? p->hold_ms : p->missing_ms;

	return p->retry_ms > held_ms ? p->retry_ms : held_ms;
}

enum acme_step
acme_plan_step(const struct acme_plan *p, struct acme_now now)
{
	if (p->unsaved)
		return now.ms < p->retry_ms ? ACME_STEP_WAIT : ACME_STEP_SAVE;
	if (p->usable && now.ms >= p->ask_ms)
		return ACME_STEP_ASK;
	if (now.ms < earliest_ms(p) || now.s < renewal_s(p))
		return ACME_STEP_WAIT;
	return ACME_STEP_ORDER;
}

int64_t
acme_plan_next_s(const struct acme_plan *p, struct acme_now now)
{
	const uint64_t at_ms = earliest_ms(p);
	const int64_t date_s = renewal_s(p);
	int64_t next_s = now.s;

	if (at_ms > now.ms)
		next_s += (int64_t)((at_ms - now.ms) / 1000);
	return date_s > next_s ? date_s : next_s;
}

/* Until the order, or what of it is waited for by each clock. */
static uint64_t
until_order_ms(const struct acme_plan *p, struct acme_now now)
{
	const uint64_t at_ms = p->unsaved ? p->retry_ms : earliest_ms(p);
	const uint64_t clock_ms = at_ms > now.ms ? at_ms - now.ms : 0;
	const int64_t date_s = p->unsaved ? 0 : renewal_s(p);
	uint64_t date_ms = 0;

	if (date_s > now.s + ACME_PLAN_LOOK_MS / 1000)
		date_ms = ACME_PLAN_LOOK_MS;
	else if (date_s > now.s)
		date_ms = (uint64_t)(date_s - now.s) * 1000;
	return clock_ms > date_ms ? clock_ms : date_ms;
}

uint64_t
acme_plan_pause_ms(const struct acme_plan *p, struct acme_now now)
{
	uint64_t ms = until_order_ms(p, now);

	if (p->usable && p->ask_ms > now.ms && p->ask_ms - now.ms < ms)
		ms = p->ask_ms - now.ms;
	return ms < ACME_PLAN_LOOK_MS ? ms + SHORTEST_MS : ACME_PLAN_LOOK_MS;
}
