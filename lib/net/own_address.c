/* own_address: see own_address.h. */
#include "own_address.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool
is_same(const struct netaddr *a, const struct sockaddr_storage *s)
{
	struct netaddr other;

	netaddr_from_sockaddr(&other, s);
	return other.is_set && memcmp(other.ip, a->ip, sizeof a->ip) == 0;
}

/* The kernel gives a socket that is connected to an address of its own that
 * same address, or the first of its subnet. Nothing is sent. */
static bool
is_source(int fd, const struct netaddr *a)
{
	struct sockaddr_storage to, from = { 0 };
	socklen_t len = sizeof from;
	const socklen_t to_len = netaddr_to_sockaddr(a, &to);

	return connect(fd, (const struct sockaddr *)&to, to_len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&from, &len) == 0 &&
	    is_same(a, &from);
}

static bool
can_bind(int fd, const struct netaddr *a)
{
	struct netaddr any_port = *a;
	struct sockaddr_storage s;
	socklen_t len;

	any_port.port = 0;
	len = netaddr_to_sockaddr(&any_port, &s);
	return bind(fd, (const struct sockaddr *)&s, len) == 0;
}

/* Whether an interface has it. -1: that is not told, as in a sandbox without
 * netlink. */
static int
is_listed(const struct netaddr *a)
{
	struct ifaddrs *list, *one;
	struct sockaddr_storage s;
	bool found = false;

	if (getifaddrs(&list) == -1)
		return -1;
	for (one = list; one != NULL && !found; one = one->ifa_next) {
		if (one->ifa_addr == NULL ||
		    (one->ifa_addr->sa_family != AF_INET &&
			one->ifa_addr->sa_family != AF_INET6))
			continue;
		memset(&s, 0, sizeof s);
		memcpy(&s, one->ifa_addr,
		    one->ifa_addr->sa_family == AF_INET
			? sizeof(struct sockaddr_in)
			: sizeof(struct sockaddr_in6));
		found = is_same(a, &s);
	}
	freeifaddrs(list);
	return found;
}

/* Each question with a socket of its own. */
static enum own_address
ask(const struct netaddr *a, bool (*is_own)(int fd, const struct netaddr *a))
{
	const int fd =
	    socket(a->is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool own;

	if (fd == -1) /* without IPv6 nobody here has an address of it */
		return errno == EAFNOSUPPORT ? OWN_ADDRESS_NO
					     : OWN_ADDRESS_UNKNOWN;
	own = is_own(fd, a);
	close(fd);
	return own ? OWN_ADDRESS_YES : OWN_ADDRESS_NO;
}

/* An address that sockets can be bound to, without the list of interfaces: it
 * is own, unless they can be bound to all (net.ipv4.ip_nonlocal_bind), also to
 * one that is reserved. */
static enum own_address
ask_unlisted(void)
{
	static const struct netaddr reserved = {
		.ip = { [10] = 0xff, 0xff, 240, 0, 0, 1 },
		.is_v4 = true,
		.is_set = true,
	};

	switch (ask(&reserved, can_bind)) {
	case OWN_ADDRESS_NO:
		return OWN_ADDRESS_YES;
	case OWN_ADDRESS_YES:
		return OWN_ADDRESS_NO;
	case OWN_ADDRESS_UNKNOWN:
		break;
	}
	return OWN_ADDRESS_UNKNOWN;
}

/* Of the IPv4 addresses of one subnet, an interface has one first, and the
 * others are not the source of what is sent to them. */
enum own_address
own_address_ask(const struct netaddr *a)
{
	enum own_address own = ask(a, is_source);
	int listed;

	if (own != OWN_ADDRESS_NO || !a->is_v4)
		return own;
	own = ask(a, can_bind);
	if (own != OWN_ADDRESS_YES)
		return own;
	listed = is_listed(a);
	if (listed == -1)
		return ask_unlisted();
	return listed == 1 ? OWN_ADDRESS_YES : OWN_ADDRESS_NO;
}
