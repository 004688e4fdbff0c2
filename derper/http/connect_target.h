/*
 * connect_target: which hosts a CONNECT may name.
 *
 * Threads: pure function. Source: tailscale cmd/derper/ace.go.
 */
#ifndef DERPKIT_CONNECT_TARGET_H
#define DERPKIT_CONNECT_TARGET_H

#include "bytes.h"

#define CONNECT_TARGET_HOST 254 /* bytes of a name, with the NUL */

struct connect_target {
	char host[CONNECT_TARGET_HOST];
	uint16_t port;
};

/* Reads "HOST:PORT". -1 unless it is port 443 or 80 of a host below
 * tailscale.com that is not a relay. */
int connect_target_parse(struct connect_target *target, struct slice text);

#endif
