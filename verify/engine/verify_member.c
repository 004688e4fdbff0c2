/* verify_member: see verify_member.h. */
#include "verify_member.h"

#include "verify_lister.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX (PATH_MAX + 64)

struct verify_member {
	/* immutable */
	struct verify_source_config row; /* texts are not kept */
	struct verify_source_context context;
	char *label;                  /* owned */
	char *argument;               /* owned */
	struct verify_source *source; /* owned */
	struct verify_feed *feed;     /* owned; NULL: it keeps no set */
	struct verify_lister *lister; /* owned; NULL without feed */
	/* atomic */
	_Atomic uint64_t recalled, asked, allowed, denied, away, bad, ours;
	_Atomic uint64_t failed_open, took_ms;
};

static int
check_settings(const struct verify_source_config *row, struct fail *why)
{
	const struct verify_source_kind *kind = row->kind;
	const bool has_ca = row->ca_file != NULL && row->ca_file[0] != '\0';

	if (has_ca && !kind->uses_ca_file)
		return fail_set(
		    why, "source %s does not use a CA file", kind->name);
	if (row->outage == VERIFY_OUTAGE_OPEN && !kind->can_fail_open)
		return fail_set(why, "source %s cannot fail open", kind->name);
	return 0;
}

static char *
make_label(const struct verify_source_config *row)
{
	const char *word =
	    row->kind->label != NULL ? row->kind->label : row->kind->name;
	char text[LABEL_MAX];

	snprintf(text, sizeof text, "%s%s%s", word,
	    row->argument[0] != '\0' ? " " : "", row->argument);
	return strdup(text);
}

/* Feed and thread of a source that lists or pushes. */
static int
make_feed(struct verify_member *m, const struct verify_observer *observer,
    const atomic_bool *stop, struct fail *why)
{
	const struct verify_source_ops *ops = m->source->ops;

	if (ops->list == NULL && ops->push == NULL) {
		if (m->row.role == VERIFY_ROLE_DENY)
			return fail_set(why,
			    "source %s names no keys: it cannot be a deny list",
			    m->row.kind->name);
		return 0;
	}
	m->feed =
	    verify_feed_new(&(struct verify_feed_config){ .label = m->label,
		.row = &m->row,
		.context = &m->context,
		.observer = observer,
		.stop = stop });
	if (m->feed == NULL)
		return fail_set(why, "out of memory");
	m->lister = verify_lister_new(
	    &(struct verify_lister_config){ .source = m->source,
		.feed = m->feed,
		.row = &m->row,
		.context = &m->context });
	if (m->lister == NULL)
		return fail_set(why, "out of memory");
	return m->row.kind->list_first ? verify_lister_first(m->lister, why)
				       : 0;
}

struct verify_member *
verify_member_open(const struct verify_source_config *row,
    const struct verify_source_context *context,
    const struct verify_observer *observer, const atomic_bool *stop,
    struct fail *why)
{
	struct verify_member *m;

	if (check_settings(row, why) == -1)
		return NULL;
	m = calloc(1, sizeof *m);
	if (m == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	m->row = *row;
	if (m->row.outage == VERIFY_OUTAGE_DEFAULT)
		m->row.outage = row->kind->outage;
	m->context = *context;
	m->label = make_label(row);
	m->argument = strdup(row->argument);
	if (m->label == NULL || m->argument == NULL) {
		fail_set(why, "out of memory");
		goto close;
	}
	m->source = row->kind->open(row, context, why);
	if (m->source == NULL)
		goto close;
	m->source->kind = row->kind;
	m->source->argument = m->argument;
	m->row.argument = m->argument;
	if (make_feed(m, observer, stop, why) == 0)
		return m;

close:
	verify_member_close(m);
	return NULL;
}

int
verify_member_start(struct verify_member *m)
{
	return m->lister != NULL ? verify_lister_start(m->lister) : 0;
}

void
verify_member_stop(struct verify_member *m)
{
	verify_lister_free(m->lister);
	m->lister = NULL;
}

void
verify_member_close(struct verify_member *m)
{
	verify_member_stop(m);
	verify_feed_free(m->feed);
	if (m->source != NULL)
		m->source->ops->close(m->source);
	free(m->argument);
	free(m->label);
	free(m);
}

const struct verify_source *
verify_member_source(const struct verify_member *m)
{
	return m->source;
}

const char *
verify_member_label(const struct verify_member *m)
{
	return m->label;
}

bool
verify_member_denies(const struct verify_member *m)
{
	return m->row.role == VERIFY_ROLE_DENY;
}

static bool
can_ask(const struct verify_member *m)
{
	return m->source->ops->ask != NULL && !verify_member_denies(m);
}

/* Whether a key that is not in the set is worth another list. */
static bool
can_list_again(const struct verify_member *m)
{
	return m->source->ops->list != NULL && m->source->list_on_miss &&
	    !verify_member_denies(m);
}

bool
verify_member_blocks(const struct verify_member *m)
{
	return (can_ask(m) && m->source->blocks) || can_list_again(m);
}

/* Whether what the set says settles it. */
static bool
settles(const struct verify_member *m, enum verify_found found,
    const struct verify_answer *answer)
{
	switch (found) {
	case VERIFY_FEED_ANSWERS:
		return !answer->fail_open || !can_ask(m);
	case VERIFY_FEED_MISSES:
	case VERIFY_FEED_UNREADY:
		return !can_ask(m) && !can_list_again(m);
	}
	return false;
}

bool
verify_member_recall(struct verify_member *m, const struct derp_key *key,
    struct verify_answer *answer)
{
	if (m->feed == NULL)
		return false;
	if (!settles(m, verify_feed_find(m->feed, key, answer), answer))
		return false;
	atomic_fetch_add(&m->recalled, 1);
	if (answer->fail_open)
		atomic_fetch_add(&m->failed_open, 1);
	return true;
}

bool
verify_member_denial(struct verify_member *m, const struct derp_key *key,
    struct verify_answer *answer)
{
	if (m->feed == NULL)
		return false;
	verify_feed_find(m->feed, key, answer);
	if (verify_member_denies(m))
		return answer->verdict != VERIFY_NO_OPINION;
	return answer->is_final;
}

/* What the outage policy makes of an answer that the source did not give. */
static void
judge_outage(struct verify_member *m, struct verify_answer *answer)
{
	if (answer->verdict != VERIFY_UNKNOWN ||
	    answer->fault != VERIFY_FAULT_AWAY ||
	    m->row.outage != VERIFY_OUTAGE_OPEN)
		return;
	verify_answer_set(answer, VERIFY_ALLOW,
	    "an outage, which allows everybody: %s", answer->reason);
	answer->fault = VERIFY_FAULT_AWAY;
	answer->fail_open = true;
	atomic_fetch_add(&m->failed_open, 1);
}

static void
count(struct verify_member *m, const struct verify_answer *answer)
{
	switch (answer->verdict) {
	case VERIFY_ALLOW:
		atomic_fetch_add(&m->allowed, 1);
		return;
	case VERIFY_DENY:
		atomic_fetch_add(&m->denied, 1);
		return;
	case VERIFY_NO_OPINION:
		return;
	case VERIFY_UNKNOWN:
		break;
	}
	switch (answer->fault) {
	case VERIFY_FAULT_AWAY:
		atomic_fetch_add(&m->away, 1);
		break;
	case VERIFY_FAULT_OURS:
		atomic_fetch_add(&m->ours, 1);
		break;
	case VERIFY_FAULT_NONE:
	case VERIFY_FAULT_BAD:
		atomic_fetch_add(&m->bad, 1);
		break;
	}
}

static void
ask_source(struct verify_member *m, const struct verify_question *q,
    struct verify_answer *answer)
{
	const uint64_t began_ms = q->now_ms();

	atomic_fetch_add(&m->asked, 1);
	m->source->ops->ask(m->source, q, answer);
	if (answer->reason[0] == '\0') /* a bug in it admits nobody */
		verify_answer_set_fault(answer, VERIFY_FAULT_OURS,
		    "a verify source gave no answer");
	count(m, answer);
	atomic_fetch_add(&m->took_ms, q->now_ms() - began_ms);
	judge_outage(m, answer);
}

void
verify_member_ask(struct verify_member *m, const struct verify_question *q,
    struct verify_answer *answer)
{
	if (verify_member_recall(m, q->key, answer))
		return;
	*answer = (struct verify_answer){ .verdict = VERIFY_UNKNOWN };
	if (can_ask(m)) {
		ask_source(m, q, answer);
		return;
	}
	verify_lister_want(m->lister, q);
	verify_feed_find(m->feed, q->key, answer);
	if (answer->fail_open)
		atomic_fetch_add(&m->failed_open, 1);
}

struct verify_set *
verify_member_hold(struct verify_member *m)
{
	return m->feed != NULL ? verify_feed_hold(m->feed) : NULL;
}

void
verify_member_tick(struct verify_member *m)
{
	if (m->feed != NULL)
		verify_feed_expire(m->feed);
}

void
verify_member_reload(struct verify_member *m)
{
	if (m->lister != NULL)
		verify_lister_reload(m->lister);
}

bool
verify_member_is_ready(struct verify_member *m)
{
	struct verify_feed_stats feed;

	if (m->feed == NULL)
		return true;
	verify_feed_stats(m->feed, &feed);
	return feed.has_set || feed.lost > 0;
}

void
verify_member_stats(struct verify_member *m, struct verify_member_stats *out)
{
	*out = (struct verify_member_stats){
		.keeps_set = m->feed != NULL,
		.recalled = atomic_load(&m->recalled),
		.asked = atomic_load(&m->asked),
		.allowed = atomic_load(&m->allowed),
		.denied = atomic_load(&m->denied),
		.away = atomic_load(&m->away),
		.bad = atomic_load(&m->bad),
		.ours = atomic_load(&m->ours),
		.failed_open = atomic_load(&m->failed_open),
		.took_ms = atomic_load(&m->took_ms),
	};
	if (m->feed != NULL)
		verify_feed_stats(m->feed, &out->feed);
}
