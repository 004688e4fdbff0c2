/*
 * tunnel_dial: connects to the target of a CONNECT.
 *
 * Names are resolved and connections made on a thread of its own, as both wait;
 * what comes out is a socket for a loop, by message. There are so many of these
 * threads and no more, also when those who asked are gone, and they have so
 * many of the resolver's; an address of a client has a part of them, whichever
 * workers its connections are on (tunnel_sources.h). Life: tunnel_dial_start ->
 * connected(), or tunnel_dial_abandon instead, before the mailbox is freed.
 * Threads: loop-owned; connected() is called on the mailbox's loop.
 */
#ifndef DERPKIT_TUNNEL_DIAL_H
#define DERPKIT_TUNNEL_DIAL_H

#include "connect_target.h"
#include "netaddr.h"

struct mailbox;
struct tunnel_dial;

#define TUNNEL_DIAL_MS 15000     /* all of it, as upstream */
#define TUNNEL_DIAL_PART_MS 5000 /* of one address */
#define TUNNEL_DIALS_MAX 64      /* in the process */
/* How soon one that is abandoned ends while it connects. */
#define TUNNEL_DIAL_LOOK_MS 100

struct tunnel_dialed {
	int fd;                /* connected to `remote`; -1: that failed */
	struct netaddr remote; /* with fd */
	bool is_forbidden;     /* no address of the host may be connected to */
};

/* The descriptor is the callee's. */
typedef void tunnel_dial_fn(void *ctx, const struct tunnel_dialed *result);

/* Borrowed until connected() or tunnel_dial_abandon. NULL when there are too
 * many, of all clients or of this one, or memory or threads are short. */
struct tunnel_dial *tunnel_dial_start(const struct connect_target *target,
    const struct netaddr *client, struct mailbox *mailbox,
    tunnel_dial_fn *connected, void *ctx);
/* connected() will not be called. */
void tunnel_dial_abandon(struct tunnel_dial *d);

#endif
