/* target_address: see target_address.h. */
#include "target_address.h"

#include <string.h>

static const struct netaddr_prefix special[] = {
	NETADDR_PREFIX4(0, 0, 0, 0, 8),       /* this network */
	NETADDR_PREFIX4(10, 0, 0, 0, 8),      /* private */
	NETADDR_PREFIX4(100, 64, 0, 0, 10),   /* carriers', and tailnets' */
	NETADDR_PREFIX4(127, 0, 0, 0, 8),     /* loopback */
	NETADDR_PREFIX4(169, 254, 0, 0, 16),  /* link-local */
	NETADDR_PREFIX4(172, 16, 0, 0, 12),   /* private */
	NETADDR_PREFIX4(192, 0, 0, 0, 24),    /* protocols' */
	NETADDR_PREFIX4(192, 0, 2, 0, 24),    /* documentation */
	NETADDR_PREFIX4(192, 88, 99, 0, 24),  /* 6to4 relays */
	NETADDR_PREFIX4(192, 168, 0, 0, 16),  /* private */
	NETADDR_PREFIX4(198, 18, 0, 0, 15),   /* benchmarks */
	NETADDR_PREFIX4(198, 51, 100, 0, 24), /* documentation */
	NETADDR_PREFIX4(203, 0, 113, 0, 24),  /* documentation */
	NETADDR_PREFIX4(224, 0, 0, 0, 3),     /* multicast and reserved */
	NETADDR_PREFIX6(23, "2001::/23", 0x20, 0x01, 0), /* Teredo and more */
	NETADDR_PREFIX6(32, "2001:db8::/32", 0x20, 0x01, 0x0d, 0xb8),
	NETADDR_PREFIX6(16, "2002::/16", 0x20, 0x02), /* 6to4 */
	NETADDR_PREFIX6(20, "3fff::/20", 0x3f, 0xff), /* documentation */
};

/* The part of IPv6 that is handed out: what lies outside of it is special. */
static const struct netaddr_prefix unicast6 =
    NETADDR_PREFIX6(3, "2000::/3", 0x20);
/* IPv4 addresses for hosts without IPv4 (RFC 6052). */
static const struct netaddr_prefix nat64 =
    NETADDR_PREFIX6(96, "64:ff9b::/96", 0, 0x64, 0xff, 0x9b);

static struct netaddr
inside_nat64(const struct netaddr *a)
{
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff };
	struct netaddr inside;

	memcpy(ip + 12, a->ip + 12, 4);
	netaddr_from_ip16(&inside, ip, a->port);
	return inside;
}

bool
target_address_is_public(const struct netaddr *a)
{
	struct netaddr inside;

	if (netaddr_in_prefix(a, &nat64)) {
		inside = inside_nat64(a);
		return target_address_is_public(&inside);
	}
	if (!a->is_set || (!a->is_v4 && !netaddr_in_prefix(a, &unicast6)))
		return false;
	for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
		if (netaddr_in_prefix(a, &special[i]))
			return false;
	return true;
}
