/*
 * tunnel_sources: whose tunnels a worker has, or whose dials the process has,
 * so that nobody has all of them.
 *
 * Plain memory; { 0 }: there are none. Threads: one at a time.
 */
#ifndef DERPKIT_TUNNEL_SOURCES_H
#define DERPKIT_TUNNEL_SOURCES_H

#include "ip_limit.h"

#define TUNNEL_MAX 64        /* of one worker; dials of the process */
#define TUNNEL_PER_SOURCE 16 /* of these, of one address (ip_limit_key) */

struct tunnel_sources {
	size_t count;
	uint8_t keys[TUNNEL_MAX][KEYTABLE_KEY];
};

/* Counts one in, if the address may have one more. */
bool tunnel_sources_enter(struct tunnel_sources *s, const struct netaddr *from);
void tunnel_sources_leave(struct tunnel_sources *s, const struct netaddr *from);

#endif
