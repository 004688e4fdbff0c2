/*
 * diff: what is different between two maps for the clients that get them one
 * after the other, and what they do about it.
 *
 * Clients compare a region as a whole: any difference in it, a name or the
 * order of its nodes included, closes their connections to it, and those who
 * have their home there choose it again. Nothing is compared but what reaches
 * clients: how a value is written, comments and defaults do not.
 *
 * Life: diff_make -> read its members -> diff_clear. Threads: used by one.
 * Source: tailscale wgengine/magicsock/derp.go, SetDERPMap; net/netcheck.
 */
#ifndef DERPKIT_DIFF_H
#define DERPKIT_DIFF_H

#include "derpmap.h"

/* What clients do: bits. */
enum diff_effect {
	DIFF_RECONNECT = 1 << 0, /* connections to the region are closed */
	DIFF_HOME = 1 << 1,      /* homes may move: which region is best may
				    come out differently */
};

enum diff_kind { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED };

/* One difference inside a region. */
struct diff_change {
	enum diff_kind kind; /* of the node, or of a field: DIFF_CHANGED */
	/* the node; both NULL: a field of the region. A node that is null in
	 * the map has is_nil */
	const struct derpmap_node *old_node, *new_node;
	size_t index; /* of the node: in the new list, removed: in the old one
		       */
	const struct derpmap_field *field; /* NULL: a whole node, or the order
					      of the nodes */
	const void *old_owner, *new_owner; /* the structs of the field */
	bool is_order;                     /* the nodes are in another order */
	bool is_no_list; /* Nodes is null in one and empty in the other */
};

struct diff_region {
	int64_t id;
	enum diff_kind kind;
	unsigned effects;                       /* enum diff_effect */
	const struct derpmap_region *old, *new; /* NULL: not there. A region
						  that is null is not there
						  for clients */
	struct diff_change *changes;
	size_t change_count;
};

/* A score of HomeParams that is different; 1 is the same as none. */
struct diff_score {
	int64_t region;
	double old, new;
};

struct diff {
	struct arena *arena;         /* owned */
	struct diff_region *regions; /* ascending by id: those that differ */
	size_t region_count;
	size_t same; /* regions that do not */
	struct diff_score *scores;
	size_t score_count;
	bool scores_stay; /* the new map has no HomeParams: clients keep the
			     scores they have */
	/* OmitDefaultRegions: the control server of Tailscale leaves its own
	 * regions out of the map then; headscale ignores it */
	bool omits_default_old, omits_default_new;
	unsigned effects; /* of all */
};

/* Compares; the maps are borrowed until diff_clear. -1: memory is short. */
int diff_make(
    struct diff *d, const struct derpmap *old, const struct derpmap *new);

/* Whether there is any difference. */
bool diff_any(const struct diff *d);

/* How many regions differ in this way. */
size_t diff_count(const struct diff *d, enum diff_kind kind);

void diff_clear(struct diff *d);

#endif
