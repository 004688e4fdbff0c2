/*
 * routes: path to page, for the main listener and for the plain HTTP one.
 *
 * Adding a page is one function and one row. Threads: loop-owned.
 * Source: tailscale cmd/derper/derper.go, tsweb/tsweb.go (Port80Handler).
 */
#ifndef DERPKIT_ROUTES_H
#define DERPKIT_ROUTES_H

#include "http_server.h"

struct conn;

/* Answers the request, or upgrades the connection. */
void routes_handle(struct conn *c, struct http_server *s,
    const struct http1_request *req, struct slice body);

#endif
