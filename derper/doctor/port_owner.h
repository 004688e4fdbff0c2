/*
 * port_owner: which process has a port of this machine.
 *
 * Read in /proc. Threads: any; blocking (files). Source: proc(5).
 */
#ifndef DERPKIT_PORT_OWNER_H
#define DERPKIT_PORT_OWNER_H

#include "netaddr.h"

#include <sys/types.h>

struct port_owner {
	bool is_taken;
	pid_t pid;     /* 0: it cannot be told, as only root may look */
	char name[32]; /* of the program; "" with it */
};

/* Who listens on the TCP port, or has the UDP port, of any address. Of several
 * that have a socket, as a service manager and its service do, it is `first`, a
 * process, or 0 for none, if that has it. */
void port_owner_find(
    struct port_owner *o, bool is_udp, uint16_t port, pid_t first);

/* Where the socket is bound that a descriptor of a process is; an address that
 * is not set is the wildcard of both families. False: it is none of that kind,
 * or that is hidden from us. */
bool port_owner_address(
    pid_t pid, int fd, bool is_udp, struct netaddr *address);

#endif
