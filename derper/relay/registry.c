/* registry: see registry.h. */
#include "registry.h"

#include "keytable.h"
#include "shard.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS 64

static_assert(REGISTRY_SWITCH_BURST <= UINT8_MAX, "switches");

struct registry {
	struct shard shards[SHARDS];
	struct notify *notify;
	/* written before any key has the link, read while a key has it, with
	 * that key's shard locked; from 1 */
	struct conn_addr links[FORWARDERS_LINKS_MAX + 1];
	/* as in struct registry_stats; atomic */
	_Atomic uint64_t local, remote, duplicate_keys, duplicate_connections,
	    duplicates_total;
};

/* What a key adds to the counts above. */
struct tally {
	uint8_t connections;
	bool remote;
};

struct registry *
registry_new(size_t max, size_t max_remote)
{
	struct registry *r = aligned_alloc(64, sizeof *r);
	bool failed;

	if (r == NULL)
		return NULL;
	memset(r, 0, sizeof *r);
	/* a key and a connection each; those of one being replaced, too */
	r->notify = notify_new(
	    (uint32_t)(max * 2 + max_remote) + SHARDS + REGISTRY_DEPARTED_MAX,
	    REGISTRY_PAIRS_MAX);
	failed = r->notify == NULL;
	for (size_t i = 0; i < SHARDS; i++)
		if (shard_open(&r->shards[i], max + max_remote, max_remote) ==
		    -1)
			failed = true;
	if (!failed)
		return r;
	registry_free(r);
	return NULL;
}

void
registry_free(struct registry *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < SHARDS; i++)
		shard_close(&r->shards[i]);
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

static void
set_active(struct peer *peer, uint32_t number)
{
	atomic_store_explicit(&peer->active, number, memory_order_relaxed);
	shard_changed(peer);
}

static struct tally
tally_of(const struct peer *peer)
{
	return (struct tally){ .connections = peer->members.count,
		.remote = peer->members.count == 0 &&
		    peer->forwarder.preferred != 0 };
}

static void
count_change(_Atomic uint64_t *count, uint64_t before, uint64_t now)
{
	if (before != now)
		atomic_fetch_add_explicit(
		    count, now - before, memory_order_relaxed);
}

static uint64_t
duplicates_of(struct tally t)
{
	return t.connections > 1 ? t.connections : 0;
}

/* Counts what a key is now, instead of what it was. */
static void
recount(struct registry *r, struct tally before, struct tally now)
{
	count_change(&r->local, before.connections > 0, now.connections > 0);
	count_change(&r->remote, before.remote, now.remote);
	count_change(
	    &r->duplicate_keys, before.connections > 1, now.connections > 1);
	count_change(&r->duplicate_connections, duplicates_of(before),
	    duplicates_of(now));
	if (now.connections > before.connections && now.connections > 1)
		count_change(&r->duplicates_total, 0, 1);
}

/* With the shard locked: the key is here, anew or again. */
static void
arrive(struct registry *r, struct peer *peer)
{
	if (peer->sender != 0)
		/* before anything is noted for it again */
		notify_return_key(r->notify, peer->sender);
	else
		peer->switches = REGISTRY_SWITCH_BURST;
}

/* With the shard locked. NULL when memory or a limit is reached. */
static struct peer *
join(struct registry *r, struct shard *s, const struct derp_key *key,
    struct member entry)
{
	struct peer *peer = shard_add(s, key);
	struct tally before;
	bool away;

	if (peer == NULL)
		return NULL;
	before = tally_of(peer);
	away = !shard_is_here(peer);
	if (members_add(&peer->members, entry) == -1) {
		if (away && peer->sender == 0)
			shard_remove(s, peer);
		return NULL;
	}
	if (away)
		arrive(r, peer);
	recount(r, before, tally_of(peer));
	atomic_store_explicit(
	    &peer->duplicated, peer->members.count > 1, memory_order_relaxed);
	set_active(peer, entry.number);
	return peer;
}

static struct member
member_of(const struct registry_origin *origin, uint32_t number)
{
	struct member entry = { .addr = origin->addr,
		.number = number,
		.is_mesh = origin->is_mesh,
		.has_ip = origin->remote.is_set,
		.is_v4 = origin->remote.is_v4 };

	memcpy(entry.ip, origin->remote.ip, sizeof entry.ip);
	return entry;
}

int
registry_join(struct registry *r, const struct derp_key *key,
    const struct registry_origin *origin, struct registry_member *member,
    struct conn_addr *evict)
{
	struct shard *s = shard_of(r, key);
	const struct member entry =
	    member_of(origin, notify_add(r->notify, origin->addr));

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

/* With the shard locked. A key that has left goes, at once or when others were
 * told of it. */
static void
leave_if_away(struct registry *r, struct shard *s, struct peer *peer,
    struct notify_departure *departure)
{
	if (shard_is_here(peer))
		return;
	if (peer->sender != 0)
		*departure = notify_leave_key(r->notify, peer->sender);
	else
		shard_remove(s, peer);
}

bool
registry_leave(struct registry *r, struct registry_member *member,
    struct notify_departure *departure)
{
	struct peer *peer = member->peer;
	struct shard *s = shard_of(r, &peer->key);
	struct tally before;

	*departure = (struct notify_departure){ .key = 0 };
	pthread_mutex_lock(&s->lock);
	before = tally_of(peer);
	members_take(&peer->members, member->number);
	atomic_store_explicit(
	    &peer->duplicated, peer->members.count > 1, memory_order_relaxed);
	recount(r, before, tally_of(peer));
	if (peer->members.count == 0) {
		shard_changed(peer);
		leave_if_away(r, s, peer, departure);
	} else if (peer->active == member->number) {
		set_active(peer, members_next_active(&peer->members));
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
	peer = notify_is_away(r->notify, departure) ? shard_find(s, key) : NULL;
	if (peer != NULL)
		shard_remove(s, peer);
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
	/* another worker's clock may be a turn ahead */
	const uint64_t since_ms =
	    now_ms > peer->switch_ms ? now_ms - peer->switch_ms : 0;
	const uint64_t earned = since_ms / REGISTRY_SWITCH_MS;

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

/* With the shard locked: where packets for the key of a peer that is here go.
 */
static struct registry_entry
entry_of(const struct registry *r, const struct peer *peer)
{
	struct registry_entry entry = { .version_at = &peer->version->n,
		.version = atomic_load_explicit(
		    &peer->version->n, memory_order_relaxed) };
	const struct member *active;

	if (peer->members.count > 0) {
		active = members_get(&peer->members, peer->active);
		entry.addr = active->addr;
		entry.number = active->number;
	} else {
		entry.link = peer->forwarder.preferred;
		entry.addr = r->links[entry.link];
	}
	return entry;
}

bool
registry_find(struct registry *r, const struct derp_key *key,
    struct registry_entry *entry)
{
	struct shard *s = shard_of(r, key);
	struct peer *peer;

	pthread_mutex_lock(&s->lock);
	peer = shard_get(s, key);
	if (peer != NULL)
		*entry = entry_of(r, peer);
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

void
registry_open_link(struct registry *r, uint8_t link, struct conn_addr addr)
{
	r->links[link] = addr;
}

/* With the shard locked. */
static enum forwarders_added
add_link(struct registry *r, struct shard *s, struct peer *peer, uint8_t link)
{
	const struct tally before = tally_of(peer);
	const bool away = !shard_is_here(peer);
	enum forwarders_added added;

	added =
	    forwarders_add(s->forwarders, &peer->key, &peer->forwarder, link);
	if (added != FORWARDERS_FIRST)
		return added;
	if (away)
		arrive(r, peer);
	recount(r, before, tally_of(peer));
	shard_changed(peer);
	return added;
}

enum forwarders_added
registry_add_link(struct registry *r, const struct derp_key *key, uint8_t link)
{
	struct shard *s = shard_of(r, key);
	enum forwarders_added added = FORWARDERS_NO_MEMORY;
	struct peer *peer;

	pthread_mutex_lock(&s->lock);
	peer = shard_add(s, key);
	if (peer != NULL)
		added = add_link(r, s, peer, link);
	pthread_mutex_unlock(&s->lock);
	return added;
}

enum forwarders_removed
registry_remove_link(struct registry *r, const struct derp_key *key,
    uint8_t link, struct notify_departure *departure)
{
	struct shard *s = shard_of(r, key);
	enum forwarders_removed removed = FORWARDERS_UNKNOWN;
	struct tally before;
	struct peer *peer;

	*departure = (struct notify_departure){ .key = 0 };
	pthread_mutex_lock(&s->lock);
	peer = shard_get(s, key);
	if (peer == NULL)
		goto unlock_shard;
	before = tally_of(peer);
	removed = forwarders_remove(
	    s->forwarders, &peer->key, &peer->forwarder, link);
	if (removed == FORWARDERS_OTHER || removed == FORWARDERS_UNKNOWN)
		goto unlock_shard;
	recount(r, before, tally_of(peer));
	shard_changed(peer);
	leave_if_away(r, s, peer, departure);
unlock_shard:
	pthread_mutex_unlock(&s->lock);
	return removed;
}

/* The lock of the shard is held over those of the notify sets, never the other
 * way: nothing else keeps a key that has no connection here from leaving
 * between the look-up and the note. Once for each pair of the two, not for each
 * packet. */
enum notify_result
registry_note_key(struct registry *r, const struct derp_key *key,
    const struct registry_entry *entry, struct registry_entry *from)
{
	struct shard *s = shard_of(r, key);
	enum notify_result result = NOTIFY_GONE;
	struct peer *peer;
	uint32_t sender;

	pthread_mutex_lock(&s->lock);
	peer = shard_get(s, key);
	if (peer != NULL) {
		*from = entry_of(r, peer);
		sender = sender_of(r, peer);
		result = sender == 0 ? NOTIFY_NO_MEMORY
				     : notify_note(r->notify, sender,
					   entry->number, entry->addr);
	}
	pthread_mutex_unlock(&s->lock);
	return result;
}

size_t
registry_addresses(struct registry *r, const struct derp_key *key,
    struct conn_addr out[static REGISTRY_MEMBERS_MAX])
{
	struct shard *s = shard_of(r, key);
	struct peer *peer;
	size_t count = 0;

	pthread_mutex_lock(&s->lock);
	peer = shard_find(s, key);
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
	peer = shard_find(s, key);
	count = peer != NULL ? peer->members.count : 0;
	pthread_mutex_unlock(&s->lock);
	return count;
}

struct registry_stats
registry_stats(const struct registry *r)
{
	return (struct registry_stats){
		.local = atomic_load(&r->local),
		.remote = atomic_load(&r->remote),
		.duplicate_keys = atomic_load(&r->duplicate_keys),
		.duplicate_connections = atomic_load(&r->duplicate_connections),
		.duplicates_total = atomic_load(&r->duplicates_total),
	};
}

static void
call_with_client(registry_client_fn *each, void *ctx, const struct peer *peer)
{
	const struct member *m = members_get(&peer->members, peer->active);
	struct netaddr remote = { .is_set = m->has_ip, .is_v4 = m->is_v4 };

	memcpy(remote.ip, m->ip, sizeof remote.ip);
	if (!m->is_mesh)
		each(ctx, &peer->key, &remote);
}

void
registry_each_client(struct registry *r, registry_client_fn *each, void *ctx)
{
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *s = &r->shards[i];
		const struct peer *peer;
		size_t at = 0;

		pthread_mutex_lock(&s->lock);
		while ((peer = keytable_next(s->table, &at)) != NULL)
			if (peer->members.count > 0)
				call_with_client(each, ctx, peer);
		pthread_mutex_unlock(&s->lock);
	}
}

uint32_t
registry_senders(struct registry *r, const struct registry_member *member)
{
	return notify_senders(r->notify, member->number);
}

struct notify_stats
registry_notify_stats(const struct registry *r)
{
	return notify_stats(r->notify);
}
