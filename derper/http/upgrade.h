/*
 * upgrade: from HTTP to DERP on /derp, with and without fast start.
 * Threads: loop-owned. Source: tailscale derp/derpserver/handler.go.
 */
#ifndef DERPKIT_UPGRADE_H
#define DERPKIT_UPGRADE_H

#include "http1.h"

struct conn;

void upgrade_handle(struct conn *c, const struct http1_request *req);

#endif
