/* rate_limit: see rate_limit.h. */
#include "rate_limit.h"

#include "rate_shares.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static_assert(KEYTABLE_KEY == DERP_KEY, "node keys are keys of tables");

/* What is taken out of buckets. */
struct amount {
	double bytes, packets;
};

struct rate_limit {
	pthread_mutex_t lock; /* of all but the generation */
	struct rate_config config;
	_Atomic unsigned generation;
	_Atomic bool shared_limits; /* there are any beside a client's own */
	struct rate_shares *keys, *addresses; /* owned */
	struct rate_buckets total;
};

struct rate_client {
	struct rate_limit *limit; /* borrowed */
	struct rate_buckets own;
	/* as of own.generation */
	struct rate own_rate;
	bool shared_limits;
	struct rate_share *key, *address; /* borrowed */
};

static void
fill(struct rate_buckets *b, const struct rate *rate, unsigned generation,
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
	limit->keys = rate_shares_new(clients_max);
	limit->addresses = rate_shares_new(clients_max);
	if (limit->keys == NULL || limit->addresses == NULL ||
	    pthread_mutex_init(&limit->lock, NULL) != 0) {
		rate_shares_free(limit->keys);
		rate_shares_free(limit->addresses);
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
	rate_shares_free(limit->keys);
	rate_shares_free(limit->addresses);
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
	rate_shares_forget_left(limit->keys);
	rate_shares_forget_left(limit->addresses);
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
	c->key = rate_shares_enter(limit->keys, key->b, now_us);
	c->address = rate_shares_enter(limit->addresses, address, now_us);
	pthread_mutex_unlock(&limit->lock);
	if (c->key == NULL || c->address == NULL) {
		(void)rate_client_free(c, now_us);
		return NULL;
	}
	renew(c, now_us);
	return c;
}

bool
rate_client_free(struct rate_client *c, uint64_t now_us)
{
	bool none_lost;
	unsigned generation;

	if (c == NULL)
		return true;
	pthread_mutex_lock(&c->limit->lock);
	generation = atomic_load(&c->limit->generation);
	none_lost =
	    rate_shares_leave(c->limit->keys, c->key, generation, now_us);
	none_lost = rate_shares_leave(
			c->limit->addresses, c->address, generation, now_us) &&
	    none_lost;
	pthread_mutex_unlock(&c->limit->lock);
	free(c);
	return none_lost;
}

/* Takes it; for how long to wait. */
static uint64_t
take(struct rate_buckets *b, struct amount amount, uint64_t now_us)
{
	const uint64_t bytes_us =
	    token_bucket_take(&b->bytes, amount.bytes, now_us);
	const uint64_t packets_us =
	    token_bucket_take(&b->packets, amount.packets, now_us);

	return bytes_us > packets_us ? bytes_us : packets_us;
}

/* Bytes of the least frames that packets come in, about. */
#define PACKET_BYTES 64

static double
lesser(double a, double b)
{
	return a < b ? a : b;
}

/* How many bytes may come until one has to wait for longer than wait_us. */
static double
room(struct rate_buckets *b, uint64_t wait_us, uint64_t now_us)
{
	const double bytes = token_bucket_room(&b->bytes, wait_us, now_us);
	const double packets = token_bucket_room(&b->packets, wait_us, now_us);

	return lesser(bytes, packets * PACKET_BYTES);
}

/* With the lock: the buckets of a scope that the client shares with others. */
static struct rate_buckets *
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

/* The same as they are now; NULL: the scope has no limit. */
static struct rate_buckets *
limited_buckets(struct rate_client *c, enum rate_scope scope, uint64_t now_us)
{
	const struct rate *rate = &c->limit->config.scope[scope];
	const unsigned generation = atomic_load(&c->limit->generation);
	struct rate_buckets *shared = shared_buckets(c, scope);

	if (!limits(rate))
		return NULL;
	if (shared->generation != generation)
		fill(shared, rate, generation, now_us);
	return shared;
}

/* Takes it out of what is shared; the longest wait. */
static uint64_t
take_shared(struct rate_client *c, struct amount amount, uint64_t now_us,
    enum rate_scope *scope)
{
	uint64_t wait_us, longest_us = 0;

	pthread_mutex_lock(&c->limit->lock);
	for (size_t i = RATE_KEY; i < RATE_SCOPES; i++) {
		struct rate_buckets *shared =
		    limited_buckets(c, (enum rate_scope)i, now_us);

		if (shared == NULL)
			continue;
		wait_us = take(shared, amount, now_us);
		if (wait_us <= longest_us)
			continue;
		longest_us = wait_us;
		*scope = (enum rate_scope)i;
	}
	pthread_mutex_unlock(&c->limit->lock);
	return longest_us;
}

static size_t
charged_len(size_t len)
{
	return len < RATE_FRAME_MAX ? len : RATE_FRAME_MAX;
}

static uint64_t
charge(struct rate_client *c, struct amount amount, uint64_t now_us,
    enum rate_scope *scope)
{
	enum rate_scope shared_scope = RATE_TOTAL;
	uint64_t wait_us, shared_us;

	if (c->own.generation != rate_limit_generation(c->limit))
		renew(c, now_us);
	*scope = RATE_CLIENT;
	wait_us = limits(&c->own_rate) ? take(&c->own, amount, now_us) : 0;
	if (!c->shared_limits)
		return wait_us;
	shared_us = take_shared(c, amount, now_us, &shared_scope);
	if (shared_us <= wait_us)
		return wait_us;
	*scope = shared_scope;
	return shared_us;
}

uint64_t
rate_client_charge(
    struct rate_client *c, size_t len, uint64_t now_us, enum rate_scope *scope)
{
	const struct amount frame = { (double)charged_len(len), 1 };

	return charge(c, frame, now_us, scope);
}

uint64_t
rate_client_charge_framing(struct rate_client *c, size_t bytes, size_t packets,
    uint64_t now_us, enum rate_scope *scope)
{
	const struct amount framing = { (double)bytes, (double)packets };

	return charge(c, framing, now_us, scope);
}

size_t
rate_client_room(struct rate_client *c, uint64_t wait_us, uint64_t now_us)
{
	double least = (double)RATE_ROOM_MAX;

	if (c->own.generation != rate_limit_generation(c->limit))
		renew(c, now_us);
	if (limits(&c->own_rate))
		least = lesser(least, room(&c->own, wait_us, now_us));
	if (c->shared_limits) {
		pthread_mutex_lock(&c->limit->lock);
		for (size_t i = RATE_KEY; i < RATE_SCOPES; i++) {
			struct rate_buckets *shared =
			    limited_buckets(c, (enum rate_scope)i, now_us);

			if (shared != NULL)
				least = lesser(
				    least, room(shared, wait_us, now_us));
		}
		pthread_mutex_unlock(&c->limit->lock);
	}
	return least > 0 ? (size_t)least : 0;
}

void
rate_client_refund(struct rate_client *c, size_t len, unsigned generation)
{
	struct rate_limit *limit = c->limit;

	pthread_mutex_lock(&limit->lock);
	for (size_t i = RATE_KEY; i < RATE_SCOPES; i++) {
		struct rate_buckets *shared =
		    shared_buckets(c, (enum rate_scope)i);

		if (shared->generation != generation)
			continue;
		token_bucket_put(&shared->bytes, (double)charged_len(len));
		token_bucket_put(&shared->packets, 1);
	}
	pthread_mutex_unlock(&limit->lock);
}
