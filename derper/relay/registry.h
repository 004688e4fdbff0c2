/*
 * peers: who is here: node key to connection, duplicates, who heard from whom.
 *
 * One table for all workers, in shards with a lock each, held for one look-up
 * and never together with another. What leaves the table is an address, never a
 * pointer. Each shard counts its changes: a connection that remembers an
 * address and the count needs no look-up while the count stays.
 *
 * Several connections of one key: the one that was last heard from (any frame)
 * is active and gets the packets; the others stay open. When the active one
 * leaves, the most recently heard of the rest takes over. DIFFERS: upstream
 * goes by a history of who was active, in which a connection that only joined
 * may be missing; ours keeps a key that has a connection reachable, always.
 *
 * Life: registry_new -> registry_join / registry_leave ... -> registry_free.
 * Threads: any. Source: tailscale derp/derpserver/derpserver.go (clientSet,
 * dupClientSet).
 */
#ifndef DERPKIT_REGISTRY_H
#define DERPKIT_REGISTRY_H

#include "conn_addr.h"
#include "derp_key.h"

#include <stdatomic.h>

struct registry;

/* One key that is here. Owned by the table; a connection may hold the pointer
 * from registry_join to registry_leave. */
struct peer;

/* Most connections of one key at a time. */
#define REGISTRY_DUPLICATES_MAX 64
/* Most connections that are told when a key leaves. */
#define REGISTRY_HEARD_MAX 16384

/* A table for at most max keys. Returns owned; NULL when memory is short. */
struct registry *registry_new(size_t max);
void registry_free(struct registry *p);

/* Registers a connection, which becomes the key's active one. NULL when memory
 * or a limit is reached. */
struct peer *registry_join(
    struct registry *p, const struct derp_key *key, struct conn_addr addr);

/*
 * Unregisters it; the peer pointer is void afterwards. When it was the key's
 * last connection, *heard is set to a list of the connections that got packets
 * from this key, *heard_count long, owned by the caller (free); else to NULL.
 */
void registry_leave(struct registry *p, struct peer *peer,
    struct conn_addr addr, struct conn_addr **heard, size_t *heard_count);

/* Something was read from the connection: makes it the active one. Costs an
 * atomic load as long as the key has one connection. */
void registry_heard_from(
    struct registry *p, struct peer *peer, struct conn_addr addr);

/* Change count of the shard that the key is in. */
uint64_t registry_version(const struct registry *p, const struct derp_key *key);

/* The active connection of a key; false when it is not here. *version is the
 * shard's count for which that holds. */
bool registry_find(struct registry *p, const struct derp_key *key,
    struct conn_addr *addr, uint64_t *version);

enum registry_noted {
	REGISTRY_NOTED,
	REGISTRY_EMPTIED,   /* noted, but the list was full and was emptied
			    first: whoever still gets packets should be noted
			    anew */
	REGISTRY_NO_MEMORY, /* not noted: try again with the next packet */
};

/* Remembers that `by` got a packet from this peer, so that it is told when the
 * peer leaves. */
enum registry_noted registry_note_heard(
    struct registry *p, struct peer *peer, struct conn_addr by);

/* How many connections of the key are here. */
size_t registry_count(struct registry *p, const struct derp_key *key);

#endif
