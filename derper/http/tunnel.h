/*
 * tunnel: the bytes of a CONNECT (-ace), between its client and the target.
 *
 * Both are connections of one worker (conn.h). What one sends goes to the other
 * as it is; when that does not take it, no more is read. When one ends, so does
 * the other, once it has got what was sent. Life: tunnel_begin -> the end of
 * either. Threads: loop-owned. Source: tailscale net/connectproxy.
 */
#ifndef DERPKIT_TUNNEL_H
#define DERPKIT_TUNNEL_H

#include "connect_target.h"

struct conn;

#define TUNNEL_MAX 64           /* of one worker */
#define TUNNEL_UNSENT_MAX 65536 /* bytes, beyond which reading pauses */
#define TUNNEL_IDLE_MS 300000   /* without a byte in either direction */

/* Whether the worker of the connection may have one more. */
bool tunnel_has_room(const struct conn *client);
/* Connects to the target, answers 200 or 502, and goes on. */
void tunnel_begin(struct conn *client, const struct connect_target *target);

#endif
