/*
 * verify: see verify.h. The engine: who is asked, in which order, and who
 * waits for whose answer.
 *
 * A question goes to the sources that block first, in one job on a worker (a
 * flight), and then to those in memory. Only what blocking sources said is
 * cached, so that a changed node list counts at once.
 */
#include "verify.h"

#include "clock.h"
#include "keytable.h"
#include "thread_pool.h"
#include "verify_cache.h"
#include "verify_source.h"
#include "verify_ticker.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * How long an answer may be reused. Upstream caches nothing, and two promises
 * hang on that: a node that was deleted is refused on its next connect, and a
 * node that registered a moment ago gets in. So an allow is not reused at all:
 * it serves those who asked while it was on its way, and nobody later; the
 * question costs a local round trip and is asked once per login. A refusal
 * serves half a second: enough for the quick first redials of a refused client
 * (it tries again after 10, 40, 90 ms ...), too short for an operator who has
 * just registered the node to notice. Nothing is reused that no source said:
 * not an unknown, not a fail-open.
 */
#define CACHE_ALLOW_MS 0
#define CACHE_DENY_MS 500

#define CACHE_MAX 4096 /* answers */
#define FLIGHTS_MAX                                                           \
	4096             /* questions on their way; more are answered unknown \
			  */
#define WAITERS_MAX 1024 /* who wait for one of them */
#define WORKERS 16 /* enough that a slow source is asked about many at once */

struct waiter {
	struct waiter *next;
	verify_done_fn *done;
	void *ctx;
};

/* A question on its way; owned by the table until land() takes it out. */
struct flight {
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
	struct verify_source *sources[3]; /* owned; those that block first */
	size_t source_count;
	size_t blocking_count;
	bool reads_client; /* an answer may depend on the client's address */
	uint64_t allow_ms, deny_ms, ask_ms;
	uint64_t (*now_ms)(void);
	struct thread_pool *workers;  /* owned; NULL when no source blocks */
	struct verify_ticker *ticker; /* owned */
	/* locked by lock */
	pthread_mutex_t lock;
	struct verify_cache *cache;
	struct keytable *flights; /* values are struct flight */
	struct verify_counters counters;
	/* atomic: no new waits, let the running ones end */
	atomic_bool stop;
};

static const struct verify_source_kind *const kinds[] = {
	&verify_tailscaled_kind,
	&verify_url_kind,
	&verify_file_kind,
};

static_assert(sizeof kinds / sizeof kinds[0] ==
	sizeof((struct verify *)0)->sources / sizeof(struct verify_source *),
    "a place for every kind");

static int make_sources(
    struct verify *v, const struct verify_config *config, struct fail *why);
static void fly(void *ctx, bool cancelled);
static void land(struct flight *flight, struct verify_answer *answer);

static uint64_t
or_default(uint64_t value, uint64_t fallback)
{
	return value != 0 ? value : fallback;
}

/* The configuration with its defaults filled in. */
static struct verify_config
complete(const struct verify_config *config)
{
	struct verify_config c = *config;

	c.cache_allow_ms = or_default(c.cache_allow_ms, CACHE_ALLOW_MS);
	c.cache_deny_ms = or_default(c.cache_deny_ms, CACHE_DENY_MS);
	c.ask_ms = or_default(c.ask_ms, VERIFY_ASK_MS);
	if (c.now_ms == NULL)
		c.now_ms = clock_now_ms;
	if (c.wall_s == NULL)
		c.wall_s = clock_wall_s;
	return c;
}

struct verify *
verify_new(const struct verify_config *config, struct fail *why)
{
	const struct verify_config c = complete(config);
	struct verify *v = calloc(1, sizeof *v);

	if (v == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&v->lock, NULL);
	atomic_init(&v->stop, false);
	v->allow_ms = c.cache_allow_ms;
	v->deny_ms = c.cache_deny_ms;
	v->ask_ms = c.ask_ms;
	v->now_ms = c.now_ms;
	v->cache = verify_cache_new(CACHE_MAX);
	v->flights = keytable_new(FLIGHTS_MAX);
	if (v->cache == NULL || v->flights == NULL) {
		fail_set(why, "out of memory");
		goto free_v;
	}
	if (make_sources(v, &c, why) == -1)
		goto free_v;
	if (v->blocking_count > 0) {
		/* a place in the queue for every flight there can be */
		v->workers = thread_pool_new(WORKERS, FLIGHTS_MAX);
		if (v->workers == NULL) {
			fail_set(why, "cannot start verification threads");
			goto free_v;
		}
	}
	v->ticker = verify_ticker_new(v->sources, v->source_count);
	if (v->ticker == NULL) {
		fail_set(why, "cannot start the thread that watches files");
		goto free_v;
	}
	return v;

free_v:
	verify_free(v);
	return NULL;
}

static int
make_sources(
    struct verify *v, const struct verify_config *config, struct fail *why)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct verify_source *s;

		if (!kinds[i]->is_configured(config))
			continue;
		s = kinds[i]->make(config, why);
		if (s == NULL)
			return -1;
		/* the order of the table: see kinds */
		assert(!s->blocks || v->blocking_count == v->source_count);
		v->sources[v->source_count++] = s;
		if (s->blocks)
			v->blocking_count++;
		v->reads_client = v->reads_client || s->reads_client;
	}
	return 0;
}

void
verify_free(struct verify *v)
{
	if (v == NULL)
		return;
	atomic_store(&v->stop, true);
	thread_pool_free(v->workers); /* lands every flight */
	verify_ticker_free(v->ticker);
	for (size_t i = 0; i < v->source_count; i++)
		v->sources[i]->free(v->sources[i]);
	keytable_free(v->flights);
	verify_cache_free(v->cache);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

/* Adds what one more source said to an answer that allows. */
static void
join(struct verify_answer *answer, const struct verify_answer *one)
{
	const struct verify_answer before = *answer;

	if (before.reason[0] == '\0') {
		*answer = *one;
		return;
	}
	verify_source_answer(
	    answer, VERIFY_ALLOW, "%s; %s", before.reason, one->reason);
	answer->fail_open = before.fail_open || one->fail_open;
}

/* Asks the sources from..to one after the other until one refuses. The reasons
 * of those that allow are joined. */
static void
ask_sources(const struct verify *v, size_t from, size_t to,
    const struct verify_question *q, struct verify_answer *answer)
{
	for (size_t i = from; i < to; i++) {
		struct verify_answer one = { .verdict = VERIFY_UNKNOWN };

		v->sources[i]->ask(v->sources[i], q, &one);
		if (one.verdict != VERIFY_ALLOW) {
			*answer = one;
			return;
		}
		join(answer, &one);
	}
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

	ask_sources(v, v->blocking_count, v->source_count, &q, answer);
}

/* Counts an answer that is about to be given to `times` who asked. */
static void
tally(struct verify *v, const struct verify_answer *answer, uint64_t times)
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
		v->counters.unknown += times;
		break;
	}
	if (answer->fail_open)
		v->counters.failed_open += times;
	pthread_mutex_unlock(&v->lock);
}

/* What must be equal for one answer to serve two questions: the key, and where
 * a source is told the client's address, that too. */
static void
make_id(const struct verify *v, const struct derp_key *key,
    const struct netaddr *client, uint8_t id[static KEYTABLE_KEY])
{
	crypto_generichash_state state;

	static_assert(KEYTABLE_KEY == DERP_KEY, "the key itself may be the id");
	if (!v->reads_client || client == NULL || !client->is_set) {
		memcpy(id, key->b, KEYTABLE_KEY);
		return;
	}
	crypto_generichash_init(&state, NULL, 0, KEYTABLE_KEY);
	crypto_generichash_update(&state, key->b, sizeof key->b);
	crypto_generichash_update(&state, client->ip, sizeof client->ip);
	crypto_generichash_final(&state, id, KEYTABLE_KEY);
}

static struct flight *
new_flight(struct verify *v, const uint8_t id[static KEYTABLE_KEY],
    const struct derp_key *key, const struct netaddr *client)
{
	struct flight *flight = calloc(1, sizeof *flight);

	if (flight == NULL)
		return NULL;
	flight->v = v;
	memcpy(flight->id, id, sizeof flight->id);
	flight->key = *key;
	if (client != NULL)
		flight->client = *client;
	flight->asked_ms = v->now_ms();
	flight->deadline_ms = flight->asked_ms + v->ask_ms;
	return flight;
}

/* What board() did with a question. */
enum boarded {
	BOARDED,     /* it waits in a flight that was there */
	BOARDED_NEW, /* it waits in *flight, which must be started */
	FROM_CACHE,  /* *answer is set */
	NO_ROOM,
};

/* Finds an answer or a place to wait for one. Called with v->lock held. */
static enum boarded
board(struct verify *v, struct flight **flight, struct waiter *waiter,
    struct verify_answer *answer)
{
	struct flight *ready = *flight;

	if (verify_cache_get(v->cache, ready->id, v->now_ms(), answer)) {
		v->counters.from_cache++;
		return FROM_CACHE;
	}
	*flight = keytable_get(v->flights, ready->id);
	if (*flight != NULL) {
		if ((*flight)->waiter_count == WAITERS_MAX)
			return NO_ROOM;
		waiter->next = (*flight)->waiters;
		(*flight)->waiters = waiter;
		(*flight)->waiter_count++;
		return BOARDED;
	}
	if (keytable_put(v->flights, ready->id, ready) == -1)
		return NO_ROOM;
	ready->waiters = waiter;
	ready->waiter_count = 1;
	*flight = ready;
	return BOARDED_NEW;
}

/* Asks sources that block. True: *answer is set. */
static bool
ask_blocking(struct verify *v, const struct derp_key *key,
    const struct netaddr *client, struct waiter ticket,
    struct verify_answer *answer)
{
	struct waiter *waiter = malloc(sizeof *waiter);
	struct flight *ready, *flight;
	uint8_t id[KEYTABLE_KEY];
	enum boarded boarded = NO_ROOM;

	make_id(v, key, client, id);
	flight = ready = new_flight(v, id, key, client);
	if (waiter != NULL && ready != NULL) {
		*waiter = ticket;
		pthread_mutex_lock(&v->lock);
		boarded = board(v, &flight, waiter, answer);
		pthread_mutex_unlock(&v->lock);
	}
	if (boarded != BOARDED_NEW)
		free(ready);
	if (boarded == FROM_CACHE || boarded == NO_ROOM)
		free(waiter);
	if (boarded == NO_ROOM)
		verify_source_answer(answer, VERIFY_UNKNOWN,
		    "too many verification questions at once");
	/* the queue has a place for every flight, but memory may be short */
	if (boarded == BOARDED_NEW &&
	    thread_pool_post(v->workers, fly, flight) == -1)
		fly(flight, true);
	return boarded == FROM_CACHE || boarded == NO_ROOM;
}

bool
verify_ask(struct verify *v, const struct derp_key *key,
    const struct netaddr *source, struct verify_answer *answer,
    verify_done_fn *done, void *ctx)
{
	const struct waiter ticket = { .done = done, .ctx = ctx };

	memset(answer, 0, sizeof *answer);
	pthread_mutex_lock(&v->lock);
	v->counters.asked++;
	pthread_mutex_unlock(&v->lock);
	if (v->source_count == 0)
		verify_source_answer(
		    answer, VERIFY_ALLOW, "no verification is configured");
	else if (derp_key_is_zero(key))
		verify_source_answer(
		    answer, VERIFY_DENY, "the zero key is nobody's");
	else if (v->blocking_count > 0 &&
	    !ask_blocking(v, key, source, ticket, answer))
		return false;
	else if (answer->verdict == VERIFY_ALLOW)
		ask_memory(v, key, source, answer);
	tally(v, answer, 1);
	return true;
}

/* The job of one flight. */
static void
fly(void *ctx, bool cancelled)
{
	struct flight *flight = ctx;
	struct verify *v = flight->v;
	const struct verify_question q = {
		.key = &flight->key,
		.client = flight->client.is_set ? &flight->client : NULL,
		.asked_ms = flight->asked_ms,
		.deadline_ms = flight->deadline_ms,
		.now_ms = v->now_ms,
		.stop = &v->stop,
	};
	struct verify_answer answer = { .verdict = VERIFY_ALLOW };

	if (!cancelled)
		ask_sources(v, 0, v->blocking_count, &q, &answer);
	/* a source that was interrupted may look unreachable, and must not
	 * fail open for that */
	if (cancelled || atomic_load(&v->stop))
		verify_source_answer(
		    &answer, VERIFY_UNKNOWN, "verification was given up");
	land(flight, &answer);
}

/* Keeps the answer if it is one of those that are kept. Called with v->lock
 * held. */
static void
keep(struct verify *v, const uint8_t id[static KEYTABLE_KEY],
    const struct verify_answer *answer)
{
	uint64_t keep_ms = 0;

	switch (answer->verdict) {
	case VERIFY_ALLOW:
		keep_ms = answer->fail_open ? 0 : v->allow_ms;
		break;
	case VERIFY_DENY:
		keep_ms = v->deny_ms;
		break;
	case VERIFY_UNKNOWN:
		break;
	}
	if (keep_ms > 0)
		verify_cache_put(v->cache, id, v->now_ms() + keep_ms, answer);
}

/* Takes the flight off the table, tells all who wait, frees it. */
static void
land(struct flight *flight, struct verify_answer *answer)
{
	struct verify *v = flight->v;
	struct waiter *w, *next;

	pthread_mutex_lock(&v->lock);
	keytable_remove(v->flights, flight->id);
	keep(v, flight->id, answer);
	pthread_mutex_unlock(&v->lock);
	/* off the table: the waiters are ours alone */
	if (answer->verdict == VERIFY_ALLOW)
		ask_memory(v, &flight->key, &flight->client, answer);
	tally(v, answer, flight->waiter_count);
	for (w = flight->waiters; w != NULL; w = next) {
		next = w->next;
		w->done(w->ctx, answer);
		free(w);
	}
	free(flight);
}

struct check {
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool is_told;                 /* locked by lock */
	struct verify_answer *answer; /* locked by lock until told */
};

static void
check_done(void *ctx, const struct verify_answer *answer)
{
	struct check *check = ctx;

	pthread_mutex_lock(&check->lock);
	*check->answer = *answer;
	check->is_told = true;
	pthread_cond_signal(&check->told);
	pthread_mutex_unlock(&check->lock);
}

void
verify_check(struct verify *v, const struct derp_key *key,
    const struct netaddr *source, struct verify_answer *answer)
{
	struct check check = { .answer = answer };
	struct verify_answer now;

	pthread_mutex_init(&check.lock, NULL);
	pthread_cond_init(&check.told, NULL);
	if (verify_ask(v, key, source, &now, check_done, &check)) {
		*answer = now;
	} else {
		pthread_mutex_lock(&check.lock);
		while (!check.is_told)
			pthread_cond_wait(&check.told, &check.lock);
		pthread_mutex_unlock(&check.lock);
	}
	pthread_cond_destroy(&check.told);
	pthread_mutex_destroy(&check.lock);
}

void
verify_reload(struct verify *v)
{
	verify_ticker_look(v->ticker);
}

void
verify_get_counters(struct verify *v, struct verify_counters *out)
{
	uint64_t listed = 0;

	for (size_t i = 0; i < v->source_count; i++) {
		struct verify_source *s = v->sources[i];

		if (s->count != NULL)
			listed += s->count(s);
	}
	pthread_mutex_lock(&v->lock);
	*out = v->counters;
	pthread_mutex_unlock(&v->lock);
	out->nodes_listed = listed;
}
