/*
 * fetch_maps: the maps of several URLs as one.
 *
 * As headscale merges derp.urls: the region of a later URL replaces that of an
 * earlier one as a whole. What is not a map is refused: an answer that is not
 * 200, HTML, a policy file, a map without a single node. A region that is null
 * drops that of an earlier URL, as in headscale 0.27 to 0.29 and as its manual
 * says; the result has no null, so that all versions hand out the same. Life:
 * fetch_maps -> read -> fetch_maps_clear. Blocking. Threads: used by one.
 */
#ifndef DERPKIT_FETCH_MAPS_H
#define DERPKIT_FETCH_MAPS_H

#include "fetch_state.h"
#include "load.h"

struct fetch_maps_config {
	const char *const *urls; /* borrowed */
	size_t count;
	const char *ca_file; /* or NULL */
	uint64_t timeout_ms; /* for each */
	size_t max;          /* bytes of each */
	/* what is remembered of each URL; NULL: nothing */
	const struct fetch_state *known;
};

/* A region that is left out because the last URL that has it has null there. */
struct fetch_maps_dropped {
	int64_t region;
	size_t url; /* its index */
};

struct fetch_maps {
	struct load *loads; /* owned */
	size_t count;
	struct derpmap_region **regions; /* owned; of `map` */
	struct derpmap map;              /* all of them; borrows from loads */
	struct fetch_maps_dropped *dropped; /* owned; ascending by region */
	size_t dropped_count;
	struct fetch_state state; /* owned; of the answers */
};

enum fetch_maps_result {
	FETCH_MAPS_DONE,
	FETCH_MAPS_UNCHANGED, /* all answered 304: nothing is held */
	FETCH_MAPS_REFUSED,   /* an answer that must not be used */
	FETCH_MAPS_FAILED,    /* no answer, or memory is short */
};

/* *why tells which URL and what. */
enum fetch_maps_result fetch_maps(struct fetch_maps *m,
    const struct fetch_maps_config *config, struct fail *why);

/* Frees; fine after any result. */
void fetch_maps_clear(struct fetch_maps *m);

/* How much there is in a map. */
struct fetch_maps_size {
	size_t regions, nodes; /* null ones are not counted */
};
struct fetch_maps_size fetch_maps_size(const struct derpmap *map);

#endif
