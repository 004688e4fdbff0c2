/*
 * routes: path to handler, for the main listener and for the plain HTTP one.
 *
 * Adding a page is one function and one row. Threads: loop-owned.
 * Source: tailscale cmd/derper/derper.go, derp/derpserver/handler.go.
 */
#ifndef DERPKIT_ROUTES_H
#define DERPKIT_ROUTES_H

#include "http1.h"

struct conn;

/* Answers the request, or makes the connection a DERP one. */
void routes_handle(struct conn *c, const struct http1_request *req);

#endif
