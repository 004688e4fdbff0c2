/*
 * http_owner: a connection played by the test, as http_server's owner.
 *
 *	owner_open(&o, handler);
 *	owner_feed(&o, "GET / HTTP/1.1\r\n...");
 *	check_contains(owner_text(&o), "200 OK");
 *	owner_close(&o);
 *
 * Threads: the test's own.
 */
#ifndef DERPKIT_HTTP_OWNER_H
#define DERPKIT_HTTP_OWNER_H

#include "check.h"

#include "http_server.h"

#include <stdio.h>
#include <stdlib.h>

struct owner;
typedef void owner_handler(
    struct owner *o, const struct http1_request *req, struct slice body);

struct owner {
	struct http_server server;
	owner_handler *handler;
	size_t body_max;
	/* received, not yet used */
	uint8_t in[1 << 17];
	size_t in_n;
	/* written; NUL-terminated by owner_text */
	uint8_t out[1 << 18];
	size_t out_n;
	unsigned writes;
	size_t unsent; /* what http_server is told */
	bool write_fails;
	bool close_in_write;
	/* what was called */
	unsigned requests;
	bool paused, resumed, finished;
	unsigned pauses;
	char aborted[64], refused[64];
	unsigned refused_status;
	uint64_t deadline_ms;
	/* promises */
	unsigned rooms, gones;
};

static inline size_t
owner_body_max(void *ctx, const struct http1_request *req)
{
	(void)req;
	return ((struct owner *)ctx)->body_max;
}

static inline void
owner_request(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	struct owner *o = ctx;

	check_ptr(s, &o->server);
	o->requests++;
	o->handler(o, req, body);
}

static inline void
owner_refused(void *ctx, unsigned status, const char *why)
{
	struct owner *o = ctx;

	o->refused_status = status;
	snprintf(o->refused, sizeof o->refused, "%s", why);
}

static inline size_t
owner_unsent(void *ctx)
{
	return ((struct owner *)ctx)->unsent;
}

static inline int
owner_write(void *ctx, struct slice bytes)
{
	struct owner *o = ctx;

	check(!o->finished && o->aborted[0] == '\0');
	check(o->out_n + bytes.n < sizeof o->out);
	o->writes++;
	if (o->write_fails)
		return -1;
	memcpy(o->out + o->out_n, bytes.p, bytes.n);
	o->out_n += bytes.n;
	if (o->close_in_write)
		http_server_close(&o->server);
	return 0;
}

static inline void
owner_finish(void *ctx)
{
	struct owner *o = ctx;

	check(!o->finished);
	o->finished = true;
}

static inline void
owner_abort(void *ctx, const char *why)
{
	struct owner *o = ctx;

	check(o->aborted[0] == '\0');
	snprintf(o->aborted, sizeof o->aborted, "%s", why);
}

static inline void
owner_pause(void *ctx, bool paused)
{
	struct owner *o = ctx;

	check(o->paused != paused);
	o->paused = paused;
	o->pauses++;
	o->resumed = !paused;
}

static inline void
owner_deadline(void *ctx, uint64_t after_ms)
{
	((struct owner *)ctx)->deadline_ms = after_ms;
}

static const struct http_server_events owner_events = {
	.body_max = owner_body_max,
	.request = owner_request,
	.refused = owner_refused,
	.unsent = owner_unsent,
	.write = owner_write,
	.finish = owner_finish,
	.abort = owner_abort,
	.pause = owner_pause,
	.deadline = owner_deadline,
};

/* What a promise calls. */
static inline void
owner_room(void *arg)
{
	((struct owner *)arg)->rooms++;
}

static inline void
owner_gone(void *arg)
{
	((struct owner *)arg)->gones++;
}

static inline struct http_server_promise
owner_promise(struct owner *o)
{
	return (struct http_server_promise){
		.room = owner_room, .gone = owner_gone, .arg = o
	};
}

/* Returns owned: owner_close. */
static inline struct owner *
owner_open(owner_handler *handler)
{
	struct owner *o = calloc(1, sizeof *o);

	check(o != NULL);
	o->handler = handler;
	http_server_open(&o->server, &owner_events, o);
	return o;
}

static inline void
owner_close(struct owner *o)
{
	http_server_close(&o->server);
	free(o);
}

/* Hands in what there is, as often as reading was resumed. */
static inline void
owner_run(struct owner *o)
{
	size_t used;

	do {
		o->resumed = false;
		if (o->paused)
			break;
		used = http_server_input(&o->server, slice_of(o->in, o->in_n));
		check(used <= o->in_n);
		memmove(o->in, o->in + used, o->in_n - used);
		o->in_n -= used;
	} while (o->resumed);
}

static inline void
owner_feed_bytes(struct owner *o, struct slice bytes)
{
	check(o->in_n + bytes.n <= sizeof o->in);
	memcpy(o->in + o->in_n, bytes.p, bytes.n);
	o->in_n += bytes.n;
	owner_run(o);
}

static inline void
owner_feed(struct owner *o, const char *text)
{
	owner_feed_bytes(o, slice_str(text));
}

/* What was written, as text. */
static inline const char *
owner_text(struct owner *o)
{
	o->out[o->out_n] = '\0';
	return (const char *)o->out;
}

/* Forgets what was written. */
static inline void
owner_read(struct owner *o)
{
	o->out_n = 0;
	o->writes = 0;
}

/* How often a text was written. */
static inline unsigned
owner_count(struct owner *o, const char *text)
{
	const char *at = owner_text(o);
	unsigned n = 0;

	while ((at = strstr(at, text)) != NULL) {
		n++;
		at++;
	}
	return n;
}

/* Answers with the method, the path and the body. */
static inline void
owner_echo(struct owner *o, const struct http1_request *req, struct slice body)
{
	char text[4096];
	struct writer w = writer_of(text, sizeof text);

	writer_bytes(&w, req->method.p, req->method.n);
	writer_u8(&w, ' ');
	writer_bytes(&w, req->path.p, req->path.n);
	writer_u8(&w, ' ');
	writer_bytes(&w, body.p, body.n);
	check(!w.failed);
	http_server_answer(&o->server,
	    &(struct http_server_answer){ .status = 200,
		.type = "text/plain",
		.headers = "X-A: b\r\n",
		.body = writer_slice(&w) });
}

/* The request is answered with a text that holds all the parts (NULL ends
 * them), and the connection stays open or closes. */
static inline void
owner_asks_with(
    size_t body_max, const char *request, bool stays, const char *const *parts)
{
	struct owner *o = owner_open(owner_echo);

	o->body_max = body_max;
	owner_feed(o, request);
	for (; *parts != NULL; parts++)
		check_contains(owner_text(o), *parts);
	check_int(o->finished, !stays);
	check_size(o->in_n, 0);
	owner_close(o);
}

#define owner_asks(request, stays, ...) \
	owner_asks_with(                \
	    0, request, stays, (const char *const[]){ __VA_ARGS__, NULL })
#define owner_asks_body(request, stays, ...) \
	owner_asks_with(                     \
	    8, request, stays, (const char *const[]){ __VA_ARGS__, NULL })

#endif
