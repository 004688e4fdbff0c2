/*
 * tunnel_dial: connects to the target of a CONNECT.
 *
 * Names are resolved and connections made on a thread of its own, as both wait;
 * what comes out is a socket for a loop, by message. Life: tunnel_dial_start ->
 * connected(), or tunnel_dial_abandon instead, which waits for nothing.
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

/* fd is connected to `remote` and the callee's; -1: that failed. */
typedef void tunnel_dial_fn(void *ctx, int fd, const struct netaddr *remote);

/* Borrowed until connected() or tunnel_dial_abandon. NULL when memory or
 * threads are short. */
struct tunnel_dial *tunnel_dial_start(const struct connect_target *target,
    struct mailbox *mailbox, tunnel_dial_fn *connected, void *ctx);
/* connected() will not be called. */
void tunnel_dial_abandon(struct tunnel_dial *d);

#endif
