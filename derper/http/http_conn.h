/*
 * http_conn: what is kept of a connection while it speaks HTTP.
 *
 * The session (conn.h) of the connection until it is upgraded or ends. Threads:
 * loop-owned.
 */
#ifndef DERPKIT_HTTP_CONN_H
#define DERPKIT_HTTP_CONN_H

#include <stdbool.h>

struct relay;

/* Time for the TLS handshake and a request, and between two requests: as
 * upstream. */
#define HTTP_CONN_MS 30000

/* What is served; immutable. */
struct http_site {
	const char *home_url; /* where "/" leads; NULL: a page of ours */
	bool home_blank;      /* which is empty */
	bool derp;            /* connections may be upgraded */
};

struct http_conn {
	const struct http_site *site; /* borrowed */
	struct relay *relay;          /* borrowed: whom upgrades go to */
	bool plain_port; /* came in on -http-port: most is sent to HTTPS */
	bool served;     /* a request was answered */
};

#endif
