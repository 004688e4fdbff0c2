/* own_address: see own_address.h. */
#include "own_address.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel gives a socket that is connected to an address of its own that
 * same address. Nothing is sent. */
enum own_address
own_address_ask(const struct netaddr *a)
{
	struct sockaddr_storage to, from = { 0 };
	socklen_t len = sizeof from;
	const socklen_t to_len = netaddr_to_sockaddr(a, &to);
	struct netaddr local = { .is_set = false };
	int fd;

	fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1) /* without IPv6 nobody here has an address of it */
		return errno == EAFNOSUPPORT ? OWN_ADDRESS_NO
					     : OWN_ADDRESS_UNKNOWN;
	if (connect(fd, (const struct sockaddr *)&to, to_len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&from, &len) == 0)
		netaddr_from_sockaddr(&local, &from);
	close(fd);
	return local.is_set && memcmp(local.ip, a->ip, sizeof a->ip) == 0
	    ? OWN_ADDRESS_YES
	    : OWN_ADDRESS_NO;
}
