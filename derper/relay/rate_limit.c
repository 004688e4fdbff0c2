/* rate_limit: see rate_limit.h. */
#include "rate_limit.h"

#include "keytable.h"
#include "token_bucket.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static_assert(KEYTABLE_KEY == DERP_KEY, "node keys are keys of tables");

/* What a scope's limits are counted with. */
struct buckets {
	struct token_bucket bytes, packets;
	unsigned generation; /* of the limits that they are for */
};

/* Of clients that share limits. */
struct shared {
	uint8_t key[KEYTABLE_KEY]; /* immutable */
	unsigned clients;
	struct buckets buckets;
};

struct rate_limit {
	pthread_mutex_t lock; /* of all but the generation */
	struct rate_config config;
	_Atomic unsigned generation;
	_Atomic bool shared_limits; /* there are any beside a client's own */
	struct keytable *keys, *addresses; /* own their entries */
	struct buckets total;
};

struct rate_client {
	struct rate_limit *limit; /* borrowed */
	struct buckets own;
	/* as of own.generation */
	struct rate own_rate;
	bool shared_limits;
	struct shared *key, *address; /* borrowed from the tables */
};

static void
fill(struct buckets *b, const struct rate *rate, unsigned generation,
    uint64_t now_us)
{
	b->generation = generation;
	b->bytes = token_bucket_of(
	    (double)rate->bytes_per_s, (double)rate->burst_bytes, now_us);
	b->packets = token_bucket_of(
	    (double)rate->packets_per_s, (double)rate->burst_packets, now_us);
}

static bool
limits(const struct rate *rate)
{
	return rate->bytes_per_s > 0 || rate->packets_per_s > 0;
}

struct rate_limit *
rate_limit_new(const struct rate_config *config, size_t clients_max)
{
	struct rate_limit *limit = calloc(1, sizeof *limit);

	if (limit == NULL)
		return NULL;
	limit->keys = keytable_new(clients_max, offsetof(struct shared, key));
	limit->addresses =
	    keytable_new(clients_max, offsetof(struct shared, key));
	if (limit->keys == NULL || limit->addresses == NULL ||
	    pthread_mutex_init(&limit->lock, NULL) != 0) {
		keytable_free(limit->keys);
		keytable_free(limit->addresses);
		free(limit);
		return NULL;
	}
	rate_limit_set(limit, config);
	return limit;
}

void
rate_limit_free(struct rate_limit *limit)
{
	if (limit == NULL)
		return;
	keytable_free(limit->keys);
	keytable_free(limit->addresses);
	pthread_mutex_destroy(&limit->lock);
	free(limit);
}

void
rate_limit_set(struct rate_limit *limit, const struct rate_config *config)
{
	bool any = false;

	for (size_t i = RATE_KEY; i < RATE_SCOPES; i++)
		any = any || limits(&config->scope[i]);
	pthread_mutex_lock(&limit->lock);
	limit->config = *config;
	atomic_store(&limit->shared_limits, any);
	atomic_fetch_add(&limit->generation, 1);
	pthread_mutex_unlock(&limit->lock);
}

struct rate_config
rate_limit_get(struct rate_limit *limit)
{
	struct rate_config config;

	pthread_mutex_lock(&limit->lock);
	config = limit->config;
	pthread_mutex_unlock(&limit->lock);
	return config;
}

unsigned
rate_limit_generation(const struct rate_limit *limit)
{
	return atomic_load_explicit(&limit->generation, memory_order_relaxed);
}

/* Enters a table, under the lock. NULL when memory is short. */
static struct shared *
enter(struct keytable *table, const uint8_t key[static KEYTABLE_KEY])
{
	struct shared *s = keytable_get(table, key);

	if (s == NULL) {
		s = calloc(1, sizeof *s);
		if (s == NULL)
			return NULL;
		memcpy(s->key, key, KEYTABLE_KEY);
		if (keytable_put(table, s) == -1) {
			free(s);
			return NULL;
		}
	}
	s->clients++;
	return s;
}

static void
leave(struct keytable *table, struct shared *s)
{
	if (s == NULL || --s->clients > 0)
		return;
	(void)keytable_remove(table, s->key);
	free(s);
}

/* An IPv6 client has a /64 to choose addresses from. */
static void
key_of_address(const struct netaddr *a, uint8_t key[static KEYTABLE_KEY])
{
	memset(key, 0, KEYTABLE_KEY);
	memcpy(key, a->ip, a->is_v4 ? sizeof a->ip : sizeof a->ip / 2);
}

/* Takes what is the client's own from the limits, anew. */
static void
renew(struct rate_client *c, uint64_t now_us)
{
	struct rate_limit *limit = c->limit;

	pthread_mutex_lock(&limit->lock);
	c->own_rate = limit->config.scope[RATE_CLIENT];
	c->shared_limits = atomic_load(&limit->shared_limits);
	fill(&c->own, &c->own_rate, atomic_load(&limit->generation), now_us);
	pthread_mutex_unlock(&limit->lock);
}

struct rate_client *
rate_client_new(struct rate_limit *limit, const struct derp_key *key,
    const struct netaddr *source, uint64_t now_us)
{
	struct rate_client *c = calloc(1, sizeof *c);
	uint8_t address[KEYTABLE_KEY];

	if (c == NULL)
		return NULL;
	c->limit = limit;
	key_of_address(source, address);
	pthread_mutex_lock(&limit->lock);
	c->key = enter(limit->keys, key->b);
	c->address = enter(limit->addresses, address);
	pthread_mutex_unlock(&limit->lock);
	if (c->key == NULL || c->address == NULL) {
		rate_client_free(c);
		return NULL;
	}
	renew(c, now_us);
	return c;
}

void
rate_client_free(struct rate_client *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->limit->lock);
	leave(c->limit->keys, c->key);
	leave(c->limit->addresses, c->address);
	pthread_mutex_unlock(&c->limit->lock);
	free(c);
}

static uint64_t
charge(struct buckets *b, size_t len, uint64_t now_us)
{
	const uint64_t bytes_us =
	    token_bucket_take(&b->bytes, (double)len, now_us);
	const uint64_t packets_us = token_bucket_take(&b->packets, 1, now_us);

	return bytes_us > packets_us ? bytes_us : packets_us;
}

/* With the lock: the buckets of a scope that the client shares with others. */
static struct buckets *
shared_buckets(struct rate_client *c, enum rate_scope scope)
{
	switch (scope) {
	case RATE_KEY:
		return &c->key->buckets;
	case RATE_ADDRESS:
		return &c->address->buckets;
	case RATE_TOTAL:
		return &c->limit->total;
	case RATE_CLIENT:
		break;
	}
	return &c->own;
}

/* Charges what is shared; the longest wait. */
static uint64_t
charge_shared(
    struct rate_client *c, size_t len, uint64_t now_us, enum rate_scope *scope)
{
	struct rate_limit *limit = c->limit;
	uint64_t wait_us, longest_us = 0;

	pthread_mutex_lock(&limit->lock);
	for (size_t i = RATE_KEY; i < RATE_SCOPES; i++) {
		const struct rate *rate = &limit->config.scope[i];
		const unsigned generation = atomic_load(&limit->generation);
		struct buckets *shared = shared_buckets(c, (enum rate_scope)i);

		if (!limits(rate))
			continue;
		if (shared->generation != generation)
			fill(shared, rate, generation, now_us);
		wait_us = charge(shared, len, now_us);
		if (wait_us <= longest_us)
			continue;
		longest_us = wait_us;
		*scope = (enum rate_scope)i;
	}
	pthread_mutex_unlock(&limit->lock);
	return longest_us;
}

static size_t
charged_len(size_t len)
{
	return len < RATE_FRAME_MAX ? len : RATE_FRAME_MAX;
}

uint64_t
rate_client_charge(
    struct rate_client *c, size_t len, uint64_t now_us, enum rate_scope *scope)
{
	enum rate_scope shared_scope = RATE_TOTAL;
	uint64_t wait_us, shared_us;

	len = charged_len(len);
	if (c->own.generation != rate_limit_generation(c->limit))
		renew(c, now_us);
	*scope = RATE_CLIENT;
	wait_us = limits(&c->own_rate) ? charge(&c->own, len, now_us) : 0;
	if (!c->shared_limits)
		return wait_us;
	shared_us = charge_shared(c, len, now_us, &shared_scope);
	if (shared_us <= wait_us)
		return wait_us;
	*scope = shared_scope;
	return shared_us;
}

void
rate_client_refund(struct rate_client *c, size_t len, unsigned generation)
{
	struct rate_limit *limit = c->limit;

	pthread_mutex_lock(&limit->lock);
	for (size_t i = RATE_KEY; i < RATE_SCOPES; i++) {
		struct buckets *shared = shared_buckets(c, (enum rate_scope)i);

		if (shared->generation != generation)
			continue;
		token_bucket_put(&shared->bytes, (double)charged_len(len));
		token_bucket_put(&shared->packets, 1);
	}
	pthread_mutex_unlock(&limit->lock);
}
