/* verify_sources: see verify_sources.h. */
#include "verify_sources.h"

#include <time.h>

#define READY_POLL_MS 10

/* Puts it after the last of its group. */
static void
insert(struct verify_sources *s, struct verify_member *member)
{
	size_t at = s->count;

	if (verify_member_blocks(member)) {
		for (; at > s->blocking_count; at--)
			s->list[at] = s->list[at - 1];
		s->blocking_count++;
	}
	s->list[at] = member;
	s->count++;
	s->reads_client =
	    s->reads_client || verify_member_source(member)->reads_client;
}

static size_t
count_of(const struct verify_sources *s, const struct verify_source_config *row)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += verify_member_is(s->list[i], row);
	return n;
}

/* The first of the row after so many of them: a source that is configured twice
 * must not count twice in one place. */
static struct verify_member *
find(const struct verify_sources *s, const struct verify_source_config *row,
    size_t skip)
{
	for (size_t i = 0; s != NULL && i < s->count; i++)
		if (verify_member_is(s->list[i], row) && skip-- == 0)
			return s->list[i];
	return NULL;
}

int
verify_sources_open(struct verify_sources *s,
    const struct verify_config *config,
    const struct verify_source_context *context,
    const struct verify_sources *before, const atomic_bool *stop,
    struct fail *why)
{
	*s = (struct verify_sources){ .policy = config->policy };
	for (size_t i = 0; i < config->source_count; i++) {
		const struct verify_source_config *row = &config->sources[i];
		struct verify_member *member =
		    verify_member_open(row, context, &config->observer,
			find(before, row, count_of(s, row)), stop, why);

		if (member == NULL)
			return -1;
		insert(s, member);
	}
	return 0;
}

bool
verify_sources_client(const struct verify_sources *s,
    const struct derp_key *key, struct netaddr *client)
{
	for (size_t i = 0; i < s->count; i++)
		if (verify_member_client(s->list[i], key, client))
			return true;
	return false;
}

int
verify_sources_start(struct verify_sources *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (verify_member_start(s->list[i]) == -1)
			return -1;
	return 0;
}

void
verify_sources_stop(struct verify_sources *s)
{
	for (size_t i = 0; i < s->count; i++)
		verify_member_stop(s->list[i]);
}

void
verify_sources_close(struct verify_sources *s)
{
	for (size_t i = 0; i < s->count; i++)
		verify_member_close(s->list[i]);
	s->count = s->blocking_count = 0;
}

bool
verify_sources_decided(
    const struct verify_sources *s, const struct verify_answer *answer)
{
	if (answer->reason[0] == '\0') /* nobody has answered yet */
		return false;
	if (answer->is_final)
		return true;
	switch (s->policy) {
	case VERIFY_POLICY_ALL:
		return answer->verdict != VERIFY_ALLOW &&
		    answer->verdict != VERIFY_NO_OPINION;
	case VERIFY_POLICY_ANY:
		return answer->verdict == VERIFY_ALLOW && !answer->fail_open;
	}
	return true;
}

/* Which of two answers decides under ANY: a source that allows the key, then
 * an outage that admits it, then an outage that does not, then a denial, then
 * a deny list without the key. */
static int
weight(const struct verify_answer *answer)
{
	switch (answer->verdict) {
	case VERIFY_ALLOW:
		return answer->fail_open ? 3 : 4;
	case VERIFY_UNKNOWN:
		return 2;
	case VERIFY_DENY:
		return 1;
	case VERIFY_NO_OPINION:
		return 0;
	}
	return 0;
}

/* Which one decides under ALL: any that does not allow, then one that does. */
static int
weight_of_all(const struct verify_answer *answer)
{
	switch (answer->verdict) {
	case VERIFY_DENY:
	case VERIFY_UNKNOWN:
		return 2;
	case VERIFY_ALLOW:
		return 1;
	case VERIFY_NO_OPINION:
		return 0;
	}
	return 0;
}

/* Adds the answer of one more source. Equal answers have both reasons. */
static void
combine(const struct verify_sources *s, struct verify_answer *answer,
    const struct verify_answer *one)
{
	const struct verify_answer before = *answer;
	const bool any = s->policy == VERIFY_POLICY_ANY;
	const int was = any ? weight(&before) : weight_of_all(&before);
	const int is = any ? weight(one) : weight_of_all(one);

	if (before.is_final)
		return;
	if (before.reason[0] == '\0' || one->is_final || is > was) {
		*answer = *one;
		answer->epoch = before.epoch;
		answer->generation = before.generation;
		return;
	}
	if (is < was)
		return;
	verify_answer_set(
	    answer, before.verdict, "%s; %s", before.reason, one->reason);
	answer->fail_open = before.fail_open || one->fail_open;
	answer->spared = before.spared || one->spared;
	answer->fault =
	    before.fault != VERIFY_FAULT_NONE ? before.fault : one->fault;
	answer->origin = before.origin;
	answer->age_ms =
	    before.age_ms > one->age_ms ? before.age_ms : one->age_ms;
}

/* Only deny lists have been asked, and none has the key. */
static void
conclude(struct verify_answer *answer)
{
	if (answer->verdict == VERIFY_NO_OPINION)
		answer->verdict = VERIFY_ALLOW;
}

/* Deny lists, and nodes that a source marks as denied, beat everything else.
 * True: one denies the key, or should be able to tell and cannot. */
static bool
deny(const struct verify_sources *s, const struct derp_key *key,
    struct verify_answer *answer)
{
	struct verify_answer one = { 0 };

	for (size_t i = 0; i < s->count; i++) {
		if (!verify_member_denial(s->list[i], key, &one))
			continue;
		one.epoch = answer->epoch;
		*answer = one;
		return true;
	}
	return false;
}

typedef bool recall_fn(struct verify_member *m, const struct derp_key *key,
    struct verify_answer *answer);

static bool
recall_by(const struct verify_sources *s, recall_fn *recall,
    const struct derp_key *key, struct verify_answer *answer)
{
	bool pending = false;

	if (deny(s, key, answer))
		return true;
	for (size_t i = 0; i < s->count; i++) {
		struct verify_answer one = { 0 };

		if (recall(s->list[i], key, &one))
			combine(s, answer, &one);
		else
			pending = true;
		/* under ALL the first source that denies gives the reason, and
		 * so those after one that must be asked are not looked at;
		 * a key that left has no time for that */
		if (answer->is_final ||
		    (pending && s->policy == VERIFY_POLICY_ALL &&
			recall == verify_member_recall))
			break;
		if (verify_sources_decided(s, answer))
			return true;
	}
	if (pending && !answer->is_final)
		return false;
	conclude(answer);
	return true;
}

bool
verify_sources_recall(const struct verify_sources *s,
    const struct derp_key *key, struct verify_answer *answer)
{
	return recall_by(s, verify_member_recall, key, answer);
}

bool
verify_sources_recall_listed(const struct verify_sources *s,
    const struct derp_key *key, struct verify_answer *answer)
{
	return recall_by(s, verify_member_recall_listed, key, answer);
}

/* Asks one source and adds its answer, which is left in *one. */
static void
ask_one(const struct verify_sources *s, size_t i,
    const struct verify_question *q, struct verify_answer *answer,
    struct verify_answer *one)
{
	verify_member_ask(s->list[i], q, one);
	combine(s, answer, one);
}

void
verify_sources_ask(const struct verify_sources *s, enum verify_group group,
    const struct verify_question *q, struct verify_answer *answer)
{
	const bool blocking = group == VERIFY_BLOCKING;
	const size_t end = blocking ? s->blocking_count : s->count;
	size_t i = blocking ? 0 : s->blocking_count;
	struct verify_answer one = { 0 };

	for (; i < end && !verify_sources_decided(s, answer); i++)
		ask_one(s, i, q, answer, &one);
	if (blocking)
		return;
	deny(s, q->key, answer);
	conclude(answer);
}

bool
verify_sources_spare(const struct verify_sources *s)
{
	for (size_t i = 0; i < s->blocking_count; i++)
		if (verify_member_is_spared(s->list[i]))
			return true;
	return false;
}

uint64_t
verify_sources_generation(const struct verify_sources *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->blocking_count; i++)
		sum += verify_member_generation(s->list[i]);
	return sum;
}

void
verify_sources_explain(const struct verify_sources *s,
    const struct verify_question *q, verify_explain_fn *tell, void *ctx,
    struct verify_answer *answer)
{
	struct verify_answer one = { 0 };

	for (size_t i = 0; i < s->count; i++) {
		const bool decided = verify_sources_decided(s, answer);
		const struct verify_answer before = *answer;
		const uint64_t began_ms = q->now_ms();

		ask_one(s, i, q, answer, &one);
		if (decided)
			*answer = before;
		tell(ctx, verify_member_source(s->list[i]), &one,
		    q->now_ms() - began_ms);
	}
	deny(s, q->key, answer);
	conclude(answer);
}

size_t
verify_sources_key_count(const struct verify_sources *s)
{
	size_t keys = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct verify_set *set = verify_member_denies(s->list[i])
		    ? NULL
		    : verify_member_hold(s->list[i]);

		keys += set != NULL ? verify_set_count(set) : 0;
		verify_set_drop(set);
	}
	return keys;
}

void
verify_sources_each_node(
    const struct verify_sources *s, verify_node_fn *each, void *ctx)
{
	struct verify_set_node node;

	for (size_t i = 0; i < s->count; i++) {
		struct verify_set *set = verify_member_hold(s->list[i]);

		for (size_t n = 0; set != NULL && n < verify_set_count(set);
		     n++) {
			verify_set_at(set, n, &node);
			each(ctx, s->list[i], &node);
		}
		verify_set_drop(set);
	}
}

bool
verify_sources_wait_ready(const struct verify_sources *s, uint64_t ms)
{
	const struct timespec pause = { .tv_nsec = READY_POLL_MS * 1000000 };

	for (uint64_t waited = 0;; waited += READY_POLL_MS) {
		size_t ready = 0;

		for (size_t i = 0; i < s->count; i++)
			ready += verify_member_is_ready(s->list[i]);
		if (ready == s->count || waited >= ms)
			return ready == s->count;
		nanosleep(&pause, NULL);
	}
}

uint64_t
verify_sources_list_ms(const struct verify_sources *s)
{
	uint64_t most_ms = 0;

	for (size_t i = 0; i < s->count; i++) {
		const uint64_t ms = verify_member_source(s->list[i])->list_ms;

		most_ms = ms > most_ms ? ms : most_ms;
	}
	return most_ms;
}

void
verify_sources_tick(const struct verify_sources *s)
{
	for (size_t i = 0; i < s->count; i++)
		verify_member_tick(s->list[i]);
}

void
verify_sources_reload(const struct verify_sources *s)
{
	for (size_t i = 0; i < s->count; i++)
		verify_member_reload(s->list[i]);
}
