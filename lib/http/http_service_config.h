/*
 * http_service_config: what an http_service is made of, and what it counts.
 *
 * Plain values. Threads: as http_service.h says.
 */
#ifndef DERPKIT_HTTP_SERVICE_CONFIG_H
#define DERPKIT_HTTP_SERVICE_CONFIG_H

#include "http_server.h"
#include "loop.h"
#include "netaddr.h"

#include <stdatomic.h>

/* Bytes of a connection that wait to be handled: a head and a body of some
 * kilobytes. Who sends more before that is closed. */
#define HTTP_SERVICE_INPUT_MAX 24576
/* How long the client has to close a connection that we have ended. */
#define HTTP_SERVICE_LINGER_MS 2000

struct http_service_conn;

struct http_service_handler {
	/* As in http_server_events. */
	size_t (*body_max)(void *ctx, const struct http1_request *req);
	/* A request: answer with the http_server of the connection, now, or
	 * after http_server_later with http_service_answer. */
	void (*request)(void *ctx, struct http_service_conn *c,
	    const struct http1_request *req, struct slice body);
	/* A connection, or a request, was refused: for the log. peer is unset
	 * for clients of a unix socket. */
	void (*refused)(void *ctx, const struct netaddr *peer, const char *why);
	void *ctx;
};

struct http_service_config {
	struct loop *loop;                   /* borrowed */
	struct http_service_handler handler; /* copied */
	size_t connections_max;
	/* from one IPv4 address or IPv6 /64; no limit on unix sockets */
	size_t connections_per_address;
	uint64_t request_ms; /* to receive a request, TLS included */
	uint64_t idle_ms;    /* between two requests */
};

/* What has been counted since the start, but for `open`. */
struct http_service_counters {
	atomic_uint_fast64_t open; /* connections now */
	atomic_uint_fast64_t accepted, requests;
	atomic_uint_fast64_t evicted;          /* idle, for a newcomer */
	atomic_uint_fast64_t refused_total;    /* closed: too many in all */
	atomic_uint_fast64_t refused_address;  /* 503, or closed */
	atomic_uint_fast64_t refused_requests; /* 400, 413, 431 */
	atomic_uint_fast64_t refused_input;    /* closed: too much at once */
	atomic_uint_fast64_t timed_out;        /* no whole request in time */
	atomic_uint_fast64_t tls_failed;       /* handshakes */
	atomic_uint_fast64_t out_of_memory, out_of_fds;
};

#endif
