/*
 * listener: listening TCP sockets and bound UDP sockets.
 *
 * Several sockets share one port by SO_REUSEPORT, one per loop. Because that
 * would also let a second relay of the same user slip onto the port unseen,
 * listener_probe asks for it exclusively first. Accepting never spins: out of
 * descriptors, it pauses for LISTENER_PAUSE_MS and leaves the waiting
 * connections in the kernel's queue. Threads: loop-owned after opening.
 */
#ifndef DERPKIT_LISTENER_H
#define DERPKIT_LISTENER_H

#include "loop.h"
#include "netaddr.h"

#define LISTENER_PAUSE_MS 100
#define LISTENER_BACKLOG 4096
#define LISTENER_ACCEPTS 8 /* connections accepted in one turn */

enum listener_kind { LISTENER_TCP, LISTENER_UDP };

/* -1 and the reason when the address cannot be bound, someone else's use of
 * the port included. A port of 0 is chosen and stored in *addr. */
int listener_probe(
    struct netaddr *addr, enum listener_kind kind, struct fail *why);

/* A bound, non-blocking socket with SO_REUSEPORT; TCP ones listen. An unset
 * address is the dual-stack wildcard (IPv4 only where IPv6 is off). Returns
 * the descriptor, owned by the caller, or -1. */
int listener_open(
    const struct netaddr *addr, enum listener_kind kind, struct fail *why);

struct listener {
	struct loop *loop;
	struct loop_watch watch;
	struct loop_timer pause; /* set while nothing is accepted */
	/* For how many ms connections should wait in the kernel's queue; asked
	 * before each is accepted. NULL: none ever waits. */
	uint64_t (*wait_ms)(void *ctx);
	/* Takes the connected, non-blocking descriptor. */
	void (*accepted)(void *ctx, int fd, const struct netaddr *peer);
	void *ctx;
	uint64_t out_of_fds; /* times accepting paused: out of descriptors */
};

/* Starts accepting on fd, which the listener takes. */
int listener_start(struct listener *l, struct loop *loop, int fd);
/* Stops and closes. Idempotent. */
void listener_stop(struct listener *l);

#endif
