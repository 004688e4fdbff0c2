/*
 * debug_pages: /debug/ and what is below it, for those who may see it.
 *
 * For the routes: ctx is the connection. Threads: loop-owned.
 * Source: tailscale tsweb/debug.go.
 */
#ifndef DERPKIT_DEBUG_PAGES_H
#define DERPKIT_DEBUG_PAGES_H

#include "http_router.h"

http_route_handler debug_pages;
/* "/debug" itself leads to the list. */
http_route_handler debug_pages_folder;
/* /debug/varz under the name that Prometheus asks for by itself. */
http_route_handler debug_pages_metrics;

#endif
