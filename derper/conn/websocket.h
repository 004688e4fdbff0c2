/*
 * websocket: what a connection that speaks WebSocket keeps of it.
 *
 * Input loses its frames here, and control frames are answered; what is sent is
 * framed by websocket_framing, on its way through the output queue. Pings are
 * answered as they come, but of those that a full socket, or what one read may
 * give rise to, has no room for, only the last one, as RFC 6455 section 5.5.3
 * lets us: a flood of them costs one kept payload.
 *
 * Life: websocket_new -> websocket_input ... -> websocket_free. Threads:
 * loop-owned.
 */
#ifndef DERPKIT_WEBSOCKET_H
#define DERPKIT_WEBSOCKET_H

#include "ws_input.h"

struct counters;
struct outq_framing;
struct websocket;

/* Bytes of a control frame of ours. */
#define WEBSOCKET_FRAME_MAX (2 + WS_CONTROL_MAX)
/* Bytes of Pong frames that one read gives rise to. */
#define WEBSOCKET_PONGS_MAX 2048
/* Bytes that one takes. */
#define WEBSOCKET_BYTES 384

/* Binary messages without a mask. */
extern const struct outq_framing websocket_framing;

/* Returns owned; NULL when memory is short. Borrows the counters. */
struct websocket *websocket_new(struct counters *counters);
void websocket_free(struct websocket *ws);

/* Takes the frames off the n bytes at p and adds Pong frames to `pongs`. *empty
 * is how many of the frames had nothing for the reader: control frames, and
 * those without payload. Returns how many bytes at p are payload now. Nothing
 * is read once websocket_state is another than WEBSOCKET_OPEN. */
size_t websocket_input(struct websocket *ws, uint8_t *p, size_t n,
    struct writer *pongs, size_t *empty);

/* The Pong frame that had no room, in `frame`, once; or an empty slice. */
struct slice websocket_late_pong(
    struct websocket *ws, uint8_t frame[static WEBSOCKET_FRAME_MAX]);

/* What has ended the input. */
enum websocket_state {
	WEBSOCKET_OPEN,
	WEBSOCKET_CLOSED, /* by a Close frame of the client */
	WEBSOCKET_FAILED, /* by something that is not allowed */
};
enum websocket_state websocket_state(const struct websocket *ws);
/* The code to answer, and what is not allowed. */
unsigned websocket_code(const struct websocket *ws);
const char *websocket_why(const struct websocket *ws);

/* The Close frame, in `frame`; an empty slice when one was made before. A code
 * of 0: none. */
struct slice websocket_end(struct websocket *ws, unsigned code,
    struct slice reason, uint8_t frame[static WEBSOCKET_FRAME_MAX]);

#endif
