/* http_server: see http_server.h. */
#include "http_server.h"

#include "clock.h"
#include "html.h"
#include "http_body.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHUNK_MAX 16384                           /* bytes of one chunk */
#define HEAD_MAX (HTTP_SERVER_HEADERS_MAX + 1024) /* bytes of an answer's */
#define WRITE_MAX (HEAD_MAX + 7168) /* what is copied to be sent at once */
#define URL_MAX 8192                /* bytes of a redirect's target */

static size_t one_request(struct http_server *s, struct slice in, bool last);
static size_t with_body(struct http_server *s, const struct http1_request *req,
    size_t head, struct slice after, bool last);
static void handle(struct http_server *s, const struct http1_request *req,
    struct slice body, bool close);
static size_t refuse(
    struct http_server *s, struct slice in, unsigned status, const char *why);

void
http_server_open(
    struct http_server *s, const struct http_server_events *events, void *ctx)
{
	*s = (struct http_server){ .events = events, .ctx = ctx };
	events->deadline(ctx, HTTP_SERVER_REQUEST_MS);
}

/* The promise is kept or void: it is the handler's no more. */
static struct http_server_promise
take_promise(struct http_server *s)
{
	const struct http_server_promise promise = s->promise;

	s->promise = (struct http_server_promise){ 0 };
	return promise;
}

void
http_server_close(struct http_server *s)
{
	const struct http_server_promise promise = take_promise(s);

	s->state = HTTP_SERVER_DONE;
	if (promise.gone != NULL)
		promise.gone(promise.arg);
}

bool
http_server_upgraded(const struct http_server *s)
{
	return s->upgraded;
}

bool
http_server_idle(const struct http_server *s)
{
	return s->state == HTTP_SERVER_READY && !s->partial;
}

/* While an answer is outstanding no input is wanted. */
static void
update_pause(struct http_server *s)
{
	const bool pause =
	    s->state == HTTP_SERVER_LATER || s->state == HTTP_SERVER_STREAM;

	if (s->inside || s->paused == pause)
		return;
	s->paused = pause;
	s->events->pause(s->ctx, pause);
}

static void
finish(struct http_server *s)
{
	s->state = HTTP_SERVER_DONE;
	update_pause(s);
	s->events->finish(s->ctx);
}

/* Sends bytes. -1 when the connection is over. */
static int
put(struct http_server *s, struct slice bytes)
{
	if (s->events->unsent(s->ctx) > HTTP_SERVER_UNREAD_MAX) {
		s->state = HTTP_SERVER_DONE;
		s->events->abort(s->ctx, "the client reads no answers");
		return -1;
	}
	if (s->events->write(s->ctx, bytes) == -1)
		s->state = HTTP_SERVER_DONE;
	return s->state == HTTP_SERVER_DONE ? -1 : 0;
}

size_t
http_server_input(struct http_server *s, struct slice in)
{
	struct reader r = { .rest = in };
	unsigned requests = 0;
	size_t step = 1;

	s->inside = true;
	while (s->state == HTTP_SERVER_READY && r.rest.n > 0 && step > 0) {
		step = one_request(
		    s, r.rest, ++requests == HTTP_SERVER_REQUESTS_MAX);
		(void)reader_take(&r, step);
	}
	s->inside = false;
	if (s->state == HTTP_SERVER_DONE && !s->upgraded)
		(void)reader_take(&r, r.rest.n);
	s->partial = r.rest.n > 0;
	update_pause(s);
	return in.n - r.rest.n;
}

/* Handles the request at the front; how many bytes it was, 0 when it is not
 * whole. */
static size_t
one_request(struct http_server *s, struct slice in, bool last)
{
	struct http1_request req;
	struct reader r = { .rest = in };
	size_t head;

	if (in.n < s->need)
		return 0;
	s->need = 0;
	switch (http1_request_parse(in, &req, &head)) {
	case HTTP1_MORE:
		return 0;
	case HTTP1_BAD:
		return refuse(s, in, 400, "not a valid HTTP request");
	case HTTP1_TOO_LONG:
		return refuse(s, in, 431, "request head too long");
	case HTTP1_OK:
		break;
	}
	(void)reader_take(&r, head);
	return with_body(s, &req, head, r.rest, last);
}

static struct slice
header(const struct http1_request *req, const char *name)
{
	return http1_header(req->headers, req->header_count, name);
}

static bool
client_closes(const struct http1_request *req)
{
	const struct slice connection = header(req, "Connection");

	return http1_has_token(connection, "close") ||
	    (req->minor == 0 && !http1_has_token(connection, "keep-alive"));
}

/* Waits for the rest of a body, which the client may be waiting to send. */
static void
want_body(struct http_server *s, const struct http1_request *req, size_t need)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	s->need = (uint32_t)need;
	if (s->continued || req->minor == 0 ||
	    !http1_has_token(header(req, "Expect"), "100-continue"))
		return;
	s->continued = true;
	(void)put(s, slice_of(go_on, sizeof go_on - 1));
}

/* Handles a request whose body has been found. Chunks are put together for as
 * long as the handler runs. */
static void
handle_body(struct http_server *s, const struct http1_request *req,
    const struct http_body *body, bool close)
{
	uint8_t *bytes;
	struct writer w;

	if (!body->chunked || body->len == 0) {
		handle(s, req, slice_of(body->wire.p, body->len), close);
		return;
	}
	bytes = malloc(body->len);
	if (bytes == NULL) {
		s->state = HTTP_SERVER_DONE;
		s->events->abort(s->ctx, "out of memory");
		return;
	}
	w = writer_of(bytes, body->len);
	http_body_copy(body, &w);
	handle(s, req, writer_slice(&w), close);
	free(bytes);
}

/* Handles a request when its body is whole, or not wanted. */
static size_t
with_body(struct http_server *s, const struct http1_request *req, size_t head,
    struct slice after, bool last)
{
	const bool close = last || client_closes(req);
	struct http_body body;
	size_t max;

	max =
	    s->events->body_max == NULL ? 0 : s->events->body_max(s->ctx, req);
	if (max > HTTP_SERVER_BODY_MAX)
		max = HTTP_SERVER_BODY_MAX;
	if (max == 0) {
		handle(
		    s, req, slice_of(NULL, 0), close || http_body_follows(req));
		return head;
	}
	switch (http_body_find(req, after, max, &body)) {
	case HTTP_BODY_MORE:
		want_body(s, req, head + body.need);
		return 0;
	case HTTP_BODY_BAD:
		return refuse(s, after, 400, "malformed body") + head;
	case HTTP_BODY_TOO_LONG:
		return refuse(s, after, 413, "request body too long") + head;
	case HTTP_BODY_OK:
		break;
	}
	handle_body(s, req, &body, close);
	return head + body.wire.n;
}

static void
handle(struct http_server *s, const struct http1_request *req,
    struct slice body, bool close)
{
	s->state = HTTP_SERVER_HANDLED;
	s->head = slice_is(req->method, "HEAD");
	s->chunked = req->minor > 0;
	s->close = close;
	s->continued = false;
	s->events->request(s->ctx, s, req, body);
	if (s->state == HTTP_SERVER_HANDLED)
		http_server_error(s, 500, "no answer");
}

/* Answers what is not a request, in the form of Go's server, and closes. Uses
 * all input. */
static size_t
refuse(struct http_server *s, struct slice in, unsigned status, const char *why)
{
	char text[256];
	const char *reason = http1_reason(status);
	int n = snprintf(text, sizeof text,
	    "HTTP/1.1 %u %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Connection: close\r\n\r\n%u %s",
	    status, reason, status, reason);

	if (s->events->refused != NULL)
		s->events->refused(s->ctx, status, why);
	if (s->state != HTTP_SERVER_DONE &&
	    put(s, slice_of(text, (size_t)n)) == 0)
		finish(s);
	return in.n;
}

void
http_server_writable(struct http_server *s)
{
	if (s->state == HTTP_SERVER_STREAM && s->promise.room != NULL &&
	    s->events->unsent(s->ctx) == 0)
		s->promise.room(s->promise.arg);
}

enum http_server_timeout
http_server_timed_out(struct http_server *s)
{
	struct http_server_promise promise;

	if (s->state == HTTP_SERVER_READY)
		return s->served && !s->partial ? HTTP_SERVER_IDLE
						: HTTP_SERVER_NO_REQUEST;
	if (s->state == HTTP_SERVER_LATER) {
		promise = take_promise(s);
		if (promise.gone != NULL)
			promise.gone(promise.arg);
		s->close = true;
		http_server_error(s, 503, "no answer in time");
	}
	return HTTP_SERVER_NO_ANSWER;
}

static void
put_date(struct writer *w)
{
	char text[64];
	const time_t now = (time_t)clock_wall_s();
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	writer_printf(w, "Date: %s\r\n", text);
}

/* The head of an answer, up to what tells the body's length. */
static void
put_head(
    struct http_server *s, struct writer *w, const struct http_server_answer *a)
{
	writer_printf(
	    w, "HTTP/1.1 %u %s\r\n", a->status, http1_reason(a->status));
	if (a->type != NULL)
		writer_printf(w, "Content-Type: %s\r\n", a->type);
	if (a->headers != NULL)
		writer_bytes(w, a->headers, strlen(a->headers));
	put_date(w);
	s->close = s->close || a->close;
}

static void
put_head_end(const struct http_server *s, struct writer *w)
{
	writer_printf(w, "%s\r\n", s->close ? "Connection: close\r\n" : "");
}

/* Whether the handler may answer now. */
static bool
may_answer(const struct http_server *s)
{
	return s->state == HTTP_SERVER_HANDLED || s->state == HTTP_SERVER_LATER;
}

static void
end_answer(struct http_server *s)
{
	s->served = true;
	if (s->close) {
		finish(s);
		return;
	}
	s->state = HTTP_SERVER_READY;
	s->events->deadline(s->ctx, HTTP_SERVER_REQUEST_MS);
	update_pause(s);
}

void
http_server_answer(struct http_server *s, const struct http_server_answer *a)
{
	uint8_t bytes[WRITE_MAX];
	struct writer w = writer_of(bytes, HEAD_MAX);
	struct slice body = s->head ? slice_of(NULL, 0) : a->body;

	if (!may_answer(s))
		return;
	put_head(s, &w, a);
	if (a->status != 204)
		writer_printf(&w, "Content-Length: %zu\r\n", a->body.n);
	put_head_end(s, &w);
	if (w.failed) {
		http_server_error(s, 500, "answer too long");
		return;
	}
	(void)take_promise(s);
	w.cap = sizeof bytes;
	if (body.n <= w.cap - w.n) { /* most fit: one packet */
		writer_bytes(&w, body.p, body.n);
		body.n = 0;
	}
	if (put(s, writer_slice(&w)) == -1 ||
	    (body.n > 0 && put(s, body) == -1))
		return;
	end_answer(s);
}

void
http_server_error(struct http_server *s, unsigned status, const char *text)
{
	char body[256];
	struct writer w = writer_of(body, sizeof body);

	writer_printf(&w, "%s\n", text);
	assert(!w.failed);
	http_server_answer(s,
	    &(struct http_server_answer){ .status = status,
		.type = "text/plain; charset=utf-8",
		.headers = "X-Content-Type-Options: nosniff\r\n",
		.body = writer_slice(&w) });
}

void
http_server_redirect(struct http_server *s, unsigned status, struct slice to)
{
	char headers[URL_MAX], body[URL_MAX];
	struct writer h = writer_of(headers, sizeof headers - 1);
	struct writer b = writer_of(body, sizeof body);

	writer_printf(&h, "Location: ");
	writer_bytes(&h, to.p, to.n);
	writer_printf(&h, "\r\n");
	writer_printf(&b, "<a href=\"");
	html_escape(&b, to);
	writer_printf(&b, "\">%s</a>.\n\n", http1_reason(status));
	if (h.failed || b.failed) {
		http_server_error(s, 414, "URI Too Long");
		return;
	}
	headers[h.n] = '\0';
	http_server_answer(s,
	    &(struct http_server_answer){ .status = status,
		.type = "text/html; charset=utf-8",
		.headers = headers,
		.body = writer_slice(&b) });
}

void
http_server_later(
    struct http_server *s, const struct http_server_promise *promise)
{
	if (s->state != HTTP_SERVER_HANDLED)
		return;
	s->state = HTTP_SERVER_LATER;
	s->promise = *promise;
	s->events->deadline(s->ctx, HTTP_SERVER_ANSWER_MS);
}

static enum http_server_room
room(struct http_server *s)
{
	if (s->state != HTTP_SERVER_STREAM)
		return HTTP_SERVER_GONE;
	return s->events->unsent(s->ctx) == 0 ? HTTP_SERVER_ROOM
					      : HTTP_SERVER_FULL;
}

enum http_server_room
http_server_stream(struct http_server *s, const struct http_server_answer *a,
    const struct http_server_promise *promise)
{
	uint8_t bytes[HEAD_MAX];
	struct writer w = writer_of(bytes, sizeof bytes);

	if (!may_answer(s))
		return HTTP_SERVER_GONE;
	(void)take_promise(s);
	s->close = s->close || !s->chunked; /* which ends the body */
	put_head(s, &w, a);
	if (s->chunked)
		writer_printf(&w, "Transfer-Encoding: chunked\r\n");
	put_head_end(s, &w);
	if (w.failed) {
		http_server_error(s, 500, "answer too long");
		return HTTP_SERVER_GONE;
	}
	s->state = HTTP_SERVER_STREAM;
	s->events->deadline(s->ctx, 0);
	if (put(s, writer_slice(&w)) == -1)
		return HTTP_SERVER_GONE;
	s->promise = *promise;
	update_pause(s);
	return room(s);
}

/* Sends at most CHUNK_MAX bytes as one chunk. */
static int
put_chunk(struct http_server *s, struct slice part)
{
	uint8_t bytes[CHUNK_MAX + 16];
	struct writer w = writer_of(bytes, sizeof bytes);

	if (!s->chunked)
		return put(s, part);
	writer_printf(&w, "%zx\r\n", part.n);
	writer_bytes(&w, part.p, part.n);
	writer_printf(&w, "\r\n");
	return put(s, writer_slice(&w));
}

enum http_server_room
http_server_chunk(struct http_server *s, struct slice bytes)
{
	struct reader r = { .rest = bytes };
	struct http_server_promise promise;

	if (s->state != HTTP_SERVER_STREAM)
		return HTTP_SERVER_GONE;
	if (s->head)
		return HTTP_SERVER_ROOM;
	/* who is told so here need not be told by `gone` */
	promise = take_promise(s);
	while (r.rest.n > 0)
		if (put_chunk(s,
			reader_take(&r,
			    r.rest.n < CHUNK_MAX ? r.rest.n : CHUNK_MAX)) == -1)
			return HTTP_SERVER_GONE;
	s->promise = promise;
	return room(s);
}

void
http_server_stream_end(struct http_server *s)
{
	static const char last[] = "0\r\n\r\n";

	if (s->state != HTTP_SERVER_STREAM)
		return;
	(void)take_promise(s);
	if (s->chunked && !s->head &&
	    put(s, slice_of(last, sizeof last - 1)) == -1)
		return;
	end_answer(s);
}

void
http_server_upgrade(struct http_server *s)
{
	if (!may_answer(s))
		return;
	(void)take_promise(s);
	s->upgraded = true;
	s->state = HTTP_SERVER_DONE;
	update_pause(s);
}
