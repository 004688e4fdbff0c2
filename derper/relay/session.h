/*
 * session: DERP on a connection, from the upgrade to the end.
 *
 *   LOGIN ------------> ADMISSION ------> RUNNING
 *   ServerKey sent,     verify is         frames, see frames.h;
 *   ClientInfo is       asked             a client of the registry
 *   waited for
 *
 * Each phase is a protocol of the connection (conn.h). Threads: loop-owned.
 * Source: tailscale derp/derpserver/derpserver.go (accept, run).
 */
#ifndef DERPKIT_SESSION_H
#define DERPKIT_SESSION_H

#include "bytes.h"
#include "verify.h"

struct client;
struct conn;
struct relay;

/* Deadlines: login as upstream; admission lets verify answer first. */
#define SESSION_LOGIN_MS 10000
#define SESSION_ADMISSION_MS (VERIFY_ASK_MS + 1000)
/* Reads that a ClientInfo may come in: each copies what came before. */
#define SESSION_LOGIN_READS 512

/* The connection speaks DERP from here on. `head` is the HTTP answer to send
 * before ServerKey, or empty (fast start). not_ideal: the client has said that
 * another relay would be better for it. Ends the connection when memory is
 * short. */
void session_begin(
    struct conn *conn, struct relay *relay, struct slice head, bool not_ideal);

/* The client of a connection that is in RUNNING; NULL for any other. Borrowed
 * until the end of the turn. */
const struct client *session_client(const struct conn *conn);

#endif
