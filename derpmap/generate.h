/*
 * generate: a map of one region with one node, from what its operator knows.
 *
 * Everything that lint would complain about is refused here, so that what comes
 * out lints clean. Threads: pure functions over caller memory, except
 * generate_from_derper (files, blocking).
 */
#ifndef DERPKIT_GENERATE_H
#define DERPKIT_GENERATE_H

#include "derpmap.h"
#include "pin.h"

/* What is given. Texts may be NULL; all are borrowed. */
struct generate_config {
	int64_t region_id; /* 900 to 999: the range kept for this */
	const char *region_code;
	const char *region_name;
	const char *node_name; /* NULL: the region id and an a */
	const char *hostname;  /* required: a DNS name or an address */
	const char *cert_name;
	const char *ipv4, *ipv6; /* an address, or "none" */
	int64_t derp_port;       /* 443 is the default and is left out */
	int64_t stun_port;       /* 3478 likewise; -1: no STUN */
	bool can_port80;
};

/* The map and the memory it needs; holds no pointers of its own to free. */
struct generated {
	struct derpmap map;
	struct derpmap_region region;
	struct derpmap_region *regions[1];
	struct derpmap_node node;
	struct derpmap_node *nodes[1];
	char node_name[32];
};

/* Checks the config and builds the map in *g, which must not move afterwards.
 * -1 with the first thing that is wrong. */
int generate_map(struct generated *g, const struct generate_config *config,
    struct fail *why);

/*
 * Looks at the certificate that a derper with this certificate folder serves
 * for the host name: certdir/STEM.crt, STEM being the name without characters
 * other than letters, digits, dots and dashes. When it is self-signed, the pin
 * for it is put into pin and *pinned is set. -1 with *why when it cannot be
 * read, or when clients would reject it even with its pin; now_s is the time in
 * seconds since 1970.
 */
int generate_from_derper(const char *certdir, const char *hostname,
    int64_t now_s, char pin[static PIN_TEXT], bool *pinned, struct fail *why);

#endif
