/*
 * registry: who is here: node key to connection, and duplicates.
 *
 * One table for all workers, in shards with a lock each, held for one look-up
 * and never together with that of another shard; a lock of notify.h is taken
 * within it by registry_note_key alone. What leaves the table is an address,
 * never a pointer to a connection. Each key has a version, which changes
 * whenever its address does: whoever remembers an entry needs no look-up while
 * the version stays, and reading that takes no lock.
 *
 * Several connections of one key: the one that was last heard from (any frame)
 * is active and gets the packets; the others stay open. When the active one
 * leaves, the most recently heard of the rest takes over. Two that both send
 * take turns at most REGISTRY_SWITCH_MS apart, after a few switches at once, so
 * that the key's version does not change with every frame. At most
 * REGISTRY_DUPLICATES_MAX of them stay: the one heard from least recently goes.
 * DIFFERS: upstream goes by a history of who was active, in which a connection
 * that only joined may be missing; ours keeps a key that has a connection
 * reachable, always. Upstream has no such limit.
 *
 * A key may also be at other relays of the mesh, each a link, numbered from 1.
 * A connection here always wins; without one, packets go to the link that is
 * preferred (forwarders.h). What has been forwarded once is for a connection
 * here only. A key has left when it has neither connection nor link.
 *
 * Life: registry_new -> registry_join / registry_leave ... -> registry_free.
 * Threads: any. Source: tailscale derp/derpserver/derpserver.go (clientSet,
 * dupClientSet).
 */
#ifndef DERPKIT_REGISTRY_H
#define DERPKIT_REGISTRY_H

#include "conn_addr.h"
#include "derp_key.h"
#include "forwarders.h"
#include "members.h"
#include "notify.h"

#include <stdatomic.h>

struct registry;

/* One key that is here. Owned by the table. */
struct peer;

/* Connections of one key that stay. */
#define REGISTRY_DUPLICATES_MAX MEMBERS_STAY_MAX
/* Connections of one key in all, with those that are about to be ended. */
#define REGISTRY_MEMBERS_MAX MEMBERS_MAX
/* Active connections of one key change so often at once, and once in so many
 * milliseconds from then on. */
#define REGISTRY_SWITCH_BURST 8
#define REGISTRY_SWITCH_MS 100
/* Pairs of a key and a connection that got packets from it, in total: 64 MiB.
 */
#define REGISTRY_PAIRS_MAX ((size_t)4 << 20)
/* Keys that have left and whose receivers are still to be told: room for so
 * many, beside those that are here. */
#define REGISTRY_DEPARTED_MAX 65536

/* A connection's part in the table; embedded in it and loop-owned. */
struct registry_member {
	struct peer *peer; /* NULL: has not joined, or has left */
	uint32_t number;   /* in the notify sets */
	uint64_t heard_ms; /* when the table was last told of a frame */
};

/* A connection that joins. */
struct registry_origin {
	struct conn_addr addr;
	struct netaddr remote; /* the port is not kept */
	bool is_mesh;          /* of a mesh peer, not of a client */
};

/* Where the packets for a key go, as long as registry_is_current. */
struct registry_entry {
	struct conn_addr addr; /* of the link's connection, if there is one */
	uint32_t number;       /* in the notify sets; 0: of a link */
	uint8_t link;          /* 0: it is a connection of the key */
	const _Atomic uint64_t *version_at; /* borrowed until registry_free */
	uint64_t version; /* from 1; 0: of an entry that is never current */
};

/* A table for at most max connections, and for max_remote keys that are at
 * other relays. Returns owned; NULL when memory is short. */
struct registry *registry_new(size_t max, size_t max_remote);
void registry_free(struct registry *r);

/*
 * Registers the connection, which becomes the key's active one. -1 when
 * memory or a limit is reached; nothing has changed then. *evict is all zero,
 * or the address of the key's connection that must be ended in its place; it is
 * a member until it leaves.
 */
int registry_join(struct registry *r, const struct derp_key *key,
    const struct registry_origin *origin, struct registry_member *member,
    struct conn_addr *evict);

/* The key that it joined under. Borrowed until it leaves. */
const struct derp_key *registry_key(const struct registry_member *member);

/*
 * Unregisters it. True: it was the last connection of a key from which others
 * got packets. They are those that registry_departed returns, which is to be
 * called until it returns 0.
 */
bool registry_leave(struct registry *r, struct registry_member *member,
    struct notify_departure *departure);
/*
 * At most `max` connections that are to be told that the key has left, and how
 * many these are; registry_told for each that was. 0: all were told, or the key
 * is here again and will not be said to have left: the departure is over.
 */
size_t registry_departed(struct registry *r, const struct derp_key *key,
    struct notify_departure departure, struct notify_receiver *out, size_t max);
void registry_told(struct registry *r, struct notify_departure departure,
    const struct notify_receiver *receiver);

/* Something was read from the connection: makes it the active one. Costs an
 * atomic load as long as the key has one connection. */
void registry_heard_from(
    struct registry *r, struct registry_member *member, uint64_t now_ms);

/* The active connection of a key, or the link to where it is; false when it is
 * not in the region. */
bool registry_find(struct registry *r, const struct derp_key *key,
    struct registry_entry *entry);

/* The link's connection is at addr. Before keys are added for it; not while
 * there are any. */
void registry_open_link(
    struct registry *r, uint8_t link, struct conn_addr addr);
/* The link says that the key is where it leads. When memory or the limit is
 * reached nothing has changed. */
enum forwarders_added registry_add_link(
    struct registry *r, const struct derp_key *key, uint8_t link);
/* The link says that it is not, or is gone. *departure is as with
 * registry_leave; its key is 0 when there is nobody to tell. */
enum forwarders_removed registry_remove_link(struct registry *r,
    const struct derp_key *key, uint8_t link,
    struct notify_departure *departure);

/* Whether the key is still where the entry says. No lock. */
static inline bool
registry_is_current(const struct registry_entry *entry)
{
	return entry->version ==
	    atomic_load_explicit(entry->version_at, memory_order_acquire);
}

/* Remembers that the connection of the entry gets a packet from the member's
 * key, so that it is told when the key leaves. */
enum notify_result registry_note(struct registry *r,
    const struct registry_member *member, const struct registry_entry *entry);

/* The same for a key that is somewhere in the region. NOTIFY_GONE: it is not
 * known to be, so nobody will be told that it leaves. *from is where the key
 * is, for registry_is_current: as long as that holds, the note is good. */
enum notify_result registry_note_key(struct registry *r,
    const struct derp_key *key, const struct registry_entry *entry,
    struct registry_entry *from);

/* The addresses of the key's connections, at most REGISTRY_MEMBERS_MAX of them
 * and that is all there can be; returns how many. */
size_t registry_addresses(struct registry *r, const struct derp_key *key,
    struct conn_addr out[static REGISTRY_MEMBERS_MAX]);

/* How many connections of the key are here. */
size_t registry_count(struct registry *r, const struct derp_key *key);
/* Calls each for every key that a client has here, with the address that its
 * active connection comes from; those that join or leave meanwhile may be
 * missing or among them. It is called under a lock: it may neither block nor
 * use the registry. Both are borrowed for the call. */
typedef void registry_client_fn(
    void *ctx, const struct derp_key *key, const struct netaddr *remote);
void registry_each_client(
    struct registry *r, registry_client_fn *each, void *ctx);

/* Keys and connections now. */
struct registry_stats {
	uint64_t local;  /* keys that have a connection here */
	uint64_t remote; /* keys that are at other relays only */
	uint64_t duplicate_keys, duplicate_connections; /* more than one */
	uint64_t duplicates_total; /* that joined since the start */
};
struct registry_stats registry_stats(const struct registry *r);

/* See notify_senders. */
uint32_t registry_senders(
    struct registry *r, const struct registry_member *member);

/* What is kept about who must be told. */
struct notify_stats registry_notify_stats(const struct registry *r);

#endif
