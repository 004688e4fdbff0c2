/*
 * target_address: which addresses a tunnel may lead to.
 *
 * Whoever asks for a tunnel names the host, and whoever answers for that name
 * the address. Neither is to be led into the network that the relay is in.
 *
 * DIFFERS: upstream looks at the name alone. Threads: any. Source: the IANA
 * registries of special-purpose addresses (RFC 6890).
 */
#ifndef DERPKIT_TARGET_ADDRESS_H
#define DERPKIT_TARGET_ADDRESS_H

#include "netaddr.h"

/* Whether it is an address of a host anywhere on the Internet, and none that is
 * for private, local or special use. */
bool target_address_is_public(const struct netaddr *a);

#endif
