/*
 * pages: what is answered on each path, but for the upgrade.
 *
 * For the routes: ctx is the connection. Threads: loop-owned.
 * Source: tailscale cmd/derper/derper.go, derp/derpserver/handler.go.
 */
#ifndef DERPKIT_PAGES_H
#define DERPKIT_PAGES_H

#include "http_router.h"

/* Latency probes, which browsers send from other origins too. */
http_route_handler pages_probe;
/* Captive-portal detection. */
http_route_handler pages_generate_204;
/* Whether the relay takes clients: 200, and 503 while it shuts down. For load
 * balancers and containers; upstream has no such page. */
http_route_handler pages_healthz;
http_route_handler pages_robots;
http_route_handler pages_bootstrap_dns;
/* What everything else gets, too. */
http_route_handler pages_home;

#endif
