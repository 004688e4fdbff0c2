/*
 * diff_nodes: which node of one list is which node of another.
 *
 * Nodes with the same name are the same node; of the others, those with the
 * same host name and port. Threads: pure functions.
 */
#ifndef DERPKIT_DIFF_NODES_H
#define DERPKIT_DIFF_NODES_H

#include "derpmap.h"

#define DIFF_NODES_NONE SIZE_MAX

struct diff_node {
	const struct derpmap_node *node;
	size_t index; /* in its list */
	size_t other; /* index in the other list, or DIFF_NODES_NONE */
};

/* Pairs the nodes of two regions, n log n. The arrays are as long as the lists
 * of nodes and come back in their order. -1: memory is short. */
int diff_nodes_pair(struct diff_node *old, const struct derpmap_region *from,
    struct diff_node *new, const struct derpmap_region *to, struct arena *a);

#endif
