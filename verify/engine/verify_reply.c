/* verify_reply: see verify_reply.h. */
#include "verify_reply.h"

#include "verify_nodes.h"

#include <inttypes.h>

/* Whether the outage policy still counts for what the source does not confirm.
 */
static bool
in_bound(const struct verify_reply *r)
{
	return r->row->outage_ms == 0 || r->age_ms <= r->row->outage_ms;
}

/* Whether the set in force counts. */
bool
verify_reply_is_in_force(const struct verify_reply *r)
{
	if (r->fault == VERIFY_FAULT_NONE)
		return true;
	switch (r->row->outage) {
	case VERIFY_OUTAGE_DEFAULT:
	case VERIFY_OUTAGE_CLOSED:
		return false;
	case VERIFY_OUTAGE_OPEN:
	case VERIFY_OUTAGE_LAST_GOOD:
		return in_bound(r);
	}
	return false;
}

const char *
verify_reply_fault_word(enum verify_fault fault)
{
	switch (fault) {
	case VERIFY_FAULT_NONE:
		return "has not been read yet";
	case VERIFY_FAULT_AWAY:
		return "cannot be reached";
	case VERIFY_FAULT_BAD:
		return "gives no usable answer";
	case VERIFY_FAULT_OURS:
		return "cannot be read for lack of memory, descriptors or "
		       "threads here";
	}
	return "";
}

/* What is said of a key while what the source named does not count. */
static enum verify_found
answer_fault(const struct verify_reply *r, struct verify_answer *answer)
{
	if (r->fault == VERIFY_FAULT_AWAY &&
	    r->row->outage == VERIFY_OUTAGE_OPEN &&
	    r->row->role == VERIFY_ROLE_ALLOW && in_bound(r)) {
		verify_answer_set(answer, VERIFY_ALLOW,
		    "%s cannot be reached, which allows everybody", r->label);
		answer->fail_open = true;
		answer->fault = r->fault;
		return VERIFY_FEED_ANSWERS;
	}
	verify_answer_set_fault(answer, r->fault, "%s %s", r->label,
	    verify_reply_fault_word(r->fault));
	return VERIFY_FEED_UNREADY;
}

static void
answer_allow(const struct verify_reply *r, const struct verify_set_node *node,
    struct verify_answer *answer)
{
	const uint64_t age_s = r->age_ms / 1000;
	const char *gap = node->name[0] != '\0' ? " " : "";

	if (r->fault == VERIFY_FAULT_NONE)
		verify_answer_set(answer, VERIFY_ALLOW, "%s%sin %s", node->name,
		    gap, r->label);
	else
		verify_answer_set(answer, VERIFY_ALLOW,
		    "%s%sin the last good %s, %" PRIu64 " s old", node->name,
		    gap, r->label, age_s);
}

static bool
is_denied(const struct verify_reply *r, const struct verify_set_node *node)
{
	return r->row->role == VERIFY_ROLE_DENY ||
	    (node->flags & VERIFY_SET_DENIED) != 0;
}

static enum verify_found
answer_denied(const struct verify_reply *r, const struct verify_set_node *node,
    struct verify_answer *answer)
{
	char key[DERP_KEY_TEXT];

	derp_key_format(&node->key, key);
	verify_answer_set(answer, VERIFY_DENY,
	    "peer %s not authorized (%s%sdenied by %s)", key, node->name,
	    node->name[0] != '\0' ? " " : "", r->label);
	answer->is_final = true;
	return VERIFY_FEED_ANSWERS;
}

/* The key is in the set, which counts. */
static enum verify_found
answer_found(const struct verify_reply *r, const struct verify_set_node *node,
    struct verify_answer *answer)
{
	char key[DERP_KEY_TEXT], time[VERIFY_NODES_TIME_TEXT];
	const char *gap = node->name[0] != '\0' ? " " : "";

	derp_key_format(&node->key, key);
	if (verify_set_is_expired(node, r->now_s) && !r->row->allow_expired) {
		verify_nodes_format_time(node->expires_s, time);
		verify_answer_set(answer, VERIFY_DENY,
		    "peer %s not authorized (%s%sexpired %s in %s)", key,
		    node->name, gap, time, r->label);
		return VERIFY_FEED_MISSES;
	}
	answer_allow(r, node, answer);
	return VERIFY_FEED_ANSWERS;
}

static enum verify_found
answer_missing(const struct verify_reply *r, const struct derp_key *key,
    struct verify_answer *answer)
{
	char text[DERP_KEY_TEXT];

	if (r->row->role == VERIFY_ROLE_DENY) {
		verify_answer_set(
		    answer, VERIFY_NO_OPINION, "not in %s", r->label);
		return VERIFY_FEED_ANSWERS;
	}
	/* an open source that is away allows everybody */
	if (r->fault == VERIFY_FAULT_AWAY &&
	    r->row->outage == VERIFY_OUTAGE_OPEN)
		return answer_fault(r, answer);
	derp_key_format(key, text);
	verify_answer_set(answer, VERIFY_DENY,
	    "peer %s not authorized (not in %s)", text, r->label);
	return VERIFY_FEED_MISSES;
}

enum verify_found
verify_reply(const struct verify_reply *r, const struct verify_set *set,
    const struct derp_key *key, struct verify_answer *answer)
{
	struct verify_set_node node;
	const bool has = set != NULL && verify_set_find(set, key, &node);
	enum verify_found found;

	/* a denial counts, however old it is */
	if (has && is_denied(r, &node))
		found = answer_denied(r, &node, answer);
	else if (set == NULL || !verify_reply_is_in_force(r))
		found = answer_fault(r, answer);
	else if (has)
		found = answer_found(r, &node, answer);
	else
		found = answer_missing(r, key, answer);
	answer->origin = r->fault == VERIFY_FAULT_NONE ? VERIFY_FROM_SET
						       : VERIFY_FROM_LAST_GOOD;
	answer->age_ms = r->age_ms;
	return found;
}
