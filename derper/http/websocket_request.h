/*
 * websocket_request: the handshake of WebSocket for /derp.
 *
 * Threads: pure functions. Source: RFC 6455 section 4.2; tailscale
 * derp/derpserver/websocket.go, and coder/websocket accept.go, whose texts
 * these are.
 */
#ifndef DERPKIT_WEBSOCKET_REQUEST_H
#define DERPKIT_WEBSOCKET_REQUEST_H

#include "http1.h"

/* Text of Sec-WebSocket-Accept, with the NUL. */
#define WEBSOCKET_ACCEPT_TEXT 29

/* What the answer to a handshake holds. */
struct websocket_handshake {
	char accept[WEBSOCKET_ACCEPT_TEXT];
	char protocol[5]; /* "derp" as the client spells it; or empty: none */
};

/* Why a handshake is refused. */
struct websocket_refusal {
	unsigned status;
	const char *headers; /* more lines of the answer, each with CRLF */
	char text[384];
};

/* Whether the request is meant for WebSocket. Ancient clients say "Upgrade:
 * WebSocket" and speak raw DERP: they name no protocol. */
bool websocket_request_is(const struct http1_request *req);

/* Judges the handshake: 0 and what to answer, or -1 and why not. */
int websocket_request_judge(const struct http1_request *req,
    struct websocket_handshake *handshake, struct websocket_refusal *refusal);

/* Writes "101 Switching Protocols". */
void websocket_request_accept(
    struct writer *w, const struct websocket_handshake *handshake);

#endif
