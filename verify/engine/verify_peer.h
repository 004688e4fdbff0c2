/*
 * verify_peer: a node as tailscaled describes it.
 *
 * In two forms: in its status, an ipnstate.PeerStatus with PublicKey and
 * NodeID, and on its notification bus, a tailcfg.Node with Key and ID. In both
 * Expired counts beside KeyExpiry. When a peer's key runs out while the daemon
 * watches, it shows that peer under an altered key, which is nobody's. Threads:
 * plain values. Source: tailscale ipn/ipnstate/ipnstate.go, tailcfg/tailcfg.go,
 * ipn/ipnlocal/expiry.go.
 */
#ifndef DERPKIT_VERIFY_PEER_H
#define DERPKIT_VERIFY_PEER_H

#include "derp_key.h"

struct json_t; /* jansson's */

struct verify_peer {
	struct derp_key key; /* zero: it has none that could be admitted */
	int64_t id;          /* 0: not told, as in the status of 1.98 */
	int64_t expires_s;   /* seconds since 1970, or VERIFY_NODES_NEVER */
	struct slice name;   /* borrowed from the JSON */
};

/* -1 with *why when it is not an object or has a bad key or time. */
int verify_peer_parse(
    const struct json_t *json, struct verify_peer *peer, struct fail *why);

/* Called for each node of a status. -1 with *why ends it. */
typedef int verify_peer_fn(
    void *ctx, const struct verify_peer *peer, struct fail *why);

/* Calls fn for the daemon's own node and for each of its peers, those without a
 * key left out. -1 with *why when the JSON is not a status, a node is bad, or
 * the daemon is not connected to its tailnet: a status then names no peers, and
 * nobody must be put off the relay for that. */
int verify_peer_each(const struct json_t *status, verify_peer_fn *fn, void *ctx,
    struct fail *why);

/* Whether it looks like a status at all. */
bool verify_peer_is_status(const struct json_t *json);

#endif
