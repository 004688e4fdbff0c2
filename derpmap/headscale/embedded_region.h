/*
 * embedded_region: the region that headscale makes for its embedded DERP
 * server.
 *
 * Source: headscale hscontrol/derp/server/derp_server.go, GenerateRegion.
 * Threads: pure functions over the caller's arena.
 */
#ifndef DERPKIT_EMBEDDED_REGION_H
#define DERPKIT_EMBEDDED_REGION_H

#include "derpmap.h"
#include "headscale_config.h"

/* Makes the region out of the settings. NULL with *why: headscale cannot make
 * one, or memory is short. */
struct derpmap_region *embedded_region(
    const struct headscale_config *c, struct arena *a, struct fail *why);

/* What headscale 0.27 and later put in instead when it cannot: region 0
 * without nodes. NULL: memory is short. */
struct derpmap_region *embedded_region_empty(struct arena *a);

/* Whether the STUN server can listen on the address, as far as its text tells;
 * otherwise headscale ends with *why. */
bool embedded_region_can_listen(struct slice address, struct fail *why);

#endif
