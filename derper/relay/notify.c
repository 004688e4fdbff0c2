/* notify: see notify.h. */
#include "notify.h"

#include "id_set.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define LOCKS 64
#define CHUNK 1024 /* parties that are allocated together */

/* A party. Numbers of those that left are used again, but only when no set
 * holds them any more. Locked by the lock of its number, but for next_free. */
struct party {
	struct conn_addr addr; /* all zero: a key, or free */
	struct id_set others;  /* its receivers, or the keys it heard */
	uint32_t next_free;    /* locked by pool_lock; 0: none */
	/* of a key: how often it has come back or was removed; never begins
	 * anew. Atomic; read under the lock of the number where it guards a
	 * set, so that what was noted after a return is left alone. */
	_Atomic uint32_t stays;
};

struct party_lock {
	_Alignas(64) pthread_mutex_t mutex;
};

struct notify {
	struct party_lock locks[LOCKS];
	pthread_mutex_t pool_lock;
	uint32_t used, free;  /* locked by pool_lock; free: first of the list */
	uint32_t max_parties; /* immutable */
	size_t max_pairs;     /* immutable */
	atomic_size_t pairs;  /* counted before they are added */
	atomic_size_t bytes;
	_Atomic uint64_t refused;
	/* CHUNK parties each, never moved; atomic, as they are added while
	 * others use them */
	struct party *_Atomic chunks[];
};

struct notify *
notify_new(uint32_t max_parties, size_t max_pairs)
{
	const size_t chunks = max_parties / CHUNK + 1;
	size_t size = sizeof(struct notify) + chunks * sizeof(struct party *);
	struct notify *n;

	size = (size + 63) / 64 * 64;
	n = aligned_alloc(64, size);
	if (n == NULL)
		return NULL;
	*n = (struct notify){ .max_parties = max_parties,
		.max_pairs = max_pairs };
	for (size_t i = 0; i < chunks; i++)
		atomic_init(&n->chunks[i], NULL);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&n->locks[i].mutex, NULL);
	pthread_mutex_init(&n->pool_lock, NULL);
	return n;
}

static struct party *
party_at(struct notify *n, uint32_t id)
{
	return &atomic_load_explicit(
	    &n->chunks[id / CHUNK], memory_order_acquire)[id % CHUNK];
}

void
notify_free(struct notify *n)
{
	if (n == NULL)
		return;
	for (uint32_t id = 1; id <= n->used; id++)
		id_set_clear(&party_at(n, id)->others);
	for (uint32_t i = 0; i <= n->max_parties / CHUNK; i++)
		free(n->chunks[i]);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&n->locks[i].mutex);
	pthread_mutex_destroy(&n->pool_lock);
	free(n);
}

/* The party, locked. */
static struct party *
lock(struct notify *n, uint32_t id)
{
	pthread_mutex_lock(&n->locks[id % LOCKS].mutex);
	return party_at(n, id);
}

static void
unlock(struct notify *n, uint32_t id)
{
	pthread_mutex_unlock(&n->locks[id % LOCKS].mutex);
}

/* A number that nobody has; 0: none. */
static uint32_t
take_id(struct notify *n)
{
	struct party *chunk;
	uint32_t id = n->free;

	if (id != 0) {
		n->free = party_at(n, id)->next_free;
		return id;
	}
	if (n->used == n->max_parties)
		return 0;
	id = n->used + 1;
	if (atomic_load(&n->chunks[id / CHUNK]) == NULL) {
		chunk = calloc(CHUNK, sizeof *chunk);
		if (chunk == NULL)
			return 0;
		atomic_store_explicit(
		    &n->chunks[id / CHUNK], chunk, memory_order_release);
	}
	n->used = id;
	return id;
}

uint32_t
notify_add(struct notify *n, struct conn_addr addr)
{
	struct party *p;
	uint32_t id;

	pthread_mutex_lock(&n->pool_lock);
	id = take_id(n);
	pthread_mutex_unlock(&n->pool_lock);
	if (id == 0)
		return 0;
	p = lock(n, id);
	p->addr = addr;
	unlock(n, id);
	return id;
}

static void
give_back_id(struct notify *n, uint32_t id)
{
	pthread_mutex_lock(&n->pool_lock);
	party_at(n, id)->next_free = n->free;
	n->free = id;
	pthread_mutex_unlock(&n->pool_lock);
}

/* Adds a number to a party's set, which is locked. -1 when memory is short. */
static int
add_other(struct notify *n, struct party *p, uint32_t other)
{
	const size_t before = id_set_bytes(&p->others);

	if (id_set_has(&p->others, other))
		return 0;
	if (id_set_add(&p->others, other) == -1)
		return -1;
	atomic_fetch_add_explicit(
	    &n->bytes, id_set_bytes(&p->others) - before, memory_order_relaxed);
	return 0;
}

/* Removes a number from a party's set, which is locked. Whether it was there.
 */
static bool
remove_from_set(struct notify *n, struct party *p, uint32_t other)
{
	const size_t before = id_set_bytes(&p->others);
	const bool removed = id_set_remove(&p->others, other);

	atomic_fetch_add_explicit(
	    &n->bytes, id_set_bytes(&p->others) - before, memory_order_relaxed);
	return removed;
}

/* Removes a receiver from a key's set and no longer counts the pair. The number
 * may meanwhile be that of a connection, whose set is not meant. */
static void
remove_pair(struct notify *n, uint32_t key, uint32_t receiver)
{
	struct party *p = lock(n, key);
	const bool removed =
	    p->addr.generation == 0 && remove_from_set(n, p, receiver);

	unlock(n, key);
	if (removed)
		atomic_fetch_sub(&n->pairs, 1);
}

/* Counts one more pair, if there may be one. */
static bool
count_pair(struct notify *n)
{
	if (atomic_fetch_add(&n->pairs, 1) < n->max_pairs)
		return true;
	atomic_fetch_sub(&n->pairs, 1);
	return false;
}

/* Adds the receiver to the key's set and counts the pair. */
static enum notify_result
note_receiver(struct notify *n, uint32_t key, uint32_t receiver, bool *before)
{
	struct party *p = lock(n, key);
	enum notify_result result = NOTIFY_NOTED;

	*before = id_set_has(&p->others, receiver);
	if (*before)
		goto unlock_key;
	if (p->others.count >= NOTIFY_KEY_MAX || !count_pair(n)) {
		result = NOTIFY_FULL;
	} else if (add_other(n, p, receiver) == -1) {
		atomic_fetch_sub(&n->pairs, 1);
		result = NOTIFY_NO_MEMORY;
	}
unlock_key:
	unlock(n, key);
	return result;
}

/* Adds the key to the receiver's set, if that is still the one at addr. */
static enum notify_result
note_key(
    struct notify *n, uint32_t key, uint32_t receiver, struct conn_addr addr)
{
	struct party *p = lock(n, receiver);
	enum notify_result result = NOTIFY_NOTED;

	if (!conn_addr_eq(p->addr, addr))
		result = NOTIFY_GONE;
	else if (add_other(n, p, key) == -1)
		result = NOTIFY_NO_MEMORY;
	unlock(n, receiver);
	return result;
}

enum notify_result
notify_note(
    struct notify *n, uint32_t key, uint32_t receiver, struct conn_addr addr)
{
	enum notify_result result;
	bool before;

	result = note_receiver(n, key, receiver, &before);
	if (result == NOTIFY_FULL)
		atomic_fetch_add_explicit(&n->refused, 1, memory_order_relaxed);
	if (result != NOTIFY_NOTED || before)
		return result;
	result = note_key(n, key, receiver, addr);
	if (result != NOTIFY_NOTED)
		remove_pair(n, key, receiver);
	return result;
}

/* Takes a party's set away; nothing is added to it from here on. */
static struct id_set
take_others(struct notify *n, uint32_t id)
{
	struct party *p = lock(n, id);
	const struct id_set others = p->others;

	p->addr = (struct conn_addr){ 0 };
	p->others = (struct id_set){ .count = 0 };
	atomic_fetch_sub_explicit(
	    &n->bytes, id_set_bytes(&others), memory_order_relaxed);
	unlock(n, id);
	return others;
}

struct notify_departure
notify_leave_key(struct notify *n, uint32_t key)
{
	return (struct notify_departure){ .key = key,
		.stay = atomic_load(&party_at(n, key)->stays) };
}

bool
notify_is_away(struct notify *n, struct notify_departure departure)
{
	return departure.stay ==
	    atomic_load(&party_at(n, departure.key)->stays);
}

void
notify_return_key(struct notify *n, uint32_t key)
{
	atomic_fetch_add(&party_at(n, key)->stays, 1);
}

/* The numbers of at most `max` receivers of the key. */
static size_t
first_receivers(struct notify *n, struct notify_departure departure,
    struct notify_receiver *out, size_t max)
{
	struct party *p = lock(n, departure.key);
	size_t count = 0, at = 0;
	uint32_t id;

	while (count < max && notify_is_away(n, departure) &&
	    (id = id_set_next(&p->others, &at)) != 0)
		out[count++].number = id;
	unlock(n, departure.key);
	return count;
}

/* Where the receiver is; false when it has left meanwhile, and the number may
 * be that of another one. */
static bool
find_receiver(struct notify *n, uint32_t key, struct notify_receiver *receiver)
{
	struct party *p = lock(n, receiver->number);
	const bool found =
	    p->addr.generation != 0 && id_set_has(&p->others, key);

	receiver->addr = p->addr;
	unlock(n, receiver->number);
	return found;
}

/* Removes the receiver from the set of a key that is away. */
static bool
drop_receiver(
    struct notify *n, struct notify_departure departure, uint32_t receiver)
{
	struct party *p = lock(n, departure.key);
	const bool dropped =
	    notify_is_away(n, departure) && remove_from_set(n, p, receiver);

	unlock(n, departure.key);
	if (dropped)
		atomic_fetch_sub(&n->pairs, 1);
	return dropped;
}

size_t
notify_receivers(struct notify *n, struct notify_departure departure,
    struct notify_receiver *out, size_t max)
{
	size_t seen, count = 0;

	do {
		seen = first_receivers(n, departure, out, max);
		for (size_t i = 0; i < seen; i++) {
			if (find_receiver(n, departure.key, &out[i]))
				out[count++] = out[i];
			else
				drop_receiver(n, departure, out[i].number);
		}
	} while (count == 0 && seen > 0);
	return count;
}

void
notify_told(struct notify *n, struct notify_departure departure,
    const struct notify_receiver *receiver)
{
	struct party *p;

	if (!drop_receiver(n, departure, receiver->number))
		return;
	p = lock(n, receiver->number);
	/* the key may be back and have noted it anew */
	if (conn_addr_eq(p->addr, receiver->addr) &&
	    notify_is_away(n, departure))
		remove_from_set(n, p, departure.key);
	unlock(n, receiver->number);
}

void
notify_remove_key(struct notify *n, uint32_t key)
{
	struct id_set receivers = take_others(n, key);

	assert(receivers.count == 0);
	id_set_clear(&receivers);
	notify_return_key(n, key); /* an old departure does not mean the next */
	give_back_id(n, key);
}

void
notify_leave_conn(struct notify *n, uint32_t receiver)
{
	struct id_set keys = take_others(n, receiver);
	size_t at = 0;
	uint32_t id;

	while ((id = id_set_next(&keys, &at)) != 0)
		remove_pair(n, id, receiver);
	id_set_clear(&keys);
	give_back_id(n, receiver);
}

uint32_t
notify_senders(struct notify *n, uint32_t receiver)
{
	const uint32_t count = lock(n, receiver)->others.count;

	unlock(n, receiver);
	return count;
}

struct notify_stats
notify_stats(const struct notify *n)
{
	return (struct notify_stats){
		.pairs = atomic_load(&n->pairs),
		.bytes = atomic_load(&n->bytes),
		.refused = atomic_load(&n->refused),
	};
}
