/* verify_tally: see verify_tally.h. */
#include "verify_tally.h"

#include <stdlib.h>

struct verify_tally *
verify_tally_new(void)
{
	struct verify_tally *t = calloc(1, sizeof *t);

	if (t != NULL)
		atomic_init(&t->holders, 1);
	return t;
}

struct verify_tally *
verify_tally_hold(struct verify_tally *t)
{
	atomic_fetch_add(&t->holders, 1);
	return t;
}

void
verify_tally_drop(struct verify_tally *t)
{
	if (t != NULL && atomic_fetch_sub(&t->holders, 1) == 1)
		free(t);
}

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
