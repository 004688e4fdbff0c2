/*
 * http_service_conn: one connection of an http_service: its stream, its
 * http_server, its time.
 *
 * Life: http_service_conn_open -> ... -> http_service_conn_end, which the
 * connection may also come to by itself; it is then in the list `dead`, and
 * freed by the service before the next wait. Threads: loop-owned.
 */
#ifndef DERPKIT_HTTP_SERVICE_CONN_H
#define DERPKIT_HTTP_SERVICE_CONN_H

#include "buf.h"
#include "http_service_config.h"
#include "ip_limit.h"
#include "stream.h"

/* Doubly linked; a connection is in one list. */
struct http_service_list {
	struct http_service_conn *first, *last;
};

/* What a connection uses of its service. */
struct http_service_shared {
	/* immutable */
	struct http_service_config config;
	struct stream_scratch *scratch;        /* owned by the service */
	uint8_t *room;                         /* likewise: ROOM bytes */
	struct ip_limit *connected, *admitted; /* likewise */
	/* loop-owned */
	/* idle: waiting for a request, longest first; busy: all others */
	struct http_service_list idle, busy, dead;
	bool draining; /* the loop stops with the last connection */
	struct http_service_counters counters;
};

#define HTTP_SERVICE_ROOM (HTTP_SERVICE_INPUT_MAX + STREAM_READ_ROOM)

/* Adds to a counter of http_service_counters. */
#define HTTP_SERVICE_COUNT(shared, what) \
	atomic_fetch_add(&(shared)->counters.what, 1)

struct http_service_conn {
	/* immutable after it was accepted */
	struct http_service_shared *shared;
	struct netaddr peer;
	bool connected; /* counted there */
	bool admitted;  /* likewise; else it is answered with 503 */
	/* state */
	struct stream stream;
	struct http_server http;
	struct buf saved; /* received, not yet used */
	struct loop_timer timer;
	struct http_service_conn *prev, *next;
	struct http_service_list *list;
	bool partial;   /* part of a request has come, and has its deadline */
	bool finishing; /* nothing more is written; input is dropped */
	bool ended;     /* in shared->dead */
};

/* Starts on the connected descriptor; takes it, and tls (NULL: plain). Nothing
 * is left of it when memory is short or its address has too many. */
void http_service_conn_open(struct http_service_shared *shared, int fd,
    const struct netaddr *peer, struct tls *tls);

/* Closes at once. Idempotent. */
void http_service_conn_end(struct http_service_conn *c);

/* Goes on with what was received while an answer was outstanding. */
void http_service_conn_resume(struct http_service_conn *c);

#endif
