/*
 * conn_websocket: WebSocket below the protocol of a connection.
 *
 * From conn_websocket_begin on the protocol gets the payload of what is
 * received, and what it sends leaves in messages: it knows nothing of frames.
 * Threads: loop-owned.
 */
#ifndef DERPKIT_CONN_WEBSOCKET_H
#define DERPKIT_CONN_WEBSOCKET_H

#include "bytes.h"

struct conn;

/* What is received and sent from here on is framed. -1 when memory is short. */
int conn_websocket_begin(struct conn *c);

/* Takes the frames off the n bytes at p, and answers pings. Returns how many
 * bytes at p are for the protocol. */
size_t conn_websocket_input(struct conn *c, uint8_t *p, size_t n);

/* The protocol has had them: closes the connection when the client has, or has
 * done what is not allowed. */
void conn_websocket_settle(struct conn *c);

/* The socket has room again. */
void conn_websocket_writable(struct conn *c);

/* Leaves the protocol, says so to the client and waits for it to close. */
void conn_websocket_close(struct conn *c, unsigned code, const char *reason);

#endif
