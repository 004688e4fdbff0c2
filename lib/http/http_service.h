/*
 * http_service: HTTP on the connections of a loop, for a program that speaks
 * nothing else there.
 *
 * It accepts, carries TLS, reads requests (http_server.h), hands each to its
 * handler, and bounds what clients can take: connections in all and from one
 * address, the time of a request, the bytes that wait to be handled. When all
 * connections are in use, the one that has been idle longest is closed for a
 * newcomer. One connection too many from an address is answered with 503: the
 * Go derper admits everybody when a connection to its admission controller is
 * refused, and nobody for such an answer.
 *
 * Life: http_service_new -> http_service_listen ... -> loop_run -> (drain) ->
 * http_service_free. Threads: loop-owned; counters from any.
 */
#ifndef DERPKIT_HTTP_SERVICE_H
#define DERPKIT_HTTP_SERVICE_H

#include "http_server.h"
#include "loop.h"
#include "netaddr.h"
#include "tls.h"

#include <stdatomic.h>

#define HTTP_SERVICE_LISTENERS_MAX 16
/* Bytes of a connection that wait to be handled: a head and a body of some
 * kilobytes. Who sends more before that is closed. */
#define HTTP_SERVICE_INPUT_MAX 24576
/* How long the client has to close a connection that we have ended. */
#define HTTP_SERVICE_LINGER_MS 2000

struct http_service;
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

/* Returns owned; NULL and the reason when memory is short. */
struct http_service *http_service_new(
    const struct http_service_config *config, struct fail *why);
/* Closes everything. NULL is fine. */
void http_service_free(struct http_service *s);

/* Serves what is accepted from fd, which it takes; over TLS if `tls`: the
 * context comes with http_service_use_tls, before the loop runs. -1 and the
 * reason. */
int http_service_listen(
    struct http_service *s, int fd, bool tls, struct fail *why);

/* The context of connections from now on, of which it takes one hold. */
void http_service_use_tls(struct http_service *s, struct tls_context *tls);

/* Accepts no more, answers what has been asked, closes what is idle, and stops
 * the loop when no connection is left, or after that time. */
void http_service_drain(struct http_service *s, uint64_t after_ms);

/* Borrowed; for any thread until http_service_free. */
const struct http_service_counters *http_service_counters(
    const struct http_service *s);

/* For handlers. */

/* The connection's, to answer with. Borrowed. */
struct http_server *http_service_server(struct http_service_conn *c);
/* Unset for a client of a unix socket. Borrowed. */
const struct netaddr *http_service_peer(const struct http_service_conn *c);
/* Answers what was put off by http_server_later; outside of the handler. */
void http_service_answer(
    struct http_service_conn *c, const struct http_server_answer *answer);

#endif
