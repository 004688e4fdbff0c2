/*
 * rate_gate: where the frames of a client wait for its rate limits.
 *
 * A frame that has to wait stays whole with the connection, which is not read
 * from meanwhile: TCP holds the sender back, and nothing is dropped. Whoever
 * has to wait is read from in small pieces, so that little is kept for it.
 * Short waits, of a few milliseconds, are put on the account of the next frame.
 *
 * Life: rate_gate_new -> rate_gate_pass ... -> rate_gate_free. Threads:
 * loop-owned.
 */
#ifndef DERPKIT_RATE_GATE_H
#define DERPKIT_RATE_GATE_H

#include "rate_limit.h"

struct conn;
struct rate_gate;

/* The gate of a client that has logged in; all is borrowed. Returns owned; NULL
 * when memory is short. */
struct rate_gate *rate_gate_new(
    struct rate_limit *limit, struct conn *conn, const struct derp_key *key);
void rate_gate_free(struct rate_gate *gate);

/* Whether a frame, or a part of one, of len bytes may be handled now. If not,
 * the connection is paused, and the frame comes again when it may. */
bool rate_gate_pass(struct rate_gate *gate, size_t len);

/* Charges what carried frames and was taken off: so many bytes, and so many
 * packets that had no frame in them. If these would have to wait the connection
 * is paused for as long, or, without memory, ended. */
void rate_gate_framing(struct rate_gate *gate, size_t bytes, size_t packets);

/* How many bytes to read at once: about as many as need not wait, as what waits
 * is kept; a few at least. */
size_t rate_gate_room(struct rate_gate *gate);

#endif
