/* doctor_address: see doctor_address.h. */
#include "doctor_address.h"

#include <string.h>

static bool
is_wildcard(const struct netaddr *listener)
{
	static const uint8_t zero[16];
	const size_t start = listener->is_v4 ? 12 : 0;

	return !listener->is_set ||
	    memcmp(listener->ip + start, zero, sizeof zero - start) == 0;
}

bool
doctor_address_has_family(const struct netaddr *listener, bool is_v4)
{
	return listener->is_v4 == is_v4 ||
	    (!listener->is_v4 && is_wildcard(listener));
}

struct netaddr
doctor_address_from_here(const struct netaddr *listener)
{
	static const uint8_t v4[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
		0xff, 127, 0, 0, 1 };
	static const uint8_t v6[16] = { [15] = 1 };
	struct netaddr to = *listener;

	if (is_wildcard(listener))
		netaddr_from_ip16(&to,
		    listener->is_set && !listener->is_v4 ? v6 : v4,
		    listener->port);
	return to;
}
