/*
 * load_framing: WebSocket below a client of the load generator.
 *
 * The client's side of it, as little as a relay needs to be loaded: messages
 * of one frame out, and the payload of whatever messages come in. Threads:
 * belongs to its peer.
 * Source: RFC 6455 section 5.
 */
#ifndef DERPKIT_LOAD_FRAMING_H
#define DERPKIT_LOAD_FRAMING_H

#include "ws_frame.h"

struct fail;

struct load_framing {
	uint64_t
	    left; /* bytes of payload to come of the frame that has begun */
	uint8_t kept[WS_HEAD_MAX]; /* of a head that is not whole */
	uint8_t kept_len;
	uint32_t mask; /* of the last message */
};

/* Writes the request that asks for it, as a browser does. */
void load_framing_request(struct writer *w, const char *host);

/* Takes the frames off the n bytes at p: their payload is moved together.
 * Returns its length; -1 and the reason when they are not messages of a server
 * that is content. */
int64_t load_framing_take(
    struct load_framing *framing, uint8_t *p, size_t n, struct fail *why);

/* Writes a whole, masked message. */
void load_framing_put(
    struct load_framing *framing, struct writer *w, struct slice payload);

#endif
