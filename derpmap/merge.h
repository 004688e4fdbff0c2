/*
 * merge: the regions of several sources as one map without nulls, and where
 * each of them comes from.
 *
 * Life: merge_make -> read its members -> merge_clear. Threads: used by one.
 */
#ifndef DERPKIT_MERGE_H
#define DERPKIT_MERGE_H

#include "effective_merge.h"
#include "fail.h"
#include "id_ranges.h"

struct merge_source {
	const char *name;
	const struct derpmap *map; /* NULL: there is none, only regions */
	/* the regions; NULL: those of the map */
	const struct effective_region *regions;
	size_t count;
};

struct merge_config {
	const struct merge_source *sources; /* in the order of merging */
	size_t source_count;
	/* whose rule for null regions applies; NULL: they are rejected */
	const struct headscale_version *version;
	struct id_ranges *drop, *only; /* without any id: not given */
};

enum merge_fate {
	MERGE_KEPT,
	MERGE_DROPPED,      /* by drop or only */
	MERGE_REMOVED,      /* by a null */
	MERGE_NULL_IGNORED, /* a null without effect */
};

/* What became of an id. Losers are the sources that had it before. */
struct merge_region {
	int64_t id;
	enum merge_fate fate;
	size_t source; /* that decided; dropped: the last that had it */
	size_t first_loser, loser_count; /* of merge.losers */
	bool null_ignored;               /* a null after it has no effect */
};

struct merge {
	struct arena *arena; /* owned */
	struct derpmap map;  /* ascending by id; regions of the sources */
	struct merge_region *regions; /* ascending by id */
	size_t region_count;
	size_t *losers;
};

/*
 * Merges. Everything given is borrowed until merge_clear. -1 with *why: a null
 * region that no rule decides, an id of drop or only that no source has, or
 * memory is short; nothing is held.
 */
int merge_make(
    struct merge *m, const struct merge_config *config, struct fail *why);

void merge_clear(struct merge *m);

#endif
