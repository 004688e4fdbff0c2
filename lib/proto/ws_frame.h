/*
 * ws_frame: frames of WebSocket as a server reads and writes them.
 *
 *  bit 0     4       8       15
 *   FIN RSV  opcode  mask len  [len of 16 or 64 bits] [mask of 32 bits] payload
 *
 * Source: RFC 6455 section 5.2. Threads: pure functions.
 */
#ifndef DERPKIT_WS_FRAME_H
#define DERPKIT_WS_FRAME_H

#include "bytes.h"

#define WS_MASK 4
#define WS_HEAD_MAX 14     /* bytes of the longest head */
#define WS_CONTROL_MAX 125 /* bytes of payload of a control frame */

enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10,
};

/* Codes of Close frames (section 7.4.1). */
enum ws_close_code {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_PROTOCOL_ERROR = 1002,
	WS_CLOSE_UNSUPPORTED_DATA = 1003,
	WS_CLOSE_INVALID_TEXT = 1007,
	WS_CLOSE_POLICY = 1008,
	WS_CLOSE_TOO_LARGE = 1009,
};

struct ws_head {
	uint64_t len; /* bytes of payload */
	uint8_t mask[WS_MASK];
	uint8_t opcode; /* enum ws_opcode, or one that is not defined */
	bool fin;       /* the last frame of its message */
	bool reserved;  /* a reserved bit is set */
	bool masked;
};

/* Reads the head at the front of `in`. Returns its length; 0 while more is
 * needed. Nothing is judged but that it is whole. */
size_t ws_head_parse(struct slice in, struct ws_head *head);

/* Writes the head of a whole, unmasked message or control frame with n bytes of
 * payload. Returns its length, at most WS_HEAD_MAX - WS_MASK. */
size_t ws_head_put(
    uint8_t out[static WS_HEAD_MAX], enum ws_opcode opcode, size_t n);

/* Writes a Close frame, unmasked; what is too long of the reason is cut. */
void ws_close_put(struct writer *w, unsigned code, struct slice reason);

/* Copies n bytes from `from` to `to`, which may lie before it and overlap, and
 * takes the mask off: payload from its at-th byte on. */
void ws_unmask(uint8_t *to, const uint8_t *from, size_t n,
    const uint8_t mask[static WS_MASK], uint64_t at);

#endif
