/*
 * debug_pages: /debug/ and what is below it, for those who may see it.
 *
 * For the routes: ctx is the connection. Threads: loop-owned.
 * Source: tailscale tsweb/debug.go.
 */
#ifndef DERPKIT_DEBUG_PAGES_H
#define DERPKIT_DEBUG_PAGES_H

#include "http_router.h"

struct conn;

/* Whether whoever asks may see them. */
bool debug_pages_allow(const struct conn *c, const struct http1_request *req);

http_route_handler debug_pages;
/* "/debug" itself leads to the list. */
http_route_handler debug_pages_folder;
/* /debug/varz under the name that Prometheus asks for by itself. */
http_route_handler debug_pages_metrics;

#endif
