/*
 * upgrade: from HTTP to DERP on /derp, with and without fast start.
 * Threads: loop-owned. Source: tailscale derp/derpserver/handler.go.
 */
#ifndef DERPKIT_UPGRADE_H
#define DERPKIT_UPGRADE_H

#include "http_router.h"

struct conn;

/* For the route: ctx is the connection. */
http_route_handler upgrade_handle;

/* After http_server_upgraded: the connection speaks DERP, and its HTTP state is
 * freed. */
void upgrade_complete(struct conn *c);

#endif
