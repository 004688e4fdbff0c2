/*
 * traffic_page: /debug/traffic on a worker's connection: who sends and gets
 * bytes, in a round every two seconds, until the client has enough.
 *
 * Rounds are made on another thread. Threads: loop-owned. Source: tailscale
 * derp/derpserver/derpserver_linux.go, ServeDebugTraffic.
 */
#ifndef DERPKIT_TRAFFIC_PAGE_H
#define DERPKIT_TRAFFIC_PAGE_H

#include "http_conn.h"

#define TRAFFIC_PAGE_ROUND_MS 2000

/* For struct http_debug: ctx is the struct status. */
http_debug_status traffic_page;

#endif
