/*
 * http_server: HTTP/1.1 on one connection, from the server's side.
 *
 * Knows neither sockets nor clocks nor what is served: the owner of the
 * connection hands in what was received and installs a table of functions for
 * everything else. A request is handed to the handler whole, with its body if
 * the handler wants one. It is answered in one of three ways:
 *
 *	at once		http_server_answer (or _error, _redirect) from within
 *			the handler
 *	later		http_server_later, and http_server_answer when it is
 *			known; meanwhile no further request is handled
 *	as a stream	http_server_stream, http_server_chunk ...,
 *			http_server_stream_end; now or after http_server_later
 *
 * or the connection leaves HTTP by http_server_upgrade. Requests are answered
 * in order. The connection closes after an answer when the client or the answer
 * says so, and when a body was not read: what follows could be read as a
 * request (RFC 9112 section 9.3).
 *
 * Life: http_server_open -> http_server_input ... -> http_server_close.
 * Threads: loop-owned. Source: RFC 9110, RFC 9112; texts as Go's net/http.
 */
#ifndef DERPKIT_HTTP_SERVER_H
#define DERPKIT_HTTP_SERVER_H

#include "http1.h"

/* To receive a request, from the last answer (or open) on: 30 s, as upstream.
 * To answer one that was put off. */
#define HTTP_SERVER_REQUEST_MS 30000
#define HTTP_SERVER_ANSWER_MS 30000
/* Requests handled per http_server_input: no honest client sends more at once,
 * and they hold up everybody else on the loop. */
#define HTTP_SERVER_REQUESTS_MAX 32
/* Bytes of answers that the client may leave unread. */
#define HTTP_SERVER_UNREAD_MAX 65536
/* Bytes of a body that a handler may ask for. */
#define HTTP_SERVER_BODY_MAX ((size_t)1 << 20)
/* Bytes of headers that an answer may add. */
#define HTTP_SERVER_HEADERS_MAX 16384

struct http_server;

/* What the owner of the connection installs. Immutable. No function may call
 * http_server_input; each may call http_server_close. */
struct http_server_events {
	/* requests */

	/* How many bytes of body this request may have (at most
	 * HTTP_SERVER_BODY_MAX); more is answered with 413. 0: the body is not
	 * read. NULL: never. May be called several times for one request. */
	size_t (*body_max)(void *ctx, const struct http1_request *req);
	/* A request; head and body are borrowed until this returns. Must
	 * answer, call http_server_later or http_server_upgrade. */
	void (*request)(void *ctx, struct http_server *s,
	    const struct http1_request *req, struct slice body);
	/* What came is not a request, or is too large: `status` is being
	 * answered, and the connection closes. For counters and logs. NULL:
	 * nothing to do. */
	void (*refused)(void *ctx, unsigned status, const char *why);

	/* the connection */

	/* Bytes written that the socket has not taken yet. */
	size_t (*unsent)(void *ctx);
	/* Sends bytes, keeping what the socket does not take. -1: cannot; the
	 * connection is lost. */
	int (*write)(void *ctx, struct slice bytes);
	/* Nothing more is written: close in good order once all is sent. What
	 * comes until then is to be dropped (http_server_input does that). */
	void (*finish)(void *ctx);
	/* Close at once. */
	void (*abort)(void *ctx, const char *why);
	/* true: call http_server_input no more. false: call it again, with what
	 * was not used before, even if nothing new has come. */
	void (*pause)(void *ctx, bool paused);
	/* Call http_server_timed_out after that time, unless this is called
	 * again before; 0: never. */
	void (*deadline)(void *ctx, uint64_t after_ms);
};

/* Who has promised an answer. The functions may be NULL. */
struct http_server_promise {
	/* What was streamed has been sent: there is room for more. */
	void (*room)(void *arg);
	/* The answer is not wanted any more: the connection has ended, or the
	 * time is up. Do not use the http_server after this. */
	void (*gone)(void *arg);
	void *arg;
};

enum http_server_state {
	HTTP_SERVER_READY,   /* waits for a request */
	HTTP_SERVER_HANDLED, /* the handler is running */
	HTTP_SERVER_LATER,   /* an answer was promised */
	HTTP_SERVER_STREAM,  /* an answer is being streamed */
	HTTP_SERVER_DONE,    /* finished, upgraded, ended */
};

struct http_server {
	/* immutable after http_server_open */
	const struct http_server_events *events; /* borrowed */
	void *ctx;                               /* of the events */

	uint8_t state; /* enum http_server_state */
	/* of the request that is being answered */
	bool head : 1;    /* HEAD: no body */
	bool chunked : 1; /* the client knows chunks */
	bool close : 1;   /* close after the answer */
	/* of the connection */
	bool served : 1;    /* something was answered */
	bool partial : 1;   /* part of a request has come */
	bool continued : 1; /* "100 Continue" was sent for it */
	bool upgraded : 1;  /* DONE, and the input is another protocol's */
	bool paused : 1;
	bool inside : 1; /* http_server_input is running */
	uint32_t need;   /* bytes of the request to wait for */
	struct http_server_promise promise; /* LATER, STREAM */
};

/* Starts; sets the deadline for the first request. events and ctx are
 * borrowed until http_server_close. */
void http_server_open(
    struct http_server *s, const struct http_server_events *events, void *ctx);

/* The connection has ended, or is about to: tells who has promised an answer.
 * No event is called after this. Idempotent. */
void http_server_close(struct http_server *s);

/*
 * Handles the requests at the front of `in`, all that was received and not yet
 * used. Returns how many bytes were used: keep the rest, at most
 * HTTP1_HEAD_MAX + HTTP_SERVER_BODY_MAX + HTTP1_HEAD_MAX bytes, and hand it in
 * again with what comes next. After http_server_upgrade the rest belongs to the
 * other protocol; after `finish` everything is used and dropped.
 */
size_t http_server_input(struct http_server *s, struct slice in);

/* All that was written has been sent, or nearly: a streamed answer goes on. */
void http_server_writable(struct http_server *s);

enum http_server_timeout {
	HTTP_SERVER_NO_REQUEST, /* no request, or not all of one: close */
	HTTP_SERVER_IDLE,       /* no further request: close */
	HTTP_SERVER_NO_ANSWER,  /* 503 was answered for the handler */
};
/* The deadline has passed. For the first two outcomes nothing was called: the
 * owner closes the connection. */
enum http_server_timeout http_server_timed_out(struct http_server *s);

/* Whether the connection has become another protocol's. */
bool http_server_upgraded(const struct http_server *s);

/* Whether nothing is kept: no part of a request has come, and all are answered.
 * It may be closed, and opened again when more comes. */
bool http_server_idle(const struct http_server *s);

/* For handlers. All are ignored when the connection has ended. */

struct http_server_answer {
	unsigned status;
	const char *type;    /* Content-Type; NULL: none */
	const char *headers; /* more header lines, each with CRLF; or NULL */
	struct slice body;   /* not sent to HEAD */
	bool close;          /* close the connection after it */
};

/* Answers; adds Date, Content-Length (not for 204) and Connection. */
void http_server_answer(
    struct http_server *s, const struct http_server_answer *a);

/* A plain-text error in the form of Go's http.Error. */
void http_server_error(
    struct http_server *s, unsigned status, const char *text);

/* A redirect; `to` is any text without line ends. */
void http_server_redirect(
    struct http_server *s, unsigned status, struct slice to);

/* Promises an answer within HTTP_SERVER_ANSWER_MS. */
void http_server_later(
    struct http_server *s, const struct http_server_promise *promise);

enum http_server_room {
	HTTP_SERVER_ROOM, /* go on */
	HTTP_SERVER_FULL, /* stop until promise->room is called */
	HTTP_SERVER_GONE, /* the connection has ended; `gone` is not called */
};

/*
 * Starts an answer of unknown length: `a`, whose body is not looked at. Chunks
 * for HTTP/1.1; for HTTP/1.0 the end of the connection is its end. There is no
 * deadline but the connection's own. promise->room is called as often as there
 * is room again.
 */
enum http_server_room http_server_stream(struct http_server *s,
    const struct http_server_answer *a,
    const struct http_server_promise *promise);
/* Adds bytes to it. A handler that goes on although it is full loses the
 * connection when more than HTTP_SERVER_UNREAD_MAX bytes are unsent. */
enum http_server_room http_server_chunk(
    struct http_server *s, struct slice bytes);
void http_server_stream_end(struct http_server *s);

/* Leaves HTTP: nothing more is written, and no event called but pause(false)
 * where the answer had been put off. The caller sends "101 Switching Protocols"
 * itself where one is due. */
void http_server_upgrade(struct http_server *s);

#endif
