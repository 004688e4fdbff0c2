/*
 * relay_sight: what is to be seen of the relays of a map over the network, for
 * the rules that judge it.
 *
 * Each relay is asked the way clients do: DNS, TLS, and where the map says so
 * port 80. Several at a time, each step and the whole with a limit of time.
 * Tailscale's own relays and nodes that clients do not connect to are left out.
 *
 * Life: relay_sights_look -> relay_sights_find ... -> relay_sights_clear.
 * Blocking. Threads: makes its own and has ended them when it returns; the
 * result is a plain value.
 */
#ifndef DERPKIT_RELAY_SIGHT_H
#define DERPKIT_RELAY_SIGHT_H

#include "derpmap.h"
#include "port80_answer.h"
#include "tls_sight.h"

#define RELAY_SIGHTS_MAX 4096      /* relays of a file; the rest is not seen */
#define RELAY_SIGHTS_THREADS 16    /* relays at a time */
#define RELAY_SIGHTS_STEP_MS 5000  /* for one relay's TLS, and its port 80 */
#define RELAY_SIGHTS_ALL_MS 120000 /* for all of a file */

struct relay_sight {
	const struct derpmap_node *node; /* borrowed */
	bool is_tried;                   /* false: time was short */
	bool is_name;                    /* the host name is not an address: */
	struct host_addresses dns;       /* what it comes to */
	struct tls_sight tls;
	struct port80_answer port80;
};

struct relay_sights {
	struct relay_sight *v; /* owned; by address of node */
	size_t n;
	int64_t now_s;  /* when it was looked, seconds since 1970 */
	size_t untried; /* relays that were not looked at */
};

/* Looks at the relays of the map. -1 with *why: memory or threads are short;
 * nothing is held. */
int relay_sights_look(struct relay_sights *all, const struct derpmap *map,
    const struct host_names *names, struct fail *why);

/* What was seen of a node; NULL: it was not looked at. */
const struct relay_sight *relay_sights_find(
    const struct relay_sights *all, const struct derpmap_node *node);

void relay_sights_clear(struct relay_sights *all);

#endif
