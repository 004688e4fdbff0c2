/*
 * ws_input: what a WebSocket client sends, as a stream of bytes.
 *
 * Payloads of binary messages are put one after the other, over the heads that
 * were between them, so that the reader sees a stream in which neither messages
 * nor frames show. Control frames may come between the frames of a message;
 * what is not whole of a head or a control frame is kept, at most
 * WS_CONTROL_MAX bytes, and of everything else nothing.
 *
 * Source: RFC 6455 sections 5 and 7; limits as coder/websocket read.go, which
 * upstream uses. Threads: plain values on memory of the caller.
 */
#ifndef DERPKIT_WS_INPUT_H
#define DERPKIT_WS_INPUT_H

#include "ws_frame.h"

/* Bytes of one message, however many frames it is in; also upstream's, and what
 * its client takes from a relay. */
#define WS_MESSAGE_MAX 32768
/* Frames of one message. DIFFERS: upstream has no limit, and neither peers that
 * send such messages; without one a message of empty frames never ends. */
#define WS_FRAGMENTS_MAX 4096

enum ws_event {
	WS_EVENT_MORE, /* everything is used; go on when more has come */
	WS_EVENT_PING, /* with in->control */
	WS_EVENT_PONG,
	WS_EVENT_CLOSE, /* in->code is the client's, or 0 when it gave none */
	WS_EVENT_BAD,   /* in->code is to be answered, in->why tells; the end */
};

struct ws_input {
	uint64_t at; /* bytes that came of the payload of the frame */
	struct ws_head frame;
	bool in_frame;        /* it is not whole yet */
	bool in_message;      /* there are frames of it to come */
	uint32_t message_len; /* bytes of it so far */
	uint32_t fragments;   /* frames of it so far */
	uint64_t empty;       /* frames without payload for the reader so far */
	const char *why;
	unsigned code;       /* enum ws_close_code, or a client's */
	uint8_t kept_len;    /* of `kept` */
	uint8_t control_len; /* of `control` */
	uint8_t kept[WS_HEAD_MAX];
	uint8_t control[WS_CONTROL_MAX]; /* payload of a control frame */
};

/* Bytes on their way through a ws_input, which lie in one piece of memory. */
struct ws_bytes {
	uint8_t *to;               /* where payload goes; at most `from` */
	const uint8_t *from, *end; /* what has not been looked at */
};

/* Goes on until something has happened or everything is used: moves payload to
 * bytes->to. A ws_input is all zero at first. Not to be called after
 * WS_EVENT_CLOSE or WS_EVENT_BAD. */
enum ws_event ws_input_next(struct ws_input *in, struct ws_bytes *bytes);

#endif
