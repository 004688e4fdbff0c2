/*
 * node_names: names for nodes that no other node of the map has.
 *
 * For rules that propose a name: a proposal that is taken would be the next
 * fault. Life: node_names_init -> node_names_free_one... -> node_names_clear.
 * Threads: used by one.
 */
#ifndef DERPKIT_NODE_NAMES_H
#define DERPKIT_NODE_NAMES_H

#include "derpmap.h"

#define NODE_NAME_MAX 48 /* bytes of a proposed name, NUL included */

struct node_names {
	struct slice *taken; /* owned; sorted, the texts are borrowed */
	size_t n;
	int64_t region; /* of the last proposal */
	uint64_t next;  /* the number of the letters to try next */
};

/* Collects the names of the map. -1: memory is short. */
int node_names_init(struct node_names *names, const struct derpmap *m);
void node_names_clear(struct node_names *names);

/* The next name by the convention, the region's id and letters, that is not
 * taken and was not proposed before; regions come one after the other. */
void node_names_propose(
    struct node_names *names, int64_t region, char out[static NODE_NAME_MAX]);

#endif
