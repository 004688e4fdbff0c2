/*
 * probe_stun: STUN as clients ask for it, and what the answer tells of the
 * networks in between.
 *
 * Source: tailscale net/stun, net/netcheck; RFC 8489. Threads: any; blocking.
 */
#ifndef DERPKIT_PROBE_STUN_H
#define DERPKIT_PROBE_STUN_H

#include "probe_visit.h"

/* Fills the STUN step and the mapped address. The node's STUN port is valid,
 * the visit's address set. */
void probe_stun(const struct probe_context *c);

/* Whether the address means nothing outside of its own network: private,
 * shared (RFC 6598), link-local, loopback, unique local. */
bool probe_stun_is_private(const struct netaddr *a);

#endif
