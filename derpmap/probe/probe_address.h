/*
 * probe_address: at which address a node is probed over a family, and whether
 * it can be from here.
 *
 * Source: tailscale derp/derphttp (dialNode): a literal of the map beats DNS, a
 * text that is not an address of the family turns it off. Threads: any;
 * blocking.
 */
#ifndef DERPKIT_PROBE_ADDRESS_H
#define DERPKIT_PROBE_ADDRESS_H

#include "probe_visit.h"
#include "resolve.h"

/* Sets the visit's address and its address step. candidates: all that clients
 * would try, in their order, none when there is nothing to probe. */
void probe_address(
    const struct probe_context *c, struct resolve_answer *candidates);

#endif
