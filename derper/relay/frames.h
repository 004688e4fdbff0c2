/*
 * frames: what a logged-in client's bytes do: the frame path.
 *
 * frames_input is the whole hot path: cut a frame, find its destination,
 * rewrite it in place, add it to the destination's queue. Nothing is copied and
 * no system call is made here; the turn's end does both, once per destination.
 * Threads: loop-owned. Source: tailscale derp/derpserver/derpserver.go.
 */
#ifndef DERPKIT_FRAMES_H
#define DERPKIT_FRAMES_H

#include <stddef.h>
#include <stdint.h>

struct conn;

/* Handles the whole frames of the n bytes at p; for conn_protocol.input of a
 * connection whose session is a struct client. */
size_t frames_input(struct conn *conn, uint8_t *p, size_t n);
/* The same for conn_protocol.room and .framing: by the client's rate limits. */
size_t frames_room(struct conn *conn);
void frames_framing(struct conn *conn, size_t bytes, size_t empty);

#endif
