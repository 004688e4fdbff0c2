/*
 * effective_merge: regions of several sources put together as headscale does.
 *
 * The unit is the whole region: the same id in a later source replaces it, node
 * lists are never joined. What a null does is the version's.
 *
 * Life: effective_merge_init -> effective_merge_add for each source in the
 * order of merging -> effective_merge_finish -> effective_merge_clear.
 * Source: hscontrol/derp/derp.go, mergeDERPMaps. Threads: used by one.
 */
#ifndef DERPKIT_EFFECTIVE_MERGE_H
#define DERPKIT_EFFECTIVE_MERGE_H

#include "derpmap.h"
#include "entries.h"
#include "headscale_version.h"

enum effective_fate {
	EFFECTIVE_KEPT,
	EFFECTIVE_REPLACED, /* by the same id in a later source */
	EFFECTIVE_REMOVED,  /* by a null in a later source */
	EFFECTIVE_NULL,     /* is a null itself and not part of the result */
};

/* A region of a source, and what became of it. */
struct effective_region {
	const struct derpmap_region *region;
	size_t source; /* the caller's number of its source */
	enum effective_fate fate;
	size_t by; /* number of the source that replaced or removed it */
};

struct effective_merge {
	enum headscale_null null_region;
	struct effective_region *regions; /* of all sources, in that order; in
					     the arena */
	size_t count, max;
	struct entries in_force; /* owned; by id */
};

/* For at most max regions in all. -1: memory is short; clear it all the same.
 */
int effective_merge_init(struct effective_merge *m, struct arena *a,
    enum headscale_null null_region, size_t max);

/* Puts in the regions (borrowed) of one source. -1: memory is short. */
int effective_merge_add(struct effective_merge *m, size_t source,
    struct derpmap_region *const *regions, size_t count);

/*
 * Sets *map to what is kept: ascending by id, without HomeParams and
 * OmitDefaultRegions, which headscale drops. *kept has the regions in the same
 * order. Both borrow from the arena and the sources. -1: memory is short.
 */
int effective_merge_finish(struct effective_merge *m, struct arena *a,
    struct derpmap *map, struct effective_region ***kept);

/* Frees what it holds, not what is in the arena; fine twice. */
void effective_merge_clear(struct effective_merge *m);

#endif
