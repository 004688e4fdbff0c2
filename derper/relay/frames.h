/*
 * relay: the frame path: what a logged-in client's bytes do.
 *
 * frames_input is the whole hot path: cut a frame, find its destination,
 * rewrite it in place, add it to the destination's queue. Nothing is copied and
 * no system call is made here; the turn's end does both, once per destination.
 * Threads: loop-owned. Source: tailscale derp/derpserver/derpserver.go.
 */
#ifndef DERPKIT_FRAMES_H
#define DERPKIT_FRAMES_H

#include "client.h"

/*
 * Handles the first whole frame of n bytes at p, which lie in the turn's
 * memory and may be written to. Returns how many bytes were used: 0 when more
 * are needed or the client's state has changed for good.
 */
size_t frames_input(struct client *c, uint8_t *p, size_t n);

/* The same for the first frame of all, ClientInfo. */
size_t frames_login(struct client *c, uint8_t *p, size_t n);

/* Tells the connection at `to`, here or on another worker, that the key has
 * left, behind all packets that the key has sent it. */
void frames_tell_gone(
    struct worker *worker, const struct derp_key *key, struct conn_addr to);

#endif
