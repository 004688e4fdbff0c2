/*
 * probe_plan: the nodes that are to be probed, as clients read them.
 *
 * Life: probe_plan_init -> probe_plan_add_map or probe_plan_add_url ... ->
 * probe_plan_clear. Immutable after that; any thread may then read it. All text
 * is copied.
 */
#ifndef DERPKIT_PROBE_PLAN_H
#define DERPKIT_PROBE_PLAN_H

#include "arena.h"
#include "derpmap.h"
#include "fail.h"

#define PROBE_NODES_MAX 100000

struct probe_node {
	int64_t region; /* the key of its region; 0: from a URL */
	const char *region_code, *region_name;
	const char *name;
	const char *host;                  /* without a dot at the end */
	const char *cert_name;             /* as written; "" for none */
	const char *ipv4, *ipv6, *stun_ip; /* as written; "" for none */
	int64_t derp_port, stun_port; /* as clients use them; may be invalid */
	bool tls; /* false: plain HTTP, from a http URL only */
	bool insecure, stun_only, can_port80;
};

struct probe_plan {
	struct arena *arena;
	struct probe_node *nodes; /* owned; by region, in the order of the map
				   */
	size_t n;
};

/* What is chosen of a map; empty lists choose everything. Borrowed. */
struct probe_choice {
	const char *const *regions; /* ids or codes */
	size_t region_count;
	const char *const *nodes; /* names */
	size_t node_count;
};

/* -1: memory is short. */
int probe_plan_init(struct probe_plan *plan);
/* Frees; fine twice. */
void probe_plan_clear(struct probe_plan *plan);

/* Adds the nodes of a map that are chosen; null regions and nodes have none. -1
 * with *why: memory is short, there are too many, or something that was chosen
 * is not in the map. */
int probe_plan_add_map(struct probe_plan *plan, const struct derpmap *map,
    const struct probe_choice *choice, struct fail *why);

/* Adds a node from https://HOST[:PORT] or, for relays behind something that
 * serves TLS, http://HOST[:PORT]. -1 with *why: it is not such a URL, or memory
 * is short. Returns it in *node (may be NULL) for more settings. */
int probe_plan_add_url(struct probe_plan *plan, const char *url,
    struct probe_node **node, struct fail *why);

#endif
