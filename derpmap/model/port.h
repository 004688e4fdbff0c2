/*
 * port: the ports of a node, as clients use them.
 *
 * Source: tailscale tailcfg/derpmap.go, v1.102.5. Threads: pure functions.
 */
#ifndef DERPKIT_PORT_H
#define DERPKIT_PORT_H

#include "derpmap.h"

#define PORT_DERP 443  /* what derpport 0 means */
#define PORT_STUN 3478 /* what stunport 0 means; RFC 8489 section 18.2 */
#define PORT_STUN_OFF (-1)
#define PORT_HTTP 80
#define PORT_MAX 65535

/* Whether it is the number of a port: 1 to 65535. */
bool port_is_valid(int64_t port);

/* Whether it is a word that people write to turn a port off; for STUN it means
 * PORT_STUN_OFF. */
bool port_is_off_word(struct slice text);

/* The port that clients dial; it may be invalid. */
int64_t port_derp(const struct derpmap_node *node);

/* The port that clients send STUN to; PORT_STUN_OFF, or it may be invalid. */
int64_t port_stun(const struct derpmap_node *node);

#endif
