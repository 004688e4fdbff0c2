/*
 * region_digest: a short value that tells whether two regions are the same for
 * those who read them, however they are written.
 *
 * Threads: pure functions.
 */
#ifndef DERPKIT_REGION_DIGEST_H
#define DERPKIT_REGION_DIGEST_H

#include "derpmap.h"

struct region_digest {
	uint8_t bytes[16];
};

/* Of the region's fields and its nodes in their order; places do not count. */
struct region_digest region_digest_of(const struct derpmap_region *region);

bool region_digest_eq(
    const struct region_digest *a, const struct region_digest *b);

#endif
