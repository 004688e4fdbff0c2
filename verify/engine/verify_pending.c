/* verify_pending: see verify_pending.h. Only answers of sources that block are
 * cached, so that a changed node list takes effect at once. */
#include "verify_pending.h"

#include "thread_pool.h"
#include "verify_cache.h"
#include "verify_id.h"
#include "verify_queue.h"

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
/* A question that a source was spared waits for so many ticks for it to answer
 * again: two seconds, longer than the breaker's pause, shorter than a client's
 * patience. */
#define SPARED_TICKS (2000 / VERIFY_PENDING_TICK_MS)
#define SPARED_MAX 4096 /* of them; further ones are answered at once */

#define TOO_MANY "too many verification questions at once"

struct waiter {
	struct waiter *next;
	verify_done_fn *done;
	void *ctx;
};

/* A question to the blocking sources; owned by the table until it is taken out.
 */
struct query {
	struct verify_queue_entry entry; /* first; while queued, or spared */
	struct verify_pending *pending;
	uint8_t id[KEYTABLE_KEY];
	struct derp_key key;
	struct netaddr client;
	uint64_t asked_ms, deadline_ms;
	uint64_t spared_tick;   /* the first after it was spared; 0: was not */
	struct waiter *waiters; /* locked by lock */
	size_t waiter_count;    /* locked by lock */
};

struct verify_pending {
	struct verify_pending_config config; /* immutable */
	struct thread_pool *workers;         /* owned */
	pthread_mutex_t lock;
	/* locked by lock */
	struct verify_cache *cache;
	struct keytable *queries;   /* values are struct query */
	struct verify_queue *queue; /* of those; a job in workers for each */
	/* of those; spared, the oldest first; they have no job */
	struct verify_queue_entry *spared, **spared_end;
	size_t spared_count;
	uint64_t tick;
	size_t count; /* all */
};

struct verify_pending *
verify_pending_new(const struct verify_pending_config *config, struct fail *why)
{
	struct verify_pending *p = calloc(1, sizeof *p);

	if (p == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	p->config = *config;
	if (p->config.deny_ms == 0)
		p->config.deny_ms = CACHE_DENY_MS;
	p->spared_end = &p->spared;
	pthread_mutex_init(&p->lock, NULL);
	p->cache = verify_cache_new(CACHE_MAX);
	p->queries = keytable_new(QUERIES_MAX, offsetof(struct query, id));
	p->queue = verify_queue_new(QUERIES_PER_SOURCE);
	if (p->cache == NULL || p->queries == NULL || p->queue == NULL) {
		fail_set(why, "out of memory");
		goto free_p;
	}
	/* a place in the queue for every query there can be */
	p->workers = thread_pool_new(VERIFY_PENDING_WORKERS, QUERIES_MAX);
	if (p->workers != NULL)
		return p;
	fail_set(why, "cannot start verification threads");

free_p:
	verify_pending_free(p);
	return NULL;
}

static struct query *
new_query(struct verify_pending *p, const uint8_t id[static KEYTABLE_KEY],
    const struct derp_key *key, const struct netaddr *client)
{
	struct query *query = calloc(1, sizeof *query);

	if (query == NULL)
		return NULL;
	query->pending = p;
	memcpy(query->id, id, sizeof query->id);
	query->key = *key;
	if (client != NULL)
		query->client = *client;
	query->asked_ms = p->config.now_ms();
	query->deadline_ms = query->asked_ms + p->config.ask_ms;
	return query;
}

/* What join() did with a question. */
enum joined {
	JOINED,     /* it waits for a query that was pending */
	JOINED_NEW, /* it waits for *query, which must be started */
	FROM_CACHE, /* *answer is set */
	NO_ROOM,
};

/* Gives it a place among those that wait for a thread. Called with the lock
 * held. */
static int
enqueue(struct verify_pending *p, struct query *query)
{
	return verify_queue_put(p->queue,
	    query->client.is_set ? &query->client : NULL, &query->entry);
}

/* Finds an answer or a place to wait for one. Called with the lock held. */
static enum joined
join(struct verify_pending *p, struct query **query, struct waiter *waiter,
    struct verify_answer *answer)
{
	struct query *ready = *query;

	if (verify_cache_get(p->cache, ready->id, p->config.now_ms(), answer) &&
	    answer->generation ==
		verify_sources_generation(p->config.sources)) {
		atomic_fetch_add(&p->config.totals->from_cache, 1);
		answer->origin = VERIFY_FROM_CACHE;
		return FROM_CACHE;
	}
	memset(answer, 0, sizeof *answer);
	*query = keytable_get(p->queries, ready->id);
	if (*query != NULL) {
		if ((*query)->waiter_count == WAITERS_MAX)
			return NO_ROOM;
		waiter->next = (*query)->waiters;
		(*query)->waiters = waiter;
		(*query)->waiter_count++;
		return JOINED;
	}
	if (keytable_put(p->queries, ready) == -1)
		return NO_ROOM;
	if (enqueue(p, ready) == -1) {
		keytable_remove(p->queries, ready->id);
		return NO_ROOM;
	}
	p->count++;
	ready->waiters = waiter;
	ready->waiter_count = 1;
	*query = ready;
	return JOINED_NEW;
}

/* Caches the answer if it may be reused. Called with the lock held. */
static void
cache_answer(struct verify_pending *p, const uint8_t id[static KEYTABLE_KEY],
    const struct verify_answer *answer)
{
	uint64_t keep_ms = 0;

	switch (answer->verdict) {
	case VERIFY_ALLOW:
		keep_ms =
		    answer->fault != VERIFY_FAULT_NONE ? 0 : p->config.allow_ms;
		break;
	case VERIFY_DENY:
		keep_ms = p->config.deny_ms;
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
		verify_cache_put(
		    p->cache, id, p->config.now_ms() + keep_ms, answer);
}

/* Takes the query off the table, tells all waiters, frees it. */
static void
complete(struct query *query, struct verify_answer *answer)
{
	struct verify_pending *p = query->pending;
	const struct verify_pending_config *c = &p->config;
	struct waiter *w, *next;

	pthread_mutex_lock(&p->lock);
	keytable_remove(p->queries, query->id);
	cache_answer(p, query->id, answer);
	pthread_mutex_unlock(&p->lock);
	/* off the table: the waiters are ours alone */
	c->conclude(
	    c->ctx, &query->key, &query->client, answer, query->waiter_count);
	for (w = query->waiters; w != NULL; w = next) {
		next = w->next;
		w->done(w->ctx, answer);
		free(w);
	}
	free(query);
	pthread_mutex_lock(&p->lock);
	p->count--;
	pthread_mutex_unlock(&p->lock);
}

/* Whether it can wait longer. Called with the lock held. */
static bool
is_patient(const struct verify_pending *p, const struct query *query)
{
	return p->tick + 1 - query->spared_tick < SPARED_TICKS;
}

/* With the lock held. */
static void
append_aside(struct verify_pending *p, struct query *query)
{
	query->entry.next = NULL;
	*p->spared_end = &query->entry;
	p->spared_end = &query->entry.next;
	p->spared_count++;
}

static struct query *
query_of(struct verify_queue_entry *entry)
{
	static_assert(offsetof(struct query, entry) == 0, "it is cast");
	return (struct query *)entry;
}

/* Puts aside a question that was not asked because its source was spared. False
 * when it has waited long enough, or it is time to end. */
static bool
put_aside(struct query *query, const struct verify_answer *answer)
{
	struct verify_pending *p = query->pending;
	bool may_wait;

	if (answer->verdict != VERIFY_UNKNOWN || !answer->spared ||
	    p->config.now_ms() >= query->deadline_ms)
		return false;
	pthread_mutex_lock(&p->lock);
	if (query->spared_tick == 0)
		query->spared_tick = p->tick + 1;
	/* who stops takes out, under the lock, what was put in before */
	may_wait = !atomic_load(p->config.stop) && is_patient(p, query) &&
	    p->spared_count < SPARED_MAX;
	if (may_wait)
		append_aside(p, query);
	pthread_mutex_unlock(&p->lock);
	return may_wait;
}

/* Takes out, as a list, all that are put aside now: who is put aside again
 * meanwhile waits for the next time. Or those that have waited long enough and
 * one more, which finds out whether its source answers again. */
static struct verify_queue_entry *
take_aside(struct verify_pending *p, bool all)
{
	struct verify_queue_entry *first, **end = &p->spared;
	bool could_wait = false;

	pthread_mutex_lock(&p->lock);
	first = p->spared;
	while (*end != NULL && (all || !could_wait)) {
		could_wait = is_patient(p, query_of(*end));
		end = &(*end)->next;
		p->spared_count--;
	}
	if (end != &p->spared) {
		p->spared = *end;
		*end = NULL;
	}
	if (p->spared == NULL)
		p->spared_end = &p->spared;
	pthread_mutex_unlock(&p->lock);
	return first;
}

static void resume_spared(struct verify_pending *p, bool all);

/* What becomes of a question that is due. */
enum due {
	DUE_ASK,    /* the sources */
	DUE_CANCEL, /* it is time to end */
	DUE_REFUSE, /* there are too many */
};

static void
run(struct query *query, enum due due)
{
	struct verify_pending *p = query->pending;
	const struct verify_pending_config *c = &p->config;
	const struct verify_question q = {
		.key = &query->key,
		.client = query->client.is_set ? &query->client : NULL,
		.asked_ms = query->asked_ms,
		.deadline_ms = query->deadline_ms,
		.now_ms = c->now_ms,
		.stop = c->stop,
	};
	struct verify_answer answer = { 0 };

	answer.epoch = verify_revoke_epoch(c->revoke);
	answer.generation = verify_sources_generation(c->sources);
	if (due == DUE_ASK)
		verify_sources_ask(c->sources, VERIFY_BLOCKING, &q, &answer);
	/* a source that was interrupted may look unreachable, and must not
	 * fail open for that */
	if (due == DUE_CANCEL || atomic_load(c->stop))
		verify_answer_set_fault(
		    &answer, VERIFY_FAULT_OURS, "verification was cancelled");
	else if (due == DUE_REFUSE)
		verify_answer_set_fault(&answer, VERIFY_FAULT_OURS, TOO_MANY);
	if (put_aside(query, &answer))
		return;
	complete(query, &answer);
	if (due == DUE_ASK && !verify_sources_spare(c->sources))
		resume_spared(p, true);
}

/* A job. There is one for every question that waits, but which one is its turn
 * is known only now. Nobody may be waiting for it any more. */
static void
run_next(void *ctx, bool cancelled)
{
	struct verify_pending *p = ctx;
	struct query *query;
	bool wanted;

	pthread_mutex_lock(&p->lock);
	query = query_of(verify_queue_take(p->queue));
	assert(query != NULL);
	wanted = query->waiter_count > 0;
	if (!wanted) {
		keytable_remove(p->queries, query->id);
		atomic_fetch_add(&p->config.totals->dropped, 1);
		p->count--;
	}
	pthread_mutex_unlock(&p->lock);
	if (wanted)
		run(query, cancelled ? DUE_CANCEL : DUE_ASK);
	else
		free(query);
}

/* One that finds no place in the queue waits on, if it can: those before it are
 * of the same address, and are about to be asked. */
static void
resume(struct verify_pending *p, struct query *query)
{
	bool queued, waits;

	pthread_mutex_lock(&p->lock);
	queued = enqueue(p, query) == 0;
	waits = !queued && !atomic_load(p->config.stop) && is_patient(p, query);
	if (waits)
		append_aside(p, query);
	pthread_mutex_unlock(&p->lock);
	if (waits)
		return;
	if (!queued)
		run(query, DUE_REFUSE);
	else if (thread_pool_post(p->workers, run_next, p) == -1)
		run_next(p, true);
}

static void
resume_spared(struct verify_pending *p, bool all)
{
	struct verify_queue_entry *next, *entry = take_aside(p, all);

	for (; entry != NULL; entry = next) {
		next = entry->next;
		resume(p, query_of(entry));
	}
}

bool
verify_pending_ask(struct verify_pending *p, const struct derp_key *key,
    const struct netaddr *client, verify_done_fn *done, void *ctx,
    struct verify_answer *answer)
{
	struct waiter *waiter = malloc(sizeof *waiter);
	struct query *ready, *query;
	uint8_t id[KEYTABLE_KEY];
	enum joined joined = NO_ROOM;

	verify_id_make(p->config.sources->reads_client, key, client, id);
	query = ready = new_query(p, id, key, client);
	if (waiter != NULL && ready != NULL) {
		*waiter = (struct waiter){ .done = done, .ctx = ctx };
		pthread_mutex_lock(&p->lock);
		joined = join(p, &query, waiter, answer);
		pthread_mutex_unlock(&p->lock);
	}
	if (joined != JOINED_NEW)
		free(ready);
	if (joined == FROM_CACHE || joined == NO_ROOM)
		free(waiter);
	if (joined == NO_ROOM)
		verify_answer_set(answer, VERIFY_UNKNOWN, TOO_MANY);
	/* the queue has a place for every query, but memory may be short */
	if (joined == JOINED_NEW &&
	    thread_pool_post(p->workers, run_next, p) == -1)
		run_next(p, true);
	return joined == FROM_CACHE || joined == NO_ROOM;
}

void *
verify_pending_cancel(struct verify_pending *p, const struct derp_key *key,
    const struct netaddr *client, verify_matches_fn *matches, const void *arg)
{
	struct waiter **at, *found = NULL;
	uint8_t id[KEYTABLE_KEY];
	struct query *query;
	void *ctx = NULL;

	verify_id_make(p->config.sources->reads_client, key, client, id);
	pthread_mutex_lock(&p->lock);
	query = keytable_get(p->queries, id);
	at = query != NULL ? &query->waiters : NULL;
	while (at != NULL && *at != NULL && !matches((*at)->ctx, arg))
		at = &(*at)->next;
	if (at != NULL && *at != NULL) {
		found = *at;
		*at = found->next;
		query->waiter_count--;
		ctx = found->ctx;
	}
	pthread_mutex_unlock(&p->lock);
	free(found);
	return ctx;
}

void
verify_pending_tick(struct verify_pending *p)
{
	pthread_mutex_lock(&p->lock);
	p->tick++;
	pthread_mutex_unlock(&p->lock);
	resume_spared(p, atomic_load(p->config.stop));
}

size_t
verify_pending_count(struct verify_pending *p)
{
	size_t count;

	pthread_mutex_lock(&p->lock);
	count = p->count;
	pthread_mutex_unlock(&p->lock);
	return count;
}

void
verify_pending_free(struct verify_pending *p)
{
	if (p == NULL)
		return;
	thread_pool_free(p->workers); /* completes every query */
	keytable_free(p->queries);
	verify_queue_free(p->queue);
	verify_cache_free(p->cache);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
