/*
 * forward_cache: where a mesh peer's recent packets went.
 *
 * Its packets are from many keys to many keys; an entry is for one pair. It is
 * right as long as neither key has moved (registry.h), so a packet of a pair
 * that is in the cache costs no lock. A pair takes the place of another with
 * the same hash. Life: all begin as NULL -> forward_cache_find ... ->
 * forward_cache_free. Threads: loop-owned.
 */
#ifndef DERPKIT_FORWARD_CACHE_H
#define DERPKIT_FORWARD_CACHE_H

#include "registry.h"

#define FORWARD_CACHE_PAIRS 1024 /* a power of two; 150 KiB */

struct forward_cache;

/* The connection here that packets for dst go to; false when it is not here:
 * what has been forwarded once is not forwarded again. It will be told when src
 * leaves, if the registry knows src by now. Without memory for a cache the
 * registry is asked for each packet. */
bool forward_cache_find(struct forward_cache **c, struct registry *r,
    const struct derp_key *src, const struct derp_key *dst,
    struct conn_addr *addr);

/* NULL is fine. */
void forward_cache_free(struct forward_cache *c);

#endif
