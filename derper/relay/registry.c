/* registry: see registry.h. */
#include "registry.h"

#include "keytable.h"
#include "members.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS 64
#define CELLS 16 /* versions that are allocated together */

/* A key's version. Never freed while the registry lives, as others read it at
 * any time; the next key that gets it goes on counting. */
struct cell {
	_Atomic uint64_t version; /* atomic */
	struct cell *next_free;   /* locked by the shard's lock */
};

struct cells {
	struct cells *next;
	struct cell cells[CELLS];
};

/* Without connections while its receivers are told that it has left. */
struct peer {
	struct derp_key key; /* immutable */
	struct cell *cell;   /* immutable */
	/* atomic, so that most frames need no lock: */
	atomic_bool duplicated; /* more than one connection */
	/* locked by the shard's lock, here where it takes no room: */
	uint8_t switches; /* that may happen at once */
	/* atomic again: */
	_Atomic uint32_t active;  /* number of the active one */
	_Atomic uint32_t sender;  /* in the notify sets; 0: none yet */
	_Atomic uint64_t wait_ms; /* no switch before then */
	/* locked by the shard's lock: */
	uint64_t switch_ms; /* when one was last earned */
	struct members members;
};

static_assert(REGISTRY_SWITCH_BURST <= UINT8_MAX, "switches");

struct shard {
	_Alignas(64) pthread_mutex_t lock;
	struct keytable *table;  /* locked by lock; of struct peer */
	struct cells *cells;     /* locked by lock; owned */
	struct cell *free_cells; /* locked by lock */
};

struct registry {
	struct shard shards[SHARDS];
	struct notify *notify;
};

struct registry *
registry_new(size_t max)
{
	struct registry *r = aligned_alloc(64, sizeof *r);

	if (r == NULL)
		return NULL;
	memset(r, 0, sizeof *r);
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_init(&r->shards[i].lock, NULL);
	/* a key and a connection each; those of one being replaced, too */
	r->notify =
	    notify_new((uint32_t)max * 2 + SHARDS + REGISTRY_DEPARTED_MAX,
		REGISTRY_PAIRS_MAX);
	if (r->notify == NULL)
		goto free_registry;
	for (size_t i = 0; i < SHARDS; i++) {
		r->shards[i].table =
		    keytable_new(max, offsetof(struct peer, key));
		if (r->shards[i].table == NULL)
			goto free_registry;
	}
	return r;

free_registry:
	registry_free(r);
	return NULL;
}

static void
peer_free(struct peer *peer)
{
	members_clear(&peer->members);
	free(peer);
}

static void
shard_clear(struct shard *s)
{
	struct cells *cells;
	struct peer *peer;
	size_t at = 0;

	while (
	    s->table != NULL && (peer = keytable_next(s->table, &at)) != NULL)
		peer_free(peer);
	keytable_free(s->table);
	while ((cells = s->cells) != NULL) {
		s->cells = cells->next;
		free(cells);
	}
	pthread_mutex_destroy(&s->lock);
}

void
registry_free(struct registry *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < SHARDS; i++)
		shard_clear(&r->shards[i]);
	notify_free(r->notify);
	free(r);
}

/* Keys are curve points, evenly spread; whoever picks keys to fill one shard
 * gains nothing but a busier lock. */
static struct shard *
shard_of(struct registry *r, const struct derp_key *key)
{
	return &r->shards[key->b[7] % SHARDS];
}

static struct cell *
cell_new(struct shard *s)
{
	struct cell *cell;

	if (s->free_cells == NULL) {
		struct cells *cells = calloc(1, sizeof *cells);

		if (cells == NULL)
			return NULL;
		cells->next = s->cells;
		s->cells = cells;
		for (size_t i = 0; i < CELLS; i++) {
			atomic_init(&cells->cells[i].version, 1);
			cells->cells[i].next_free = s->free_cells;
			s->free_cells = &cells->cells[i];
		}
	}
	cell = s->free_cells;
	s->free_cells = cell->next_free;
	return cell;
}

static void
cell_free(struct shard *s, struct cell *cell)
{
	cell->next_free = s->free_cells;
	s->free_cells = cell;
}

static void
changed(struct peer *peer)
{
	atomic_fetch_add_explicit(
	    &peer->cell->version, 1, memory_order_release);
}

static void
set_active(struct peer *peer, uint32_t number)
{
	atomic_store_explicit(&peer->active, number, memory_order_relaxed);
	changed(peer);
}

static struct peer *
peer_new(struct shard *s, const struct derp_key *key)
{
	struct peer *peer = calloc(1, sizeof *peer);

	if (peer == NULL)
		return NULL;
	peer->key = *key;
	peer->switches = REGISTRY_SWITCH_BURST;
	peer->cell = cell_new(s);
	if (peer->cell == NULL)
		goto free_peer;
	if (keytable_put(s->table, peer) == 0)
		return peer;
	cell_free(s, peer->cell);

free_peer:
	free(peer);
	return NULL;
}

/* The key's peer, if it has a connection. */
static struct peer *
peer_get(const struct shard *s, const struct derp_key *key)
{
	struct peer *peer = keytable_get(s->table, key->b);

	return peer != NULL && peer->members.count > 0 ? peer : NULL;
}

/* Takes a peer without connections out of the table and frees it. */
static void
peer_remove(struct shard *s, struct peer *peer)
{
	keytable_remove(s->table, peer->key.b);
	cell_free(s, peer->cell);
	peer_free(peer);
}

/* With the shard locked. NULL when memory or a limit is reached. */
static struct peer *
join(struct registry *r, struct shard *s, const struct derp_key *key,
    struct member entry)
{
	struct peer *peer = keytable_get(s->table, key->b);

	if (peer == NULL)
		peer = peer_new(s, key);
	if (peer == NULL)
		return NULL;
	if (members_add(&peer->members, entry) == -1) {
		if (peer->members.count == 0 && peer->sender == 0)
			peer_remove(s, peer);
		return NULL;
	}
	/* before anything is noted for it again */
	if (peer->members.count == 1 && peer->sender != 0)
		notify_return_key(r->notify, peer->sender);
	atomic_store_explicit(
	    &peer->duplicated, peer->members.count > 1, memory_order_relaxed);
	set_active(peer, entry.number);
	return peer;
}

int
registry_join(struct registry *r, const struct derp_key *key,
    struct conn_addr addr, struct registry_member *member,
    struct conn_addr *evict)
{
	struct shard *s = shard_of(r, key);
	struct member entry = { .addr = addr,
		.number = notify_add(r->notify, addr) };

	*member = (struct registry_member){ .number = entry.number };
	*evict = (struct conn_addr){ 0 };
	if (entry.number == 0)
		return -1;
	pthread_mutex_lock(&s->lock);
	member->peer = join(r, s, key, entry);
	if (member->peer != NULL)
		*evict = members_choose_evicted(&member->peer->members);
	pthread_mutex_unlock(&s->lock);
	if (member->peer != NULL)
		return 0;
	notify_leave_conn(r->notify, entry.number);
	return -1;
}

const struct derp_key *
registry_key(const struct registry_member *member)
{
	return &member->peer->key;
}

bool
registry_leave(struct registry *r, struct registry_member *member,
    struct notify_departure *departure)
{
	struct peer *peer = member->peer;
	struct shard *s = shard_of(r, &peer->key);

	*departure = (struct notify_departure){ .key = 0 };
	pthread_mutex_lock(&s->lock);
	members_take(&peer->members, member->number);
	atomic_store_explicit(
	    &peer->duplicated, peer->members.count > 1, memory_order_relaxed);
	if (peer->members.count > 0) {
		if (peer->active == member->number)
			set_active(peer, members_next_active(&peer->members));
	} else {
		changed(peer);
		if (peer->sender != 0)
			*departure = notify_leave_key(r->notify, peer->sender);
		else
			peer_remove(s, peer);
	}
	pthread_mutex_unlock(&s->lock);
	notify_leave_conn(r->notify, member->number);
	*member = (struct registry_member){ 0 };
	return departure->key != 0;
}

/* Forgets a key all of whose receivers were told, unless it is here again. */
static void
forget(struct registry *r, const struct derp_key *key,
    struct notify_departure departure)
{
	struct shard *s = shard_of(r, key);
	struct peer *peer;

	pthread_mutex_lock(&s->lock);
	peer = notify_is_away(r->notify, departure)
	    ? keytable_get(s->table, key->b)
	    : NULL;
	if (peer != NULL)
		peer_remove(s, peer);
	pthread_mutex_unlock(&s->lock);
	if (peer != NULL)
		notify_remove_key(r->notify, departure.key);
}

size_t
registry_departed(struct registry *r, const struct derp_key *key,
    struct notify_departure departure, struct notify_receiver *out, size_t max)
{
	const size_t count = notify_receivers(r->notify, departure, out, max);

	if (count == 0)
		forget(r, key, departure);
	return count;
}

void
registry_told(struct registry *r, struct notify_departure departure,
    const struct notify_receiver *receiver)
{
	notify_told(r->notify, departure, receiver);
}

/* Whether the active connection may change now. */
static bool
take_switch(struct peer *peer, uint64_t now_ms)
{
	const uint64_t earned = (now_ms - peer->switch_ms) / REGISTRY_SWITCH_MS;

	if (peer->switches + earned >= REGISTRY_SWITCH_BURST) {
		peer->switches = REGISTRY_SWITCH_BURST;
		peer->switch_ms = now_ms;
	} else {
		peer->switches = (uint8_t)(peer->switches + earned);
		peer->switch_ms += earned * REGISTRY_SWITCH_MS;
	}
	if (peer->switches == 0) {
		atomic_store_explicit(&peer->wait_ms,
		    peer->switch_ms + REGISTRY_SWITCH_MS, memory_order_relaxed);
		return false;
	}
	peer->switches--;
	return true;
}

/* With the shard locked: the most recently heard one is the last. */
static void
hear(struct peer *peer, uint32_t number, uint64_t now_ms)
{
	const struct member entry = members_take(&peer->members, number);

	members_put_back(&peer->members, entry);
	if (!entry.evicted && peer->active != number &&
	    take_switch(peer, now_ms))
		set_active(peer, number);
}

void
registry_heard_from(
    struct registry *r, struct registry_member *member, uint64_t now_ms)
{
	struct peer *peer = member->peer;
	struct shard *s;

	if (!atomic_load_explicit(&peer->duplicated, memory_order_relaxed))
		return;
	/* heard a moment ago, and nothing to change or not yet */
	if (now_ms - member->heard_ms < REGISTRY_SWITCH_MS &&
	    (atomic_load_explicit(&peer->active, memory_order_relaxed) ==
		    member->number ||
		now_ms <
		    atomic_load_explicit(&peer->wait_ms, memory_order_relaxed)))
		return;
	member->heard_ms = now_ms;
	s = shard_of(r, &peer->key);
	pthread_mutex_lock(&s->lock);
	hear(peer, member->number, now_ms);
	pthread_mutex_unlock(&s->lock);
}

bool
registry_find(struct registry *r, const struct derp_key *key,
    struct registry_entry *entry)
{
	struct shard *s = shard_of(r, key);
	struct peer *peer;

	pthread_mutex_lock(&s->lock);
	peer = peer_get(s, key);
	if (peer != NULL) {
		const struct member *e =
		    members_get(&peer->members, peer->active);

		*entry = (struct registry_entry){ .addr = e->addr,
			.number = e->number,
			.version_at = &peer->cell->version,
			.version = atomic_load_explicit(
			    &peer->cell->version, memory_order_relaxed) };
	}
	pthread_mutex_unlock(&s->lock);
	return peer != NULL;
}

/* The key's number in the notify sets; 0 when memory is short. */
static uint32_t
sender_of(struct registry *r, struct peer *peer)
{
	uint32_t sender = atomic_load(&peer->sender), none = 0;

	if (sender != 0)
		return sender;
	sender = notify_add(r->notify, (struct conn_addr){ 0 });
	if (sender == 0 ||
	    atomic_compare_exchange_strong(&peer->sender, &none, sender))
		return sender;
	/* another connection of the key was faster */
	notify_remove_key(r->notify, sender);
	return none;
}

enum notify_result
registry_note(struct registry *r, const struct registry_member *member,
    const struct registry_entry *entry)
{
	const uint32_t sender = sender_of(r, member->peer);

	if (sender == 0)
		return NOTIFY_NO_MEMORY;
	return notify_note(r->notify, sender, entry->number, entry->addr);
}

size_t
registry_addresses(struct registry *r, const struct derp_key *key,
    struct conn_addr out[static REGISTRY_MEMBERS_MAX])
{
	struct shard *s = shard_of(r, key);
	struct peer *peer;
	size_t count = 0;

	pthread_mutex_lock(&s->lock);
	peer = keytable_get(s->table, key->b);
	for (; peer != NULL && count < peer->members.count; count++)
		out[count] = members_at(&peer->members, count)->addr;
	pthread_mutex_unlock(&s->lock);
	return count;
}

size_t
registry_count(struct registry *r, const struct derp_key *key)
{
	struct shard *s = shard_of(r, key);
	struct peer *peer;
	size_t count;

	pthread_mutex_lock(&s->lock);
	peer = keytable_get(s->table, key->b);
	count = peer != NULL ? peer->members.count : 0;
	pthread_mutex_unlock(&s->lock);
	return count;
}

struct notify_stats
registry_notify_stats(const struct registry *r)
{
	return notify_stats(r->notify);
}
