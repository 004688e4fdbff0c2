/*
 * verify: see verify.h. Which sources are asked when, and who waits for whose
 * answer.
 *
 * A question for sources that block is one job on a worker (a query); sources
 * in memory are asked on the caller's thread before or after it, as the policy
 * wants. Only answers of blocking sources are cached, so that a changed node
 * list takes effect at once.
 */
#include "verify.h"

#include "clock.h"
#include "keytable.h"
#include "thread_pool.h"
#include "verify_await.h"
#include "verify_cache.h"
#include "verify_clock.h"
#include "verify_id.h"
#include "verify_queue.h"
#include "verify_recheck.h"
#include "verify_sources.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * How long an answer may be reused. Upstream caches nothing, and two promises
 * depend on that: a node that was deleted is denied on its next connect, and a
 * node that registered a moment ago is allowed. So an allow is not reused at
 * all: it answers those who asked while it was pending, and nobody later; the
 * question costs a local round trip and is asked once per login. A denial is
 * reused for half a second: enough for the quick first reconnects of a denied
 * client (it tries again after 10, 40, 90 ms ...), too short for an operator
 * who has just registered the node to notice. An answer that no source gave is
 * never reused: not an unknown, not a fail-open.
 */
#define CACHE_DENY_MS 500

#define JITTER_FROM_MS 5000 /* a shorter time is kept exactly */
#define JITTER_PART 8       /* a longer one is shorter by up to this part */

#define CACHE_MAX 4096 /* answers */
/* Pending; further questions are answered unknown: of all, and of one address,
 * for which the time would not be enough at 50 ms a question. */
#define QUERIES_MAX 16384
#define QUERIES_PER_SOURCE 1024
#define WAITERS_MAX 1024 /* for one query */
#define TICK_MS 1000     /* keys expire */
#define WORKERS 16 /* enough that a slow source is asked about many at once */

struct waiter {
	struct waiter *next;
	verify_done_fn *done;
	void *ctx;
};

/* A question to the blocking sources; owned by the table until it is taken out.
 */
struct query {
	struct verify_queue_entry entry; /* first; until a thread takes it */
	struct verify *v;
	uint8_t id[KEYTABLE_KEY];
	struct derp_key key;
	struct netaddr client;
	uint64_t asked_ms, deadline_ms;
	struct waiter *waiters; /* locked by v->lock */
	size_t waiter_count;    /* locked by v->lock */
};

struct verify {
	/* immutable */
	struct verify_sources sources;
	uint64_t allow_ms, deny_ms, ask_ms;
	uint64_t (*now_ms)(void);
	struct thread_pool *workers;    /* owned; NULL when no source blocks */
	struct verify_clock *clock;     /* owned */
	struct verify_recheck *recheck; /* owned; or NULL */
	/* locked by lock */
	pthread_mutex_t lock;
	struct verify_cache *cache;
	struct keytable *queries;   /* values are struct query */
	struct verify_queue *queue; /* of those; a job in workers for each */
	struct verify_counters counters;
	struct verify_revoke revoke;
	/* atomic: no new waits, let the running ones end */
	atomic_bool stop;
};

static int open_sources(
    struct verify *v, const struct verify_config *config, struct fail *why);
static int start_threads(
    struct verify *v, const struct verify_config *config, struct fail *why);
static void recheck(
    void *engine, const struct derp_key *key, struct verify_answer *answer);
static void ask_again(
    void *engine, const struct derp_key *key, struct verify_answer *answer);
static void run_next(void *ctx, bool cancelled);
static void query_complete(struct query *query, struct verify_answer *answer);

struct verify *
verify_new(const struct verify_config *config, struct fail *why)
{
	struct verify *v = calloc(1, sizeof *v);

	if (v == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&v->lock, NULL);
	atomic_init(&v->stop, false);
	v->allow_ms = config->cache_allow_ms;
	v->deny_ms =
	    config->cache_deny_ms != 0 ? config->cache_deny_ms : CACHE_DENY_MS;
	v->ask_ms = config->ask_ms != 0 ? config->ask_ms : VERIFY_ASK_MS;
	v->cache = verify_cache_new(CACHE_MAX);
	v->queries = keytable_new(QUERIES_MAX, offsetof(struct query, id));
	v->queue = verify_queue_new(QUERIES_PER_SOURCE);
	if (v->cache == NULL || v->queries == NULL || v->queue == NULL) {
		fail_set(why, "out of memory");
		goto free_v;
	}
	if (open_sources(v, config, why) == -1)
		goto free_v;
	if (start_threads(v, config, why) == 0)
		return v;

free_v:
	verify_free(v);
	return NULL;
}

static void
tick(void *ctx)
{
	const struct verify *v = ctx;

	verify_sources_tick(&v->sources);
}

static int
start_threads(
    struct verify *v, const struct verify_config *config, struct fail *why)
{
	const uint64_t refresh_ms = config->context.refresh_ms;

	if (v->sources.blocking_count > 0) {
		/* a place in the queue for every query there can be */
		v->workers = thread_pool_new(WORKERS, QUERIES_MAX);
		if (v->workers == NULL)
			return fail_set(
			    why, "cannot start verification threads");
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

static int
open_sources(
    struct verify *v, const struct verify_config *config, struct fail *why)
{
	struct verify_source_context context = config->context;

	if (context.now_ms == NULL)
		context.now_ms = clock_now_ms;
	if (context.wall_s == NULL)
		context.wall_s = clock_wall_s;
	if (context.interactive) /* it is the running relay's */
		context.last_good = NULL;
	v->now_ms = context.now_ms;
	context.threads = WORKERS;
	context.revoke = &v->revoke;
	v->revoke = (struct verify_revoke){ .watch = config->watch,
		.stop = &v->stop,
		.recheck = recheck,
		.ask_again = ask_again,
		.engine = v };
	return verify_sources_open(
	    &v->sources, config, &context, &v->stop, why);
}

void
verify_free(struct verify *v)
{
	if (v == NULL)
		return;
	atomic_store(&v->stop, true);
	/* these may be asking, too */
	verify_recheck_free(v->recheck);
	verify_clock_free(v->clock);
	verify_sources_stop(&v->sources);
	thread_pool_free(v->workers); /* completes every query */
	verify_sources_close(&v->sources);
	keytable_free(v->queries);
	verify_queue_free(v->queue);
	verify_cache_free(v->cache);
	pthread_mutex_destroy(&v->lock);
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

/* Counts an answer that is about to be given to `times` waiters. */
static void
count_answer(
    struct verify *v, const struct verify_answer *answer, uint64_t times)
{
	pthread_mutex_lock(&v->lock);
	switch (answer->verdict) {
	case VERIFY_ALLOW:
		v->counters.allowed += times;
		break;
	case VERIFY_DENY:
		v->counters.denied += times;
		break;
	case VERIFY_UNKNOWN:
	case VERIFY_NO_OPINION:
		v->counters.unknown += times;
		break;
	}
	if (answer->fail_open)
		v->counters.failed_open += times;
	pthread_mutex_unlock(&v->lock);
}

static struct query *
new_query(struct verify *v, const uint8_t id[static KEYTABLE_KEY],
    const struct derp_key *key, const struct netaddr *client)
{
	struct query *query = calloc(1, sizeof *query);

	if (query == NULL)
		return NULL;
	query->v = v;
	memcpy(query->id, id, sizeof query->id);
	query->key = *key;
	if (client != NULL)
		query->client = *client;
	query->asked_ms = v->now_ms();
	query->deadline_ms = query->asked_ms + v->ask_ms;
	return query;
}

/* What join() did with a question. */
enum joined {
	JOINED,     /* it waits for a query that was pending */
	JOINED_NEW, /* it waits for *query, which must be started */
	FROM_CACHE, /* *answer is set */
	NO_ROOM,
};

/* Finds an answer or a place to wait for one. Called with v->lock held. */
static enum joined
join(struct verify *v, struct query **query, struct waiter *waiter,
    struct verify_answer *answer)
{
	struct query *ready = *query;

	if (verify_cache_get(v->cache, ready->id, v->now_ms(), answer) &&
	    answer->generation == verify_sources_generation(&v->sources)) {
		v->counters.from_cache++;
		answer->origin = VERIFY_FROM_CACHE;
		return FROM_CACHE;
	}
	memset(answer, 0, sizeof *answer);
	*query = keytable_get(v->queries, ready->id);
	if (*query != NULL) {
		if ((*query)->waiter_count == WAITERS_MAX)
			return NO_ROOM;
		waiter->next = (*query)->waiters;
		(*query)->waiters = waiter;
		(*query)->waiter_count++;
		return JOINED;
	}
	if (keytable_put(v->queries, ready) == -1)
		return NO_ROOM;
	if (verify_queue_put(v->queue,
		ready->client.is_set ? &ready->client : NULL,
		&ready->entry) == -1) {
		keytable_remove(v->queries, ready->id);
		return NO_ROOM;
	}
	ready->waiters = waiter;
	ready->waiter_count = 1;
	*query = ready;
	return JOINED_NEW;
}

/* Asks sources that block. True: *answer is set; otherwise the waiter is told
 * later. */
static bool
ask_blocking(struct verify *v, const struct derp_key *key,
    const struct netaddr *client, struct waiter as_given,
    struct verify_answer *answer)
{
	struct waiter *waiter = malloc(sizeof *waiter);
	struct query *ready, *query;
	uint8_t id[KEYTABLE_KEY];
	enum joined joined = NO_ROOM;

	verify_id_make(v->sources.reads_client, key, client, id);
	query = ready = new_query(v, id, key, client);
	if (waiter != NULL && ready != NULL) {
		*waiter = as_given;
		pthread_mutex_lock(&v->lock);
		joined = join(v, &query, waiter, answer);
		pthread_mutex_unlock(&v->lock);
	}
	if (joined != JOINED_NEW)
		free(ready);
	if (joined == FROM_CACHE || joined == NO_ROOM)
		free(waiter);
	if (joined == NO_ROOM)
		verify_answer_set(answer, VERIFY_UNKNOWN,
		    "too many verification questions at once");
	/* the queue has a place for every query, but memory may be short */
	if (joined == JOINED_NEW &&
	    thread_pool_post(v->workers, run_next, v) == -1)
		run_next(v, true);
	return joined == FROM_CACHE || joined == NO_ROOM;
}

bool
verify_ask(struct verify *v, const struct derp_key *key,
    const struct netaddr *client, struct verify_answer *answer,
    verify_done_fn *done, void *ctx)
{
	const struct waiter waiter = { .done = done, .ctx = ctx };

	memset(answer, 0, sizeof *answer);
	pthread_mutex_lock(&v->lock);
	v->counters.asked++;
	pthread_mutex_unlock(&v->lock);
	if (v->sources.count == 0)
		verify_answer_set(
		    answer, VERIFY_ALLOW, "no verification is configured");
	else if (derp_key_is_zero(key))
		verify_answer_set(
		    answer, VERIFY_DENY, "the zero key is not a valid key");
	else if (!recall(v, key, answer)) {
		if (!ask_blocking(v, key, client, waiter, answer))
			return false;
		ask_memory(v, key, client, answer);
	}
	count_answer(v, answer, 1);
	return true;
}

void *
verify_cancel(struct verify *v, const struct derp_key *key,
    const struct netaddr *client, verify_matches_fn *matches, const void *arg)
{
	struct waiter **at, *found = NULL;
	uint8_t id[KEYTABLE_KEY];
	struct query *query;
	void *ctx = NULL;

	verify_id_make(v->sources.reads_client, key, client, id);
	pthread_mutex_lock(&v->lock);
	query = keytable_get(v->queries, id);
	at = query != NULL ? &query->waiters : NULL;
	while (at != NULL && *at != NULL && !matches((*at)->ctx, arg))
		at = &(*at)->next;
	if (at != NULL && *at != NULL) {
		found = *at;
		*at = found->next;
		query->waiter_count--;
		ctx = found->ctx;
	}
	pthread_mutex_unlock(&v->lock);
	free(found);
	return ctx;
}

static void
query_run(struct query *query, bool cancelled)
{
	struct verify *v = query->v;
	const struct verify_question q = {
		.key = &query->key,
		.client = query->client.is_set ? &query->client : NULL,
		.asked_ms = query->asked_ms,
		.deadline_ms = query->deadline_ms,
		.now_ms = v->now_ms,
		.stop = &v->stop,
	};
	struct verify_answer answer = { 0 };

	answer.epoch = verify_revoke_epoch(&v->revoke);
	answer.generation = verify_sources_generation(&v->sources);
	if (!cancelled)
		verify_sources_ask(&v->sources, VERIFY_BLOCKING, &q, &answer);
	/* a source that was interrupted may look unreachable, and must not
	 * fail open for that */
	if (cancelled || atomic_load(&v->stop))
		verify_answer_set_fault(
		    &answer, VERIFY_FAULT_OURS, "verification was cancelled");
	query_complete(query, &answer);
}

static_assert(offsetof(struct query, entry) == 0, "it is cast");

/* A job. There is one for every question that waits, but which one is its turn
 * is known only now. Nobody may be waiting for it any more. */
static void
run_next(void *ctx, bool cancelled)
{
	struct verify *v = ctx;
	struct query *query;
	bool wanted;

	pthread_mutex_lock(&v->lock);
	query = (struct query *)verify_queue_take(v->queue);
	assert(query != NULL);
	wanted = query->waiter_count > 0;
	if (!wanted) {
		keytable_remove(v->queries, query->id);
		v->counters.dropped++;
	}
	pthread_mutex_unlock(&v->lock);
	if (wanted)
		query_run(query, cancelled);
	else
		free(query);
}

/* Caches the answer if it may be reused. Called with v->lock held. */
static void
cache_answer(struct verify *v, const uint8_t id[static KEYTABLE_KEY],
    const struct verify_answer *answer)
{
	uint64_t keep_ms = 0;

	switch (answer->verdict) {
	case VERIFY_ALLOW:
		keep_ms = answer->fault != VERIFY_FAULT_NONE ? 0 : v->allow_ms;
		break;
	case VERIFY_DENY:
		keep_ms = v->deny_ms;
		break;
	case VERIFY_UNKNOWN:
	case VERIFY_NO_OPINION:
		break;
	}
	/* so that answers of one moment do not all run out in another */
	if (keep_ms >= JITTER_FROM_MS)
		keep_ms -= randombytes_uniform(
		    (uint32_t)(keep_ms / JITTER_PART % UINT32_MAX));
	if (keep_ms > 0)
		verify_cache_put(v->cache, id, v->now_ms() + keep_ms, answer);
}

/* Takes the query off the table, tells all waiters, frees it. */
static void
query_complete(struct query *query, struct verify_answer *answer)
{
	struct verify *v = query->v;
	struct waiter *w, *next;

	pthread_mutex_lock(&v->lock);
	keytable_remove(v->queries, query->id);
	cache_answer(v, query->id, answer);
	pthread_mutex_unlock(&v->lock);
	/* off the table: the waiters are ours alone */
	ask_memory(v, &query->key, &query->client, answer);
	count_answer(v, answer, query->waiter_count);
	for (w = query->waiters; w != NULL; w = next) {
		next = w->next;
		w->done(w->ctx, answer);
		free(w);
	}
	free(query);
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

static void
ask_again(
    void *engine, const struct derp_key *key, struct verify_answer *answer)
{
	verify_check(engine, key, NULL, answer);
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
		verify_check(v, key, NULL, answer);
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

void
verify_get_counters(struct verify *v, struct verify_counters *out)
{
	const size_t keys = verify_sources_key_count(&v->sources);

	pthread_mutex_lock(&v->lock);
	*out = v->counters;
	pthread_mutex_unlock(&v->lock);
	out->nodes_listed = keys;
	out->revoked = atomic_load(&v->revoke.count);
}
