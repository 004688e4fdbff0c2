/* verify_tally: see verify_tally.h. */
#include "verify_tally.h"

void
verify_tally_answer(struct verify_tally *t, const struct verify_answer *answer)
{
	switch (answer->verdict) {
	case VERIFY_ALLOW:
		atomic_fetch_add(&t->allowed, 1);
		return;
	case VERIFY_DENY:
		atomic_fetch_add(&t->denied, 1);
		return;
	case VERIFY_NO_OPINION:
		return;
	case VERIFY_UNKNOWN:
		break;
	}
	switch (answer->fault) {
	case VERIFY_FAULT_AWAY:
		atomic_fetch_add(&t->away, 1);
		break;
	case VERIFY_FAULT_OURS:
		atomic_fetch_add(&t->ours, 1);
		break;
	case VERIFY_FAULT_NONE:
	case VERIFY_FAULT_BAD:
		atomic_fetch_add(&t->bad, 1);
		break;
	}
}

void
verify_tally_recalled(
    struct verify_tally *t, const struct verify_answer *answer)
{
	atomic_fetch_add(&t->recalled, 1);
	if (answer->fail_open)
		atomic_fetch_add(&t->failed_open, 1);
}

static void
move(_Atomic uint64_t *to, _Atomic uint64_t *from)
{
	atomic_fetch_add(to, atomic_exchange(from, 0));
}

void
verify_tally_take(struct verify_tally *t, struct verify_tally *from)
{
	move(&t->recalled, &from->recalled);
	move(&t->asked, &from->asked);
	move(&t->allowed, &from->allowed);
	move(&t->denied, &from->denied);
	move(&t->away, &from->away);
	move(&t->bad, &from->bad);
	move(&t->ours, &from->ours);
	move(&t->failed_open, &from->failed_open);
	move(&t->last_good, &from->last_good);
	move(&t->spared, &from->spared);
	move(&t->took_ms, &from->took_ms);
}
