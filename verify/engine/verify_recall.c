/* verify_recall: see verify_recall.h. */
#include "verify_recall.h"

#include <inttypes.h>

#define LOGIN_S 60 /* longer than from an answer to the registration */

int
verify_recall_init(struct verify_recall *r,
    const struct verify_source_config *row,
    const struct verify_source_context *context,
    const struct verify_recall *before)
{
	*r = (struct verify_recall){ .outage = row->outage,
		.outage_s = (int64_t)(row->outage_ms / 1000),
		.wall_s = context->wall_s };
	if (row->outage != VERIFY_OUTAGE_LAST_GOOD && row->recheck_ms == 0)
		return 0;
	r->known = before != NULL && before->known != NULL
	    ? verify_known_hold(before->known)
	    : verify_known_new();
	return r->known != NULL ? 0 : -1;
}

void
verify_recall_clear(struct verify_recall *r)
{
	verify_known_drop(r->known);
	r->known = NULL;
}

void
verify_recall_put(struct verify_recall *r, const struct verify_question *q,
    enum verify_verdict verdict)
{
	int64_t now_s;

	if (r->known == NULL)
		return;
	now_s = r->wall_s();
	if (verdict == VERIFY_ALLOW)
		verify_known_put(r->known, q->key, q->client, now_s,
		    r->outage_s == 0 ? VERIFY_SET_NEVER : now_s + r->outage_s);
	else if (verdict == VERIFY_DENY)
		verify_known_remove(r->known, q->key);
}

/* Until when it counts was written by the engine that was in force then; this
 * one may allow less. */
static bool
is_too_old(const struct verify_recall *r, int64_t age_s)
{
	return r->outage_s != 0 && age_s >= r->outage_s;
}

bool
verify_recall_find(const struct verify_recall *r, const struct derp_key *key,
    struct verify_answer *answer)
{
	const enum verify_fault fault = answer->fault;
	int64_t allowed_s, now_s;

	if (r->known == NULL)
		return false;
	now_s = r->wall_s();
	if (!verify_known_find(r->known, key, now_s, &allowed_s) ||
	    is_too_old(r, now_s - allowed_s))
		return false;
	verify_answer_set(answer, VERIFY_ALLOW,
	    "allowed %" PRId64 " s ago; now: %s", now_s - allowed_s,
	    answer->reason);
	answer->fault = fault;
	answer->origin = VERIFY_FROM_LAST_GOOD;
	answer->age_ms = (uint64_t)(now_s - allowed_s) * 1000;
	return true;
}

struct verify_set *
verify_recall_set(const struct verify_recall *r)
{
	return r->known != NULL ? verify_known_set(r->known, r->wall_s())
				: NULL;
}

void
verify_recall_forget(struct verify_recall *r, const struct derp_key *key)
{
	/* a source that keeps its keys itself has none of these */
	if (r->known != NULL && r->outage != VERIFY_OUTAGE_LAST_GOOD)
		verify_known_forget(r->known, key, r->wall_s() - LOGIN_S);
}

bool
verify_recall_client(const struct verify_recall *r, const struct derp_key *key,
    struct netaddr *client)
{
	return r->known != NULL && verify_known_client(r->known, key, client);
}
