/*
 * effective: the map that headscale hands out with a configuration, where each
 * region of it comes from, what was dropped, or why headscale does not start.
 *
 * Life: effective_make -> read its members -> effective_clear. Blocking
 * (files). Threads: one at a time, no shared state.
 */
#ifndef DERPKIT_EFFECTIVE_H
#define DERPKIT_EFFECTIVE_H

#include "effective_merge.h"
#include "headscale_source.h"

enum effective_start {
	EFFECTIVE_STARTS,
	EFFECTIVE_DIES,   /* error tells */
	EFFECTIVE_DEPENDS /* on URLs that are not known */
};

struct effective {
	const struct headscale_config *config; /* borrowed */
	struct arena *arena;                   /* owned */
	struct headscale_sources sources; /* the embedded one is the last */
	struct effective_region *regions; /* of all sources, in that order;
					     source: index into sources */
	size_t region_count;
	struct effective_region **kept; /* ascending by id */
	size_t kept_count;
	struct derpmap map; /* what is kept */
	enum effective_start start;
	struct headscale_error error;
	struct buf json;        /* owned: the map as clients get it */
	const char *unsendable; /* why it cannot be sent to clients, or NULL */
};

/* Makes it. urls NULL: all are unknown. -1: memory is short, *why says so;
 * nothing is held. */
int effective_make(struct effective *e, const struct headscale_config *c,
    const struct headscale_source_urls *urls, struct fail *why);

/* Frees it; fine after a failure and twice. */
void effective_clear(struct effective *e);

#endif
