/*
 * http: HTTP requests on a connection that is not DERP yet.
 *
 * The first protocol of every connection; what is asked for is decided in
 * routes.c. Threads: loop-owned.
 */
#ifndef DERPKIT_HTTP_H
#define DERPKIT_HTTP_H

#include "http_conn.h"

struct conn;

/* What the connections to one port of a worker have in common; immutable. */
struct http_port {
	const struct http_site *site; /* borrowed */
	struct relay *relay;          /* borrowed, the worker's */
	bool plain_port;              /* -http-port */
};

/* For service_port.accepted: ctx is a struct http_port. */
int http_accepted(void *ctx, struct conn *c);

#endif
