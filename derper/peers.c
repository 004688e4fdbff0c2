/* peers: see peers.h. */
#include "peers.h"

#include "keytable.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PEERS_SHARDS 64
#define HEARD_FIRST 8 /* slots of the first allocation, a power of two */

/* A set of addresses: open addressing, at most half full, no removal. */
struct heard {
	struct peer_addr *slots; /* generation 0: free */
	size_t cap, count;
};

struct peer {
	struct derp_key key; /* immutable */
	/* whether there is more than one connection; atomic, so that the usual
	 * single connection needs no lock to find out */
	atomic_bool duplicated;
	/* locked by the shard's lock: */
	struct peer_addr *conns; /* least recently heard first; the last one is
				    the active one */
	size_t count, cap;
	struct heard heard;
};

struct shard {
	pthread_mutex_t lock;
	struct keytable *table;   /* locked by lock; of struct peer */
	_Atomic uint64_t version; /* atomic */
} __attribute__((aligned(64)));

struct peers {
	struct shard shards[PEERS_SHARDS];
};

bool
peer_addr_eq(struct peer_addr a, struct peer_addr b)
{
	return a.generation == b.generation && a.slot == b.slot &&
	    a.core == b.core;
}

struct peers *
peers_new(size_t max)
{
	struct peers *p = aligned_alloc(64, sizeof *p);

	if (p == NULL)
		return NULL;
	memset(p, 0, sizeof *p);
	for (size_t i = 0; i < PEERS_SHARDS; i++) {
		pthread_mutex_init(&p->shards[i].lock, NULL);
		p->shards[i].table = keytable_new(max);
		if (p->shards[i].table == NULL) {
			peers_free(p);
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
peers_free(struct peers *p)
{
	struct peer *peer;
	size_t at;

	if (p == NULL)
		return;
	for (size_t i = 0; i < PEERS_SHARDS; i++) {
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
shard_of(const struct peers *p, const struct derp_key *key)
{
	return (struct shard *)&p->shards[key->b[7] % PEERS_SHARDS];
}

static void
changed(struct shard *s)
{
	atomic_fetch_add_explicit(&s->version, 1, memory_order_release);
}

static int
conns_add(struct peer *peer, struct peer_addr addr)
{
	size_t cap = peer->cap > 0 ? peer->cap * 2 : 1;
	struct peer_addr *conns;

	if (peer->count == PEERS_DUPLICATES_MAX)
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
conns_remove(struct peer *peer, struct peer_addr addr)
{
	for (size_t i = 0; i < peer->count; i++) {
		if (!peer_addr_eq(peer->conns[i], addr))
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
peers_join(struct peers *p, const struct derp_key *key, struct peer_addr addr)
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
static struct peer_addr *
heard_take(struct heard *h, size_t *count)
{
	struct peer_addr *list = h->slots;
	size_t n = 0;

	for (size_t i = 0; i < h->cap; i++)
		if (list[i].generation != 0)
			list[n++] = list[i];
	*h = (struct heard){ 0 };
	*count = n;
	return list;
}

void
peers_leave(struct peers *p, struct peer *peer, struct peer_addr addr,
    struct peer_addr **heard, size_t *heard_count)
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
peers_heard_from(struct peers *p, struct peer *peer, struct peer_addr addr)
{
	struct shard *s;

	if (!atomic_load_explicit(&peer->duplicated, memory_order_relaxed))
		return;
	s = shard_of(p, &peer->key);
	pthread_mutex_lock(&s->lock);
	if (!peer_addr_eq(peer->conns[peer->count - 1], addr)) {
		conns_remove(peer, addr);
		peer->conns[peer->count++] = addr;
		changed(s);
	}
	pthread_mutex_unlock(&s->lock);
}

uint64_t
peers_version(const struct peers *p, const struct derp_key *key)
{
	return atomic_load_explicit(
	    &shard_of(p, key)->version, memory_order_acquire);
}

bool
peers_find(struct peers *p, const struct derp_key *key, struct peer_addr *addr,
    uint64_t *version)
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
static struct peer_addr *
heard_find(const struct heard *h, struct peer_addr addr)
{
	uint64_t hash = (addr.generation ^ (uint64_t)addr.slot << 32 ^
			    (uint64_t)addr.core << 20) *
	    UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (hash >> 32) & (h->cap - 1);

	while (h->slots[i].generation != 0 && !peer_addr_eq(h->slots[i], addr))
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

enum peers_noted
peers_note_heard(struct peers *p, struct peer *peer, struct peer_addr by)
{
	struct shard *s = shard_of(p, &peer->key);
	struct heard *h = &peer->heard;
	enum peers_noted noted = PEERS_NOTED;
	struct peer_addr *slot;

	pthread_mutex_lock(&s->lock);
	if (h->count >= PEERS_HEARD_MAX) {
		/* most of them are connections that ended long ago */
		free(h->slots);
		*h = (struct heard){ 0 };
		noted = PEERS_EMPTIED;
	}
	if (h->count * 2 >= h->cap && heard_grow(h) == -1) {
		noted = PEERS_NO_MEMORY;
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
peers_count(struct peers *p, const struct derp_key *key)
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
