/* verify_sources: see verify_sources.h. */
#include "verify_sources.h"

#include <stdlib.h>
#include <string.h>

static int
check_settings(const struct verify_source_config *row, struct fail *why)
{
	const struct verify_source_kind *kind = row->kind;
	const bool has_ca = row->ca_file != NULL && row->ca_file[0] != '\0';

	if (has_ca && !kind->uses_ca_file)
		return fail_set(
		    why, "source %s does not use a CA file", kind->name);
	if (row->outage != VERIFY_OUTAGE_CLOSED && !kind->can_fail_open)
		return fail_set(why, "source %s cannot fail open", kind->name);
	return 0;
}

/* Puts it after the last of its group. */
static void
insert(struct verify_sources *s, struct verify_source *source)
{
	size_t at = s->count;

	if (source->blocks) {
		for (; at > s->blocking_count; at--)
			s->list[at] = s->list[at - 1];
		s->blocking_count++;
	}
	s->list[at] = source;
	s->count++;
	s->reads_client = s->reads_client || source->reads_client;
}

int
verify_sources_open(struct verify_sources *s,
    const struct verify_config *config,
    const struct verify_source_context *context, struct fail *why)
{
	*s = (struct verify_sources){ .policy = config->policy };
	for (size_t i = 0; i < config->source_count; i++) {
		const struct verify_source_config *row = &config->sources[i];
		struct verify_source *source;

		if (check_settings(row, why) == -1)
			return -1;
		source = row->kind->open(row, context, why);
		if (source == NULL)
			return -1;
		insert(s, source);
		source->kind = row->kind;
		source->argument = strdup(row->argument);
		if (source->argument == NULL)
			return fail_set(why, "out of memory");
	}
	return 0;
}

void
verify_sources_close(struct verify_sources *s)
{
	for (size_t i = 0; i < s->count; i++) {
		char *argument = s->list[i]->argument;

		s->list[i]->ops->close(s->list[i]);
		free(argument);
	}
	s->count = s->blocking_count = 0;
}

bool
verify_sources_decided(
    const struct verify_sources *s, const struct verify_answer *answer)
{
	if (answer->reason[0] == '\0') /* nobody has answered yet */
		return false;
	switch (s->policy) {
	case VERIFY_POLICY_ALL:
		return answer->verdict != VERIFY_ALLOW;
	case VERIFY_POLICY_ANY:
		return answer->verdict == VERIFY_ALLOW && !answer->fail_open;
	}
	return true;
}

/* Which of two answers decides under ANY: a source that allows the key, then
 * an outage that admits it, then an outage that does not, then a denial. */
static int
weight(const struct verify_answer *answer)
{
	switch (answer->verdict) {
	case VERIFY_ALLOW:
		return answer->fail_open ? 2 : 3;
	case VERIFY_UNKNOWN:
		return 1;
	case VERIFY_DENY:
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

	if (before.reason[0] == '\0' ||
	    (s->policy == VERIFY_POLICY_ALL && one->verdict != VERIFY_ALLOW) ||
	    (s->policy == VERIFY_POLICY_ANY && weight(one) > weight(&before))) {
		*answer = *one;
		return;
	}
	if (s->policy == VERIFY_POLICY_ANY && weight(one) < weight(&before))
		return;
	verify_answer_set(
	    answer, before.verdict, "%s; %s", before.reason, one->reason);
	answer->fail_open = before.fail_open || one->fail_open;
}

/* Asks one source and adds its answer, which is left in *one. */
static void
ask_one(const struct verify_sources *s, size_t i,
    const struct verify_question *q, struct verify_answer *answer,
    struct verify_answer *one)
{
	*one = (struct verify_answer){ .verdict = VERIFY_UNKNOWN };
	s->list[i]->ops->ask(s->list[i], q, one);
	if (one->reason[0] == '\0') /* a bug in it admits nobody */
		verify_answer_set(
		    one, VERIFY_UNKNOWN, "a verify source gave no answer");
	combine(s, answer, one);
}

void
verify_sources_ask(const struct verify_sources *s, enum verify_group group,
    const struct verify_question *q, struct verify_answer *answer)
{
	const bool blocking = group == VERIFY_BLOCKING;
	const size_t end = blocking ? s->blocking_count : s->count;
	size_t i = blocking ? 0 : s->blocking_count;
	struct verify_answer one;

	for (; i < end && !verify_sources_decided(s, answer); i++)
		ask_one(s, i, q, answer, &one);
}

void
verify_sources_explain(const struct verify_sources *s,
    const struct verify_question *q, verify_explain_fn *tell, void *ctx,
    struct verify_answer *answer)
{
	struct verify_answer one;

	for (size_t i = 0; i < s->count; i++) {
		const bool decided = verify_sources_decided(s, answer);
		const struct verify_answer before = *answer;
		const uint64_t began_ms = q->now_ms();

		ask_one(s, i, q, answer, &one);
		if (decided)
			*answer = before;
		tell(ctx, s->list[i], &one, q->now_ms() - began_ms);
	}
}

size_t
verify_sources_key_count(const struct verify_sources *s)
{
	size_t keys = 0;

	for (size_t i = 0; i < s->count; i++)
		if (s->list[i]->ops->count != NULL)
			keys += s->list[i]->ops->count(s->list[i]);
	return keys;
}
