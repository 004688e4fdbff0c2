/*
 * route_cache: where a connection's recent destinations are.
 *
 * An entry is right as long as its key's version stays (registry.h), so a
 * packet to a destination that is in the cache costs no lock. The cache begins
 * empty, without memory of its own, and grows with the number of destinations;
 * beyond ROUTE_CACHE_MAX a new one takes the place of another. Destinations
 * that are not here are not kept. Plain memory of the caller, all zero at
 * first; route_cache_clear frees what it holds. Threads: loop-owned.
 */
#ifndef DERPKIT_ROUTE_CACHE_H
#define DERPKIT_ROUTE_CACHE_H

#include "registry.h"

#define ROUTE_CACHE_MAX 64

struct route_table;

struct route_cache {
	struct route_table *table; /* owned; NULL: no entries */
	uint8_t cap, count, last;  /* entries; the one that was found last */
	uint32_t random;           /* who is replaced */
};

enum route_kind {
	ROUTE_NONE, /* the key is not in the region */
	ROUTE_HERE, /* to a connection of the key */
	ROUTE_LINK, /* to that of a link to the relay that the key is at */
};

/* Where packets for dst go now. The member's key is the sender: a destination
 * that is here will be told when that leaves. */
enum route_kind route_cache_find(struct route_cache *c, struct registry *r,
    const struct registry_member *from, const struct derp_key *dst,
    struct conn_addr *addr);

void route_cache_clear(struct route_cache *c);

#endif
