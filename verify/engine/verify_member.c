/* verify_member: see verify_member.h. */
#include "verify_member.h"

#include "verify_breaker.h"
#include "verify_last_good.h"
#include "verify_lister.h"
#include "verify_recall.h"
#include "verify_revoke.h"
#include "verify_store.h"
#include "verify_tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verify_member {
	/* immutable */
	struct verify_source_config row; /* texts are not kept */
	struct verify_source_context context;
	char id[VERIFY_LAST_GOOD_ID];
	char *label;                  /* owned */
	char *argument;               /* owned */
	struct verify_source *source; /* owned */
	struct verify_feed *feed;     /* owned; NULL: it keeps no set */
	struct verify_lister *lister; /* owned; NULL without feed */
	struct verify_recall allowed; /* before; of one without feed */
	/* used by verify_member_tick only, and before and after it */
	struct verify_store store;
	/* used by verify_member_recheck_due only */
	uint64_t rechecked_ms;
	struct verify_breaker breaker;
	struct verify_tally *tally; /* held */
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
	char text[VERIFY_SOURCE_SHOWN_MAX + 64];

	snprintf(text, sizeof text, "%s%s%s", word,
	    row->argument[0] != '\0' ? " " : "",
	    verify_source_shown(row->kind, row->argument).text);
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
		.stop = stop,
		.tally = m->tally });
	if (m->feed == NULL)
		return fail_set(why, "out of memory");
	m->lister = verify_lister_new(
	    &(struct verify_lister_config){ .source = m->source,
		.feed = m->feed,
		.row = &m->row,
		.context = &m->context });
	if (m->lister == NULL)
		return fail_set(why, "out of memory");
	return 0;
}

static int
make_recall(struct verify_member *m, const struct verify_member *before,
    struct fail *why)
{
	if (m->feed != NULL ||
	    verify_recall_init(&m->allowed, &m->row, &m->context,
		before != NULL ? &before->allowed : NULL) == 0)
		return 0;
	return fail_set(why, "out of memory");
}

/* A file of an earlier run helps where a source is missing at the start. What
 * is shared with another engine is newer: a key may have been denied since. */
static int
make_store(struct verify_member *m, const struct verify_member *before,
    struct fail *why)
{
	struct verify_source_context context = m->context;

	if (m->row.outage != VERIFY_OUTAGE_LAST_GOOD)
		context.last_good = NULL;
	if (verify_store_init(
		&m->store, &context, &m->row, m->feed, m->allowed.known) == -1)
		return fail_set(why, "out of memory, or a path is too long");
	if (before == NULL || before->allowed.known == NULL ||
	    m->allowed.known == NULL)
		verify_store_load(&m->store);
	return 0;
}

/* The set of the same source in the engine that is to be replaced. True: it has
 * one. */
static bool
inherit(struct verify_member *m, const struct verify_member *before)
{
	return before != NULL && m->feed != NULL && before->feed != NULL &&
	    verify_feed_inherit(m->feed, before->feed);
}

static int
list_first(struct verify_member *m, bool believe, struct fail *why)
{
	struct fail reason = { 0 };
	struct verify_feed_stats stats;

	if (m->feed == NULL || !m->row.kind->list_first ||
	    verify_lister_first(m->lister, believe, &reason) == 0)
		return 0;
	verify_feed_stats(m->feed, &stats);
	if (!stats.has_set) {
		*why = reason;
		return -1;
	}
	verify_feed_lost(m->feed, VERIFY_FAULT_BAD, reason.text);
	return 0;
}

static struct verify_member *
new_member(const struct verify_source_config *row,
    const struct verify_source_context *context,
    const struct verify_member *before)
{
	struct verify_member *m = calloc(1, sizeof *m);

	if (m == NULL)
		return NULL;
	m->row = *row;
	if (m->row.outage == VERIFY_OUTAGE_DEFAULT)
		m->row.outage = row->kind->outage;
	m->context = *context;
	verify_last_good_id(row, m->id);
	m->label = make_label(row);
	m->argument = strdup(row->argument);
	m->tally = before != NULL ? verify_tally_hold(before->tally)
				  : verify_tally_new();
	if (m->label != NULL && m->argument != NULL && m->tally != NULL)
		return m;
	verify_member_close(m);
	return NULL;
}

struct verify_member *
verify_member_open(const struct verify_source_config *row,
    const struct verify_source_context *context,
    const struct verify_observer *observer, struct verify_member *before,
    const atomic_bool *stop, struct fail *why)
{
	struct verify_member *m;

	if (check_settings(row, why) == -1)
		return NULL;
	m = new_member(row, context, before);
	if (m == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	m->source = row->kind->open(row, context, why);
	if (m->source == NULL)
		goto close;
	m->source->kind = row->kind;
	m->source->argument = m->argument;
	m->row.argument = m->argument;
	if (make_feed(m, observer, stop, why) == 0 &&
	    make_recall(m, before, why) == 0 &&
	    make_store(m, before, why) == 0 &&
	    list_first(m, !inherit(m, before), why) == 0)
		return m;

close:
	verify_member_close(m);
	return NULL;
}

bool
verify_member_is(
    const struct verify_member *m, const struct verify_source_config *row)
{
	char id[VERIFY_LAST_GOOD_ID];

	verify_last_good_id(row, id);
	return m->row.kind == row->kind && strcmp(m->id, id) == 0;
}

int
verify_member_start(struct verify_member *m)
{
	return m->lister != NULL ? verify_lister_start(m->lister) : 0;
}

/* Of two engines that have a source, one writes its file. */
static bool
is_in_force(const struct verify_member *m)
{
	return m->context.revoke == NULL ||
	    atomic_load(&m->context.revoke->in_force);
}

void
verify_member_stop(struct verify_member *m)
{
	verify_lister_stop(m->lister);
	if (is_in_force(m))
		verify_store_tick(&m->store, true);
}

void
verify_member_close(struct verify_member *m)
{
	verify_lister_free(m->lister);
	verify_store_clear(&m->store);
	verify_feed_free(m->feed);
	verify_recall_clear(&m->allowed);
	if (m->source != NULL)
		m->source->ops->close(m->source);
	verify_tally_drop(m->tally);
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
	verify_tally_recalled(m->tally, answer);
	return true;
}

bool
verify_member_recall_listed(struct verify_member *m, const struct derp_key *key,
    struct verify_answer *answer)
{
	if (m->feed == NULL)
		return false;
	return settles(m, verify_feed_find(m->feed, key, answer), answer) ||
	    (can_list_again(m) && !can_ask(m));
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

/* An outage that admits everybody. */
static void
fail_open(struct verify_member *m, struct verify_answer *answer)
{
	const uint64_t age_ms = answer->age_ms;

	verify_answer_set(answer, VERIFY_ALLOW,
	    "an outage, which allows everybody: %s", answer->reason);
	answer->fault = VERIFY_FAULT_AWAY;
	answer->fail_open = true;
	answer->age_ms = age_ms;
	atomic_fetch_add(&m->tally->failed_open, 1);
}

/* What the outage policy makes of an answer that the source did not give. A
 * shortage of ours is not an outage, and does not bring back a key that the
 * source may have denied meanwhile. */
static void
judge_fault(struct verify_member *m, const struct derp_key *key,
    struct verify_answer *answer)
{
	switch (m->row.outage) {
	case VERIFY_OUTAGE_DEFAULT:
	case VERIFY_OUTAGE_CLOSED:
		return;
	case VERIFY_OUTAGE_OPEN:
		if (answer->fault == VERIFY_FAULT_AWAY)
			fail_open(m, answer);
		return;
	case VERIFY_OUTAGE_LAST_GOOD:
		if (answer->fault != VERIFY_FAULT_OURS &&
		    verify_recall_find(&m->allowed, key, answer))
			atomic_fetch_add(&m->tally->last_good, 1);
		return;
	}
}

/* The breaker is not for a source whose absence admits everybody: that must
 * end when it is back. */
static bool
may_ask(struct verify_member *m, uint64_t now_ms, struct verify_answer *answer)
{
	if (m->row.outage == VERIFY_OUTAGE_OPEN ||
	    verify_breaker_allows(&m->breaker, now_ms))
		return true;
	atomic_fetch_add(&m->tally->spared, 1);
	verify_answer_set_fault(answer, VERIFY_FAULT_AWAY,
	    "%s did not answer several questions in a row, and is asked once a "
	    "second only",
	    m->label);
	answer->spared = true;
	return false;
}

bool
verify_member_is_spared(const struct verify_member *m)
{
	return m->row.outage != VERIFY_OUTAGE_OPEN &&
	    verify_breaker_is_open(&m->breaker);
}

static void
ask_source(struct verify_member *m, const struct verify_question *q,
    struct verify_answer *answer)
{
	const uint64_t began_ms = q->now_ms();

	if (may_ask(m, began_ms, answer)) {
		atomic_fetch_add(&m->tally->asked, 1);
		m->source->ops->ask(m->source, q, answer);
		if (answer->reason[0] == '\0') /* a bug in it admits nobody */
			verify_answer_set_fault(answer, VERIFY_FAULT_OURS,
			    "a verify source gave no answer");
		verify_tally_answer(m->tally, answer);
		atomic_fetch_add(&m->tally->took_ms, q->now_ms() - began_ms);
		if (!atomic_load(q->stop))
			verify_breaker_told(&m->breaker, q->now_ms(),
			    answer->fault != VERIFY_FAULT_AWAY);
	}
	verify_recall_put(&m->allowed, q, answer->verdict);
	if (answer->verdict == VERIFY_UNKNOWN)
		judge_fault(m, q->key, answer);
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
		atomic_fetch_add(&m->tally->failed_open, 1);
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
	if (is_in_force(m))
		verify_store_tick(&m->store, false);
}

uint64_t
verify_member_generation(const struct verify_member *m)
{
	return m->feed != NULL ? verify_feed_generation(m->feed) : 0;
}

uint64_t
verify_member_recheck_ms(const struct verify_member *m)
{
	return m->allowed.known != NULL && can_ask(m) ? m->row.recheck_ms : 0;
}

bool
verify_member_recheck_due(struct verify_member *m)
{
	const uint64_t now_ms = m->context.now_ms();
	const uint64_t interval_ms = verify_member_recheck_ms(m);

	if (interval_ms == 0 || now_ms - m->rechecked_ms < interval_ms)
		return false;
	m->rechecked_ms = now_ms;
	return true;
}

struct verify_set *
verify_member_known(struct verify_member *m)
{
	return verify_recall_set(&m->allowed);
}

void
verify_member_forget(struct verify_member *m, const struct derp_key *key)
{
	verify_recall_forget(&m->allowed, key);
}

bool
verify_member_client(
    struct verify_member *m, const struct derp_key *key, struct netaddr *client)
{
	return verify_recall_client(&m->allowed, key, client);
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
	return feed.has_set || feed.was_lost;
}

void
verify_member_stats(struct verify_member *m, struct verify_member_stats *out)
{
	*out = (struct verify_member_stats){
		.keeps_set = m->feed != NULL,
		.recalled = atomic_load(&m->tally->recalled),
		.asked = atomic_load(&m->tally->asked),
		.allowed = atomic_load(&m->tally->allowed),
		.denied = atomic_load(&m->tally->denied),
		.away = atomic_load(&m->tally->away),
		.bad = atomic_load(&m->tally->bad),
		.ours = atomic_load(&m->tally->ours),
		.failed_open = atomic_load(&m->tally->failed_open),
		.last_good = atomic_load(&m->tally->last_good),
		.spared = atomic_load(&m->tally->spared),
		.took_ms = atomic_load(&m->tally->took_ms),
	};
	if (m->feed != NULL)
		verify_feed_stats(m->feed, &out->feed);
}
