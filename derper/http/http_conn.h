/*
 * http_conn: what is kept of a connection while it speaks HTTP.
 *
 * While a request is being received or answered it is the session (conn.h) of
 * the connection; while one is waited for, a struct http_port is enough.
 * Threads: loop-owned.
 */
#ifndef DERPKIT_HTTP_CONN_H
#define DERPKIT_HTTP_CONN_H

#include "acme_page.h"
#include "connect_target.h"
#include "http_server.h"
#include "tunnel_sources.h"
#include "websocket_request.h"

struct bootstrap_dns;
struct debug_access;
struct relay;
struct worker;

/* Answers for the pages of the status, at once or later; headers, a constant,
 * are those of the answer. On the worker of the connection. */
typedef void http_debug_status(void *ctx, const struct worker *worker,
    struct http_server *s, const struct http1_request *req,
    const char *headers);

/* What the pages below /debug/ tell, by whoever knows it; immutable. Functions
 * may be called on any worker. */
struct http_debug {
	const struct debug_access *access; /* borrowed */
	const char *hostname;
	uint64_t started_ms; /* of clock_now_ms */
	bool dev;
	void *ctx;
	/* Write at most HTTP_DEBUG_MAX bytes. */
	void (*metrics)(void *ctx, struct writer *w); /* as Prometheus reads */
	void (*vars)(void *ctx, struct writer *w);    /* the same as JSON */
	/* What is wrong with the relay; true: nothing. */
	bool (*check)(void *ctx, struct writer *w);
	bool has_mesh_key;
	/* /debug/status and /debug/status.json; NULL: there are none */
	http_debug_status *status;
	http_debug_status *traffic; /* /debug/traffic; NULL: there is none */
	void *status_ctx;
};

#define HTTP_DEBUG_MAX 262144

/* What is served; immutable. */
struct http_site {
	const char *home_url; /* where "/" leads; NULL: a page of ours */
	bool home_blank;      /* which is empty */
	bool derp;            /* connections may be upgraded */
	bool ace;             /* CONNECT is served, over TLS */
	struct bootstrap_dns *bootstrap_dns; /* borrowed; NULL: no names */
	struct http_debug debug;
	struct acme_page acme; /* on the plain port */
};

/* What the connections to one port of a worker have in common; immutable, but
 * for the tunnels, which are loop-owned. */
struct http_port {
	const struct http_site *site; /* borrowed */
	struct relay *relay;          /* borrowed, the worker's */
	bool plain_port;              /* -http-port: most is sent to HTTPS */
	struct tunnel_sources tunnels;
};

struct http_conn {
	struct http_port *port; /* borrowed */
	struct http_server server;
	struct websocket_handshake handshake; /* with `websocket` */
	struct connect_target target;         /* with `tunnel` */
	bool fast_start; /* of an upgrade: ServerKey is the whole answer */
	bool websocket;  /* of an upgrade: what follows is WebSocket */
	bool tunnel;     /* of an upgrade: a CONNECT, to `target` */
	bool not_ideal;  /* of an upgrade: the client has sent Ideal-Node */
	bool resumed;    /* what was received during an answer is next */
};

#endif
