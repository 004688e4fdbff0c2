/*
 * peers: who is here: node key to connection, duplicates, who heard from whom.
 *
 * One table for all cores, in shards with a lock each, held for one look-up and
 * never together with another. What leaves the table is an address, never a
 * pointer. Each shard counts its changes: a connection that remembers an
 * address and the count needs no look-up while the count stays.
 *
 * Several connections of one key: the one that was last heard from (any frame)
 * is active and gets the packets; the others stay open. When the active one
 * leaves, the most recently heard of the rest takes over. DIFFERS: upstream
 * goes by a history of who was active, in which a connection that only joined
 * may be missing; ours keeps a key that has a connection reachable, always.
 *
 * Life: peers_new -> peers_join / peers_leave ... -> peers_free. Threads: any.
 * Source: tailscale derp/derpserver/derpserver.go (clientSet, dupClientSet).
 */
#ifndef DERPKIT_PEERS_H
#define DERPKIT_PEERS_H

#include "derp_key.h"

#include <stdatomic.h>

struct peers;

/* Where a connection is: core, slot in it, and the slot's generation, so that
 * news for an earlier tenant of a slot is void. All zero: nowhere. */
struct peer_addr {
	uint16_t core;
	uint16_t pad;
	uint32_t slot;
	uint64_t generation; /* from 1 */
};

bool peer_addr_eq(struct peer_addr a, struct peer_addr b);

/* One key that is here. Owned by the table; a connection may hold the pointer
 * from peers_join to peers_leave. */
struct peer;

/* Most connections of one key at a time. */
#define PEERS_DUPLICATES_MAX 64
/* Most connections that are told when a key leaves. */
#define PEERS_HEARD_MAX 16384

/* A table for at most max keys. Returns owned; NULL when memory is short. */
struct peers *peers_new(size_t max);
void peers_free(struct peers *p);

/* Registers a connection, which becomes the key's active one. NULL when memory
 * or a limit is reached. */
struct peer *peers_join(
    struct peers *p, const struct derp_key *key, struct peer_addr addr);

/*
 * Unregisters it; the peer pointer is void afterwards. When it was the key's
 * last connection, *heard is set to a list of the connections that got packets
 * from this key, *heard_count long, owned by the caller (free); else to NULL.
 */
void peers_leave(struct peers *p, struct peer *peer, struct peer_addr addr,
    struct peer_addr **heard, size_t *heard_count);

/* Something was read from the connection: makes it the active one. Costs an
 * atomic load as long as the key has one connection. */
void peers_heard_from(
    struct peers *p, struct peer *peer, struct peer_addr addr);

/* Change count of the shard that the key is in. */
uint64_t peers_version(const struct peers *p, const struct derp_key *key);

/* The active connection of a key; false when it is not here. *version is the
 * shard's count for which that holds. */
bool peers_find(struct peers *p, const struct derp_key *key,
    struct peer_addr *addr, uint64_t *version);

enum peers_noted {
	PEERS_NOTED,
	PEERS_EMPTIED,   /* noted, but the list was full and was emptied
			    first: whoever still gets packets should be noted
			    anew */
	PEERS_NO_MEMORY, /* not noted: try again with the next packet */
};

/* Remembers that `by` got a packet from this peer, so that it is told when the
 * peer leaves. */
enum peers_noted peers_note_heard(
    struct peers *p, struct peer *peer, struct peer_addr by);

/* How many connections of the key are here. */
size_t peers_count(struct peers *p, const struct derp_key *key);

#endif
