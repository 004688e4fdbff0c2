/*
 * own_address: whether an address is one of this machine's own.
 *
 * Threads: any.
 */
#ifndef DERPKIT_OWN_ADDRESS_H
#define DERPKIT_OWN_ADDRESS_H

#include "netaddr.h"

enum own_address {
	OWN_ADDRESS_NO,
	OWN_ADDRESS_YES,
	OWN_ADDRESS_UNKNOWN, /* it cannot be asked: descriptors are short */
};

/* A question to the kernel; the port does not count. */
enum own_address own_address_ask(const struct netaddr *a);

#endif
