/*
 * tunnel: the bytes of a CONNECT (-ace), between its client and the target.
 *
 * Both are connections of one worker (conn.h). What one sends goes to the other
 * as it is; when that does not take it, no more is read, for as long as
 * TUNNEL_IDLE_MS. When one ends, so does the other, once it has got what was
 * sent. What waits in tunnels is bounded by their number, and not charged to
 * what clients may leave unread.
 *
 * Life: tunnel_begin -> the end of either. Threads: loop-owned. Source:
 * tailscale net/connectproxy.
 */
#ifndef DERPKIT_TUNNEL_H
#define DERPKIT_TUNNEL_H

#include "connect_target.h"
#include "tunnel_sources.h"

struct conn;

#define TUNNEL_CHUNK 16384      /* bytes read at once */
#define TUNNEL_UNSENT_MAX 32768 /* bytes, beyond which reading pauses */
#define TUNNEL_IDLE_MS 300000   /* without a byte in either direction */

/* Connects to the target, answers 200, 502 or 503, and goes on. `sources` are
 * those of the worker; borrowed until the tunnel ends. */
void tunnel_begin(struct conn *client, const struct connect_target *target,
    struct tunnel_sources *sources);

#endif
