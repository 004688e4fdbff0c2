/* verify_totals: see verify_totals.h. */
#include "verify_totals.h"

#include <stdlib.h>

struct verify_totals *
verify_totals_new(void)
{
	struct verify_totals *t = calloc(1, sizeof *t);

	if (t != NULL)
		atomic_init(&t->holders, 1);
	return t;
}

struct verify_totals *
verify_totals_hold(struct verify_totals *t)
{
	atomic_fetch_add(&t->holders, 1);
	return t;
}

void
verify_totals_drop(struct verify_totals *t)
{
	if (t != NULL && atomic_fetch_sub(&t->holders, 1) == 1)
		free(t);
}

void
verify_totals_answer(struct verify_totals *t,
    const struct verify_answer *answer, uint64_t askers)
{
	switch (answer->verdict) {
	case VERIFY_ALLOW:
		atomic_fetch_add(&t->allowed, askers);
		break;
	case VERIFY_DENY:
		atomic_fetch_add(&t->denied, askers);
		break;
	case VERIFY_UNKNOWN:
	case VERIFY_NO_OPINION:
		atomic_fetch_add(&t->unknown, askers);
		break;
	}
	if (answer->fail_open)
		atomic_fetch_add(&t->failed_open, askers);
}
