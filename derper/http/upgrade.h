/*
 * upgrade: from HTTP to DERP on /derp, with and without fast start, and to the
 * tunnel of a CONNECT.
 *
 * Threads: loop-owned. Source: tailscale derp/derpserver/handler.go.
 */
#ifndef DERPKIT_UPGRADE_H
#define DERPKIT_UPGRADE_H

#include "http_router.h"

struct conn;

/* For the route: ctx is the connection. */
http_route_handler upgrade_handle;

/* A CONNECT: refused, or to be a tunnel. */
void upgrade_handle_connect(
    struct conn *c, struct http_server *s, const struct http1_request *req);

/* After http_server_upgraded: the connection speaks DERP, or is a tunnel, and
 * its HTTP state is freed. */
void upgrade_complete(struct conn *c);

#endif
