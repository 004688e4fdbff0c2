/*
 * http: HTTP requests on a connection that is not DERP yet.
 *
 * Binds the connection (conn.h) to lib/http's server side; what is answered is
 * decided in routes.c. The first protocol of every connection, in three phases:
 *
 *   FIRST ----------> REQUEST <----------> IDLE
 *   TLS handshake;    some of a request    waits for
 *   nothing asked     is here, or its      another request
 *   yet               answer is not out
 *
 * Only in REQUEST is there any memory of its own. Threads: loop-owned.
 */
#ifndef DERPKIT_HTTP_H
#define DERPKIT_HTTP_H

struct conn;

/* For service_port.accepted: ctx is a struct http_port, borrowed for as long as
 * there are connections. */
int http_accepted(void *ctx, struct conn *c);

#endif
