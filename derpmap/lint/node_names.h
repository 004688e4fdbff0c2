/*
 * node_names: names for nodes that no other node of the map has.
 *
 * For rules that propose a name: a proposal that is taken would be the next
 * fault. The names of the map are collected with the first proposal, because
 * most maps need none.
 *
 * Life: node_names_init -> node_names_propose... -> node_names_clear.
 * Threads: used by one.
 */
#ifndef DERPKIT_NODE_NAMES_H
#define DERPKIT_NODE_NAMES_H

#include "derpmap.h"

#define NODE_NAME_MAX 48 /* bytes of a proposed name, NUL included */

struct node_names {
	const struct derpmap *map; /* borrowed */
	size_t count;              /* nodes of the map that are not null */
	struct slice *taken;       /* owned; sorted, the texts are borrowed */
	bool failed;               /* memory was short */
	int64_t region;            /* of the last proposal */
	uint64_t next;             /* the number of the letters to try next */
};

void node_names_init(struct node_names *names, const struct derpmap *m);
void node_names_clear(struct node_names *names);

/* The next name by the convention, the region's id and letters, that is not
 * taken and was not proposed before; regions come one after the other. Short
 * memory sets names->failed: the name may be taken then. */
void node_names_propose(
    struct node_names *names, int64_t region, char out[static NODE_NAME_MAX]);

#endif
