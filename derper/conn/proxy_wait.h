/*
 * proxy_wait: accepted connections whose PROXY header is not here yet.
 *
 * They come from load balancers that are named (-proxy-protocol-from), and are
 * not connections (conn.h) before the header says whose they are: limits, logs
 * and admission see the client. What is after the header is left in the socket.
 * Nobody waits for longer than PROXY_WAIT_MS, and of more than PROXY_WAITS_MAX
 * the oldest is closed.
 *
 * Life: proxy_waits_add ... -> proxy_waits_clear -> proxy_waits_end_turn.
 * Threads: loop-owned.
 */
#ifndef DERPKIT_PROXY_WAIT_H
#define DERPKIT_PROXY_WAIT_H

#include "netaddr.h"

#include <stddef.h>

struct proxy_wait;
struct worker;

#define PROXY_WAIT_MS 5000
#define PROXY_WAITS_MAX 1024 /* of a worker's ports, each */

struct proxy_waits {
	/* immutable; borrowed */
	struct worker *worker;
	const struct netaddr_prefix *from; /* who sends headers: `from_count` */
	size_t from_count;
	/* Takes the descriptor: the client is at `remote`, an address that is
	 * not to be trusted if it is not the client's own. */
	void (*done)(
	    void *ctx, int fd, const struct netaddr *remote, bool untrusted);
	void *ctx;

	struct proxy_wait *oldest, *newest; /* owned */
	size_t count;
	struct proxy_wait *ended; /* owned: freed at the end of the turn */
};

/* Whether who connects from there sends a header. */
bool proxy_waits_for(const struct proxy_waits *w, const struct netaddr *peer);

/* Takes the descriptor of such a connection. */
void proxy_waits_add(struct proxy_waits *w, int fd, const struct netaddr *peer);

/* The turn ends: frees the memory of those that wait no more. */
void proxy_waits_end_turn(struct proxy_waits *w);

/* Closes all of them; proxy_waits_end_turn frees the memory. */
void proxy_waits_clear(struct proxy_waits *w);

#endif
