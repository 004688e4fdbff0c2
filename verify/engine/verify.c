/*
 * verify: see verify.h. Which sources are asked when.
 *
 * Sources in memory are asked on the caller's thread before or after those that
 * block (verify_pending.h), as the policy wants.
 */
#include "verify.h"

#include "clock.h"
#include "verify_await.h"
#include "verify_clock.h"
#include "verify_recheck.h"
#include "verify_rejudge.h"
#include "verify_totals.h"

#include <stdlib.h>
#include <string.h>

/* An engine that is to replace another one counts on from there, with room for
 * those of the other one until then. */
#define EPOCHS ((uint64_t)1 << 32)

#define TICK_MS VERIFY_PENDING_TICK_MS /* keys expire, too */

struct verify {
	/* immutable */
	struct verify_sources sources;
	uint64_t ask_ms;
	uint64_t (*now_ms)(void);
	struct verify_pending *pending; /* owned; NULL when no source blocks */
	struct verify_clock *clock;     /* owned */
	struct verify_recheck *recheck; /* owned; or NULL */
	struct verify_source_context told; /* whom notices go to */
	/* used by verify_take_over, its rest and verify_free */
	struct verify_rejudge *rejudge; /* owned; or NULL */
	bool rejudges;                  /* it is wanted */
	/* atomic inside */
	struct verify_totals *totals; /* held; of engines before it, too */
	struct verify_revoke revoke;
	/* atomic */
	atomic_bool stop;     /* no new waits, let the running ones end */
	atomic_bool replaced; /* by another engine */
};

static int open_sources(
    struct verify *v, const struct verify_config *config, struct fail *why);
static int start_threads(
    struct verify *v, const struct verify_config *config, struct fail *why);
static void notice(void *ctx, const char *text);
static void recheck(
    void *engine, const struct derp_key *key, struct verify_answer *answer);
static void ask_again(void *engine, const struct verify_client *client,
    struct verify_answer *answer);
static void conclude(void *engine, const struct derp_key *key,
    const struct netaddr *client, struct verify_answer *answer,
    uint64_t askers);

/* An engine with its sources open, and without threads. */
static struct verify *
open_engine(const struct verify_config *config, struct fail *why)
{
	struct verify *v = calloc(1, sizeof *v);

	if (v == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	atomic_init(&v->stop, false);
	v->totals = config->before != NULL
	    ? verify_totals_hold(config->before->totals)
	    : verify_totals_new();
	v->ask_ms = config->ask_ms != 0 ? config->ask_ms : VERIFY_ASK_MS;
	if (v->totals == NULL)
		fail_set(why, "out of memory");
	else if (open_sources(v, config, why) == 0)
		return v;
	verify_free(v);
	return NULL;
}

struct verify *
verify_new(const struct verify_config *config, struct fail *why)
{
	struct verify *v = open_engine(config, why);

	if (v == NULL || start_threads(v, config, why) == 0)
		return v;
	verify_free(v);
	return NULL;
}

int
verify_try(const struct verify_config *config, struct fail *why)
{
	struct verify *v = open_engine(config, why);

	if (v == NULL)
		return -1;
	/* then nothing is kept on disk: what is there is the running relay's */
	atomic_store(&v->revoke.in_force, false);
	verify_free(v);
	return 0;
}

static void
tick(void *ctx)
{
	const struct verify *v = ctx;

	verify_sources_tick(&v->sources);
	if (v->pending != NULL)
		verify_pending_tick(v->pending);
}

static int
start_threads(
    struct verify *v, const struct verify_config *config, struct fail *why)
{
	const uint64_t refresh_ms = config->context.refresh_ms;

	if (v->sources.blocking_count > 0) {
		v->pending = verify_pending_new(
		    &(struct verify_pending_config){ .sources = &v->sources,
			.revoke = &v->revoke,
			.stop = &v->stop,
			.totals = v->totals,
			.now_ms = v->now_ms,
			.allow_ms = config->cache_allow_ms,
			.deny_ms = config->cache_deny_ms,
			.ask_ms = v->ask_ms,
			.conclude = conclude,
			.ctx = v },
		    why);
		if (v->pending == NULL)
			return -1;
	}
	if (v->sources.count == 0)
		return 0;
	v->clock = verify_clock_new(
	    refresh_ms != 0 && refresh_ms < TICK_MS ? refresh_ms : TICK_MS,
	    tick, v);
	if (v->clock == NULL || verify_sources_start(&v->sources) == -1 ||
	    verify_recheck_new(
		&v->recheck, &v->sources, &v->revoke, &v->stop) == -1)
		return fail_set(
		    why, "cannot start the threads that read the sources");
	return 0;
}

/* What an engine says that is not asked any more only confuses. */
static void
notice(void *ctx, const char *text)
{
	const struct verify *v = ctx;

	if (!atomic_load(&v->replaced))
		v->told.notice(v->told.notice_ctx, text);
}

static int
open_sources(
    struct verify *v, const struct verify_config *config, struct fail *why)
{
	struct verify_source_context context = config->context;

	if (context.now_ms == NULL)
		context.now_ms = clock_now_ms;
	if (context.wall_s == NULL)
		context.wall_s = clock_wall_s;
	v->told = context;
	if (context.notice != NULL) {
		context.notice = notice;
		context.notice_ctx = v;
	}
	if (context.interactive) /* it is the running relay's */
		context.last_good = NULL;
	v->now_ms = context.now_ms;
	context.threads = VERIFY_PENDING_WORKERS;
	context.revoke = &v->revoke;
	v->revoke = (struct verify_revoke){ .watch = config->watch,
		.stop = &v->stop,
		.totals = v->totals,
		.recheck = recheck,
		.ask_again = ask_again,
		.engine = v };
	atomic_init(&v->revoke.in_force, config->before == NULL);
	if (config->before != NULL)
		atomic_init(
		    &v->revoke.epoch, verify_epoch(config->before) + EPOCHS);
	return verify_sources_open(&v->sources, config, &context,
	    config->before != NULL ? &config->before->sources : NULL, &v->stop,
	    why);
}

void
verify_free(struct verify *v)
{
	if (v == NULL)
		return;
	atomic_store(&v->stop, true);
	/* these may be asking, too */
	verify_rejudge_free(v->rejudge);
	verify_recheck_free(v->recheck);
	verify_clock_free(v->clock);
	if (v->pending != NULL)
		verify_pending_tick(v->pending); /* the last one */
	verify_sources_stop(&v->sources);
	verify_pending_free(v->pending);
	verify_sources_close(&v->sources);
	verify_totals_drop(v->totals);
	free(v);
}

static void
ask_memory(const struct verify *v, const struct derp_key *key,
    const struct netaddr *client, struct verify_answer *answer)
{
	const struct verify_question q = {
		.key = key,
		.client = client,
		.now_ms = v->now_ms,
		.stop = &v->stop,
	};

	/* first: an answer of before the change must not look like one of
	 * after it; of a question, that was when it was asked */
	const uint64_t epoch = answer->reason[0] != '\0'
	    ? answer->epoch
	    : verify_revoke_epoch(&v->revoke);

	verify_sources_ask(&v->sources, VERIFY_MEMORY, &q, answer);
	answer->epoch = epoch;
}

/* True: *answer is final, and nobody need be asked. */
static bool
recall(const struct verify *v, const struct derp_key *key,
    struct verify_answer *answer)
{
	const uint64_t epoch = verify_revoke_epoch(&v->revoke);

	if (verify_sources_recall(&v->sources, key, answer)) {
		answer->epoch = epoch;
		return true;
	}
	memset(answer, 0, sizeof *answer); /* asked again with the others */
	return false;
}

static void
conclude(void *engine, const struct derp_key *key, const struct netaddr *client,
    struct verify_answer *answer, uint64_t askers)
{
	struct verify *v = engine;

	ask_memory(v, key, client, answer);
	verify_totals_answer(v->totals, answer, askers);
}

bool
verify_ask(struct verify *v, const struct derp_key *key,
    const struct netaddr *client, struct verify_answer *answer,
    verify_done_fn *done, void *ctx)
{
	memset(answer, 0, sizeof *answer);
	atomic_fetch_add(&v->totals->asked, 1);
	if (v->sources.count == 0)
		verify_answer_set(
		    answer, VERIFY_ALLOW, "no verification is configured");
	else if (derp_key_is_zero(key))
		verify_answer_set(
		    answer, VERIFY_DENY, "the zero key is not a valid key");
	else if (!recall(v, key, answer)) {
		if (!verify_pending_ask(
			v->pending, key, client, done, ctx, answer))
			return false;
		ask_memory(v, key, client, answer);
	}
	verify_totals_answer(v->totals, answer, 1);
	return true;
}

void *
verify_cancel(struct verify *v, const struct derp_key *key,
    const struct netaddr *client, verify_matches_fn *matches, const void *arg)
{
	return v->pending != NULL
	    ? verify_pending_cancel(v->pending, key, client, matches, arg)
	    : NULL;
}

void
verify_check(struct verify *v, const struct derp_key *key,
    const struct netaddr *client, struct verify_answer *answer)
{
	struct verify_await await;

	verify_await_init(&await);
	if (!verify_ask(v, key, client, answer, verify_await_done, &await))
		verify_await_wait(&await, answer);
	verify_await_clear(&await);
}

/* A source may be told the client's address, and its answer depend on it: if
 * whoever asks does not know it, one that a source remembers will do. */
static void
ask_again(void *engine, const struct verify_client *client,
    struct verify_answer *answer)
{
	struct verify *v = engine;
	struct netaddr addr = client->addr;
	const bool known = addr.is_set ||
	    verify_sources_client(&v->sources, &client->key, &addr);

	verify_check(v, &client->key, known ? &addr : NULL, answer);
}

/* What lists and pushes has changed, and says so from memory; only a source
 * that can be asked is, if it matters. */
static void
recheck(void *engine, const struct derp_key *key, struct verify_answer *answer)
{
	struct verify *v = engine;
	const uint64_t epoch = verify_revoke_epoch(&v->revoke);

	if (verify_sources_recall_listed(&v->sources, key, answer))
		answer->epoch = epoch;
	else
		ask_again(v, &(struct verify_client){ .key = *key }, answer);
}

void
verify_explain(struct verify *v, const struct derp_key *key,
    verify_explain_fn *tell, void *ctx, struct verify_answer *answer)
{
	const struct verify_question q = {
		.key = key,
		.asked_ms = v->now_ms(),
		.deadline_ms = v->now_ms() + v->ask_ms * v->sources.count,
		.now_ms = v->now_ms,
		.stop = &v->stop,
	};

	memset(answer, 0, sizeof *answer);
	verify_sources_explain(&v->sources, &q, tell, ctx, answer);
}

const struct verify_sources *
verify_get_sources(const struct verify *v)
{
	return &v->sources;
}

uint64_t
verify_epoch(const struct verify *v)
{
	return verify_revoke_epoch(&v->revoke);
}

void
verify_reload(struct verify *v)
{
	verify_sources_reload(&v->sources);
}

/* What is answered is read before what is asked: never more than that. */
void
verify_get_counters(struct verify *v, struct verify_counters *out)
{
	const struct verify_totals *t = v->totals;

	*out = (struct verify_counters){
		.from_cache = atomic_load(&t->from_cache),
		.allowed = atomic_load(&t->allowed),
		.denied = atomic_load(&t->denied),
		.unknown = atomic_load(&t->unknown),
		.failed_open = atomic_load(&t->failed_open),
		.dropped = atomic_load(&t->dropped),
		.revoked = atomic_load(&t->revoked),
	};
	out->asked = atomic_load(&t->asked);
	out->nodes_listed = verify_sources_key_count(&v->sources);
}

/* In this order: a client that the last of these steps does not find has
 * registered after it, and compares its epoch with ours. */
void
verify_take_over(struct verify *v, struct verify *before)
{
	atomic_store(&before->revoke.in_force, false);
	atomic_store(&before->replaced, true);
	atomic_store(&v->revoke.in_force, true);
	v->rejudges = v->revoke.watch.connected != NULL;
	verify_take_over_rest(v);
	if (v->rejudges && v->rejudge == NULL)
		verify_source_notify(&v->told,
		    "threads are short: who is connected is not asked about "
		    "again until there are some");
}

void
verify_take_over_rest(struct verify *v)
{
	if (v->rejudges && v->rejudge == NULL)
		v->rejudge = verify_rejudge_new(&v->revoke, &v->stop);
}

bool
verify_is_idle(struct verify *v)
{
	return v->pending == NULL || verify_pending_count(v->pending) == 0;
}
