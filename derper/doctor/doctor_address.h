/*
 * doctor_address: where a listener is found.
 *
 * Threads: plain values.
 */
#ifndef DERPKIT_DOCTOR_ADDRESS_H
#define DERPKIT_DOCTOR_ADDRESS_H

#include "netaddr.h"

/* Whether it takes what comes by that family. A wildcard of IPv6 is read as one
 * of both families, as it is unless net.ipv6.bindv6only is set. */
bool doctor_address_has_family(const struct netaddr *listener, bool is_v4);

/* Where it is found from this machine: a wildcard at loopback. */
struct netaddr doctor_address_from_here(const struct netaddr *listener);

#endif
