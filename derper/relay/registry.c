/* peers: see peers.h. */
#include "registry.h"

#include "keytable.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define REGISTRY_SHARDS 64
#define HEARD_FIRST 8 /* slots of the first allocation, a power of two */

/* A set of addresses: open addressing, at most half full, no removal. */
struct heard {
	struct conn_addr *slots; /* generation 0: free */
	size_t cap, count;
};

struct peer {
	struct derp_key key; /* immutable */
	/* whether there is more than one connection; atomic, so that the usual
	 * single connection needs no lock to find out */
	atomic_bool duplicated;
	/* locked by the shard's lock: */
	struct conn_addr *conns; /* least recently heard first; the last one is
				    the active one */
	size_t count, cap;
	struct heard heard;
};

struct shard {
	pthread_mutex_t lock;
	struct keytable *table;   /* locked by lock; of struct peer */
	_Atomic uint64_t version; /* atomic */
} __attribute__((aligned(64)));

struct registry {
	struct shard shards[REGISTRY_SHARDS];
};

struct registry *
registry_new(size_t max)
{
	struct registry *p = aligned_alloc(64, sizeof *p);

	if (p == NULL)
		return NULL;
	memset(p, 0, sizeof *p);
	for (size_t i = 0; i < REGISTRY_SHARDS; i++) {
		pthread_mutex_init(&p->shards[i].lock, NULL);
		p->shards[i].table = keytable_new(max);
		if (p->shards[i].table == NULL) {
			registry_free(p);
			return NULL;
		}
	}
	return p;
}

static void
peer_free(struct peer *peer)
{
	free(peer->conns);
	free(peer->heard.slots);
	free(peer);
}

void
registry_free(struct registry *p)
{
	struct peer *peer;
	size_t at;

	if (p == NULL)
		return;
	for (size_t i = 0; i < REGISTRY_SHARDS; i++) {
		struct shard *s = &p->shards[i];

		at = 0;
		while (s->table != NULL &&
		    (peer = keytable_next(s->table, &at, NULL)) != NULL)
			peer_free(peer);
		keytable_free(s->table);
		pthread_mutex_destroy(&s->lock);
	}
	free(p);
}

/* Keys are curve points, evenly spread; whoever picks keys to fill one shard
 * gains nothing but a busier lock. */
static struct shard *
shard_of(const struct registry *p, const struct derp_key *key)
{
	return (struct shard *)&p->shards[key->b[7] % REGISTRY_SHARDS];
}

static void
changed(struct shard *s)
{
	atomic_fetch_add_explicit(&s->version, 1, memory_order_release);
}

static int
conns_add(struct peer *peer, struct conn_addr addr)
{
	size_t cap = peer->cap > 0 ? peer->cap * 2 : 1;
	struct conn_addr *conns;

	if (peer->count == REGISTRY_DUPLICATES_MAX)
		return -1;
	if (peer->count == peer->cap) {
		conns = realloc(peer->conns, cap * sizeof *conns);
		if (conns == NULL)
			return -1;
		peer->conns = conns;
		peer->cap = cap;
	}
	peer->conns[peer->count++] = addr;
	return 0;
}

static void
conns_remove(struct peer *peer, struct conn_addr addr)
{
	for (size_t i = 0; i < peer->count; i++) {
		if (!conn_addr_eq(peer->conns[i], addr))
			continue;
		memmove(&peer->conns[i], &peer->conns[i + 1],
		    (peer->count - i - 1) * sizeof *peer->conns);
		peer->count--;
		return;
	}
}

static struct peer *
peer_new(struct shard *s, const struct derp_key *key)
{
	struct peer *peer = calloc(1, sizeof *peer);

	if (peer == NULL)
		return NULL;
	peer->key = *key;
	if (keytable_put(s->table, key->b, peer) == 0)
		return peer;
	free(peer);
	return NULL;
}

struct peer *
registry_join(
    struct registry *p, const struct derp_key *key, struct conn_addr addr)
{
	struct shard *s = shard_of(p, key);
	struct peer *peer;

	pthread_mutex_lock(&s->lock);
	peer = keytable_get(s->table, key->b);
	if (peer == NULL)
		peer = peer_new(s, key);
	if (peer != NULL && conns_add(peer, addr) == -1) {
		if (peer->count == 0) {
			keytable_remove(s->table, key->b);
			peer_free(peer);
		}
		peer = NULL;
	}
	if (peer != NULL) {
		atomic_store_explicit(
		    &peer->duplicated, peer->count > 1, memory_order_relaxed);
		changed(s);
	}
	pthread_mutex_unlock(&s->lock);
	return peer;
}

/* Moves the members of the set to the front of its own memory: a list. */
static struct conn_addr *
heard_take(struct heard *h, size_t *count)
{
	struct conn_addr *list = h->slots;
	size_t n = 0;

	for (size_t i = 0; i < h->cap; i++)
		if (list[i].generation != 0)
			list[n++] = list[i];
	*h = (struct heard){ 0 };
	*count = n;
	return list;
}

void
registry_leave(struct registry *p, struct peer *peer, struct conn_addr addr,
    struct conn_addr **heard, size_t *heard_count)
{
	struct shard *s = shard_of(p, &peer->key);

	*heard = NULL;
	*heard_count = 0;
	pthread_mutex_lock(&s->lock);
	conns_remove(peer, addr);
	atomic_store_explicit(
	    &peer->duplicated, peer->count > 1, memory_order_relaxed);
	if (peer->count == 0) {
		*heard = heard_take(&peer->heard, heard_count);
		keytable_remove(s->table, peer->key.b);
		peer_free(peer);
	}
	changed(s);
	pthread_mutex_unlock(&s->lock);
}

void
registry_heard_from(
    struct registry *p, struct peer *peer, struct conn_addr addr)
{
	struct shard *s;

	if (!atomic_load_explicit(&peer->duplicated, memory_order_relaxed))
		return;
	s = shard_of(p, &peer->key);
	pthread_mutex_lock(&s->lock);
	if (!conn_addr_eq(peer->conns[peer->count - 1], addr)) {
		conns_remove(peer, addr);
		peer->conns[peer->count++] = addr;
		changed(s);
	}
	pthread_mutex_unlock(&s->lock);
}

uint64_t
registry_version(const struct registry *p, const struct derp_key *key)
{
	return atomic_load_explicit(
	    &shard_of(p, key)->version, memory_order_acquire);
}

bool
registry_find(struct registry *p, const struct derp_key *key,
    struct conn_addr *addr, uint64_t *version)
{
	struct shard *s = shard_of(p, key);
	struct peer *peer;

	pthread_mutex_lock(&s->lock);
	*version = atomic_load_explicit(&s->version, memory_order_relaxed);
	peer = keytable_get(s->table, key->b);
	if (peer != NULL)
		*addr = peer->conns[peer->count - 1];
	pthread_mutex_unlock(&s->lock);
	return peer != NULL;
}

/* The slot of the address, or the free one where it would go. Addresses are
 * ours, not strangers', so a plain mix will do. */
static struct conn_addr *
heard_find(const struct heard *h, struct conn_addr addr)
{
	uint64_t hash = (addr.generation ^ (uint64_t)addr.slot << 32 ^
			    (uint64_t)addr.worker << 20) *
	    UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (hash >> 32) & (h->cap - 1);

	while (h->slots[i].generation != 0 && !conn_addr_eq(h->slots[i], addr))
		i = (i + 1) & (h->cap - 1);
	return &h->slots[i];
}

static int
heard_grow(struct heard *h)
{
	struct heard bigger = { .cap = h->cap > 0 ? h->cap * 2 : HEARD_FIRST,
		.count = h->count };

	bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
	if (bigger.slots == NULL)
		return -1;
	for (size_t i = 0; i < h->cap; i++)
		if (h->slots[i].generation != 0)
			*heard_find(&bigger, h->slots[i]) = h->slots[i];
	free(h->slots);
	*h = bigger;
	return 0;
}

enum registry_noted
registry_note_heard(struct registry *p, struct peer *peer, struct conn_addr by)
{
	struct shard *s = shard_of(p, &peer->key);
	struct heard *h = &peer->heard;
	enum registry_noted noted = REGISTRY_NOTED;
	struct conn_addr *slot;

	pthread_mutex_lock(&s->lock);
	if (h->count >= REGISTRY_HEARD_MAX) {
		/* most of them are connections that ended long ago */
		free(h->slots);
		*h = (struct heard){ 0 };
		noted = REGISTRY_EMPTIED;
	}
	if (h->count * 2 >= h->cap && heard_grow(h) == -1) {
		noted = REGISTRY_NO_MEMORY;
	} else {
		slot = heard_find(h, by);
		if (slot->generation == 0) {
			*slot = by;
			h->count++;
		}
	}
	pthread_mutex_unlock(&s->lock);
	return noted;
}

size_t
registry_count(struct registry *p, const struct derp_key *key)
{
	struct shard *s = shard_of(p, key);
	struct peer *peer;
	size_t count;

	pthread_mutex_lock(&s->lock);
	peer = keytable_get(s->table, key->b);
	count = peer != NULL ? peer->count : 0;
	pthread_mutex_unlock(&s->lock);
	return count;
}
