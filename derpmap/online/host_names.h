/*
 * host_names: names to addresses, by the system's resolver or as the caller
 * says, and connections that go elsewhere than their address.
 *
 * Both overrides have the form of curl's options of the same names:
 * --resolve NAME:[ADDRESS[,ADDRESS...]] (no address: the name is unknown) and
 * --connect-to ADDRESS:PORT:HOST:PORT.
 *
 * Threads: immutable once made; host_names_look_up blocks.
 */
#ifndef DERPKIT_HOST_NAMES_H
#define DERPKIT_HOST_NAMES_H

#include "fail.h"
#include "netaddr.h"

#define HOST_NAMES_ADDRESSES 16 /* kept of one name */
#define HOST_NAMES_TEXT 256

struct host_names {
	/* borrowed: the values of the options; v may be NULL when n is 0 */
	const char *const *resolve;
	size_t resolve_count;
	const char *const *connect_to;
	size_t connect_to_count;
};

/* Whether the values have their form. -1 with *why. */
int host_names_check(const struct host_names *names, struct fail *why);

/* What a name comes to. */
struct host_addresses {
	struct netaddr v[HOST_NAMES_ADDRESSES]; /* IPv4 first */
	size_t n;
	/* why there are none; "" when there are. is_unknown: DNS says that the
	 * name does not exist, or has no address; otherwise it is not known */
	char error[HOST_NAMES_TEXT];
	bool is_unknown;
};

/* Asks for the addresses of both families, until the deadline of clock_now_ms.
 */
void host_names_look_up(struct host_addresses *found,
    const struct host_names *names, const char *name, uint64_t deadline_ms);

/* Where a connection to the address and port goes: itself, unless an override
 * says otherwise. host gets text for dial_config.address. */
void host_names_route(const struct host_names *names,
    const struct netaddr *address, uint16_t port,
    char host[static HOST_NAMES_TEXT], uint16_t *host_port);

#endif
