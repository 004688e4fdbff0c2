/*
 * debug_access: who may see the pages below /debug/.
 *
 * Upstream's rules: whoever gives the key that a file holds; or, when no proxy
 * is in between, whoever is on this machine, in the tailnet, or at an address
 * that the environment names. Life: debug_access_init; immutable afterwards.
 * Threads: any; reads a file where a key is asked for. Source: tailscale
 * tsweb/tsweb.go (AllowDebugAccess).
 */
#ifndef DERPKIT_DEBUG_ACCESS_H
#define DERPKIT_DEBUG_ACCESS_H

#include "fail.h"
#include "http1.h"
#include "netaddr.h"

#define DEBUG_ACCESS_PREFIXES_MAX 32
#define DEBUG_ACCESS_KEY_MAX 4096 /* bytes of the key file */

struct debug_access {
	const char *key_file;   /* TS_DEBUG_KEY_PATH; NULL: none; borrowed */
	const char *allowed_ip; /* TS_ALLOW_DEBUG_IP; NULL: none; borrowed */
	struct netaddr_prefix trusted[DEBUG_ACCESS_PREFIXES_MAX];
	size_t trusted_count; /* TS_DEBUG_TRUSTED_CIDRS */
};

/* Reads the rules; what env returns is borrowed for the life of *a. -1 and the
 * reason when a prefix is bad. */
int debug_access_init(
    struct debug_access *a, char *(*env)(const char *name), struct fail *why);

/* Whether the request, whose TCP peer is `peer` (NULL: not known for sure), may
 * be answered. */
bool debug_access_allows(const struct debug_access *a,
    const struct http1_request *req, const struct netaddr *peer);

#endif
