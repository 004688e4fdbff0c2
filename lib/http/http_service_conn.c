/* http_service_conn: see http_service_conn.h. */
#include "http_service_conn.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct http_server_events events;

/* ---- lists */

static void
unlink_conn(struct http_service_conn *c)
{
	struct http_service_list *list = c->list;

	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		list->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		list->last = c->prev;
}

static void
append(struct http_service_list *list, struct http_service_conn *c)
{
	c->list = list;
	c->next = NULL;
	c->prev = list->last;
	if (list->last != NULL)
		list->last->next = c;
	else
		list->first = c;
	list->last = c;
}

static void
move(struct http_service_list *list, struct http_service_conn *c)
{
	unlink_conn(c);
	append(list, c);
}

/* ---- the end of a connection */

static void
set_timer(struct http_service_conn *c, uint64_t after_ms)
{
	struct loop *loop = c->shared->config.loop;

	/* without a timer it lives until the client ends it, or is evicted */
	(void)loop_timer_set(loop, &c->timer, loop_now_ms(loop) + after_ms);
}

static void
leave(const struct http_service_conn *c)
{
	if (c->connected)
		ip_limit_leave(c->shared->connected, &c->peer);
	if (c->admitted)
		ip_limit_leave(c->shared->admitted, &c->peer);
}

void
http_service_conn_end(struct http_service_conn *c)
{
	struct http_service_shared *s = c->shared;

	if (c->ended)
		return;
	c->ended = true;
	http_server_close(&c->http);
	stream_close(&c->stream);
	loop_timer_clear(s->config.loop, &c->timer);
	leave(c);
	buf_clear(&c->saved);
	move(&s->dead, c);
	atomic_fetch_sub(&s->counters.open, 1);
	if (s->draining && s->idle.first == NULL && s->busy.first == NULL)
		loop_stop(s->config.loop);
}

static void
refuse(struct http_service_conn *c, const char *why)
{
	c->shared->config.handler.refused(
	    c->shared->config.handler.ctx, &c->peer, why);
}

/* ---- what the HTTP server wants of the connection */

static size_t
server_body_max(void *ctx, const struct http1_request *req)
{
	const struct http_service_conn *c = ctx;

	return c->shared->config.handler.body_max(
	    c->shared->config.handler.ctx, req);
}

static void
server_request(void *ctx, struct http_server *http,
    const struct http1_request *req, struct slice body)
{
	struct http_service_conn *c = ctx;
	const struct http_service_handler *handler = &c->shared->config.handler;

	if (c->connected && !c->admitted) {
		http->close = true;
		http_server_error(
		    http, 503, "too many connections from this address");
		return;
	}
	HTTP_SERVICE_COUNT(c->shared, requests);
	if (c->shared->draining)
		http->close = true;
	handler->request(handler->ctx, c, req, body);
}

static void
server_refused(void *ctx, unsigned status, const char *why)
{
	struct http_service_conn *c = ctx;

	(void)status;
	HTTP_SERVICE_COUNT(c->shared, refused_requests);
	refuse(c, why);
}

static size_t
server_unsent(void *ctx)
{
	const struct http_service_conn *c = ctx;

	return stream_unsent(&c->stream);
}

static int
server_write(void *ctx, struct slice bytes)
{
	struct http_service_conn *c = ctx;
	struct reader r = { .rest = bytes };
	size_t taken = 1;

	while (r.rest.n > 0 && taken > 0 && !stream_blocked(&c->stream)) {
		if (stream_send(&c->stream, r.rest, &taken) == -1) {
			http_service_conn_end(c);
			return -1;
		}
		(void)reader_take(&r, taken);
	}
	if (stream_keep(&c->stream, r.rest) == -1) {
		HTTP_SERVICE_COUNT(c->shared, out_of_memory);
		http_service_conn_end(c);
		return -1;
	}
	return 0;
}

static void
server_finish(void *ctx)
{
	struct http_service_conn *c = ctx;

	if (c->ended)
		return;
	c->finishing = true;
	if (!stream_blocked(&c->stream))
		stream_shutdown(&c->stream);
	set_timer(c, HTTP_SERVICE_LINGER_MS);
}

static void
server_abort(void *ctx, const char *why)
{
	struct http_service_conn *c = ctx;

	refuse(c, why);
	http_service_conn_end(c);
}

static void
server_pause(void *ctx, bool paused)
{
	struct http_service_conn *c = ctx;

	stream_pause(&c->stream, paused);
}

static void
server_deadline(void *ctx, uint64_t after_ms)
{
	struct http_service_conn *c = ctx;
	const struct http_service_config *config = &c->shared->config;

	if (c->http.state == HTTP_SERVER_READY) {
		c->partial = false;
		after_ms =
		    c->http.served ? config->idle_ms : config->request_ms;
	}
	if (after_ms == 0)
		loop_timer_clear(config->loop, &c->timer);
	else
		set_timer(c, after_ms);
}

static const struct http_server_events events = {
	.body_max = server_body_max,
	.request = server_request,
	.refused = server_refused,
	.unsent = server_unsent,
	.write = server_write,
	.finish = server_finish,
	.abort = server_abort,
	.pause = server_pause,
	.deadline = server_deadline,
};

/* ---- input */

static void
note_state(struct http_service_conn *c)
{
	struct http_service_shared *s = c->shared;
	struct http_service_list *list =
	    http_server_idle(&c->http) ? &s->idle : &s->busy;

	move(list, c); /* to its end: it was just heard from */
	if (c->http.state != HTTP_SERVER_READY || !c->http.partial ||
	    c->partial)
		return;
	/* the rest of it has its time from now on */
	c->partial = true;
	set_timer(c, s->config.request_ms);
}

/* After something was handled: what is not used is kept, an idle connection is
 * closed when the service ends. */
static void
after_input(struct http_service_conn *c, struct slice rest)
{
	if (c->ended)
		return;
	buf_clear(&c->saved);
	if (rest.n > HTTP_SERVICE_INPUT_MAX) {
		HTTP_SERVICE_COUNT(c->shared, refused_input);
		refuse(c, "more input than a request may have");
		http_service_conn_end(c);
		return;
	}
	if (rest.n > 0 && buf_append(&c->saved, rest.p, rest.n) == -1) {
		HTTP_SERVICE_COUNT(c->shared, out_of_memory);
		http_service_conn_end(c);
		return;
	}
	note_state(c);
	if (c->shared->draining && http_server_idle(&c->http) && !c->finishing)
		server_finish(c);
}

/* Hands over the first n bytes of the room. */
static void
feed(struct http_service_conn *c, size_t n)
{
	struct reader r = { .rest = slice_of(c->shared->room, n) };

	if (c->finishing)
		return;
	(void)reader_take(&r, http_server_input(&c->http, r.rest));
	after_input(c, r.rest);
}

void
http_service_conn_resume(struct http_service_conn *c)
{
	const struct slice saved = buf_slice(&c->saved);

	if (c->ended)
		return;
	if (saved.n > 0)
		memcpy(c->shared->room, saved.p, saved.n);
	feed(c, saved.n);
}

/* Handshakes that port scanners break off are not worth a line. */
static void
read_failed(struct http_service_conn *c, const struct fail *why)
{
	if (c->stream.tls == NULL || stream_established(&c->stream))
		return;
	HTTP_SERVICE_COUNT(c->shared, tls_failed);
	if (tls_saw_http(c->stream.tls))
		refuse(c, "a plain HTTP request on a TLS port: use https");
	else if (why->text[0] != '\0')
		refuse(c, why->text);
}

static void
readable(struct http_service_conn *c)
{
	struct writer plain = writer_of(c->shared->room, HTTP_SERVICE_ROOM);
	const struct slice saved = buf_slice(&c->saved);
	enum stream_status status;
	struct fail why = { 0 };

	if (saved.n > 0)
		writer_bytes(&plain, saved.p, saved.n);
	status = stream_read(&c->stream, STREAM_CHUNK, &plain, &why);
	if (status == STREAM_EMPTY)
		return;
	if (plain.n > saved.n)
		feed(c, plain.n);
	if (c->ended || status == STREAM_OK)
		return;
	read_failed(c, &why);
	http_service_conn_end(c);
}

static void
writable(struct http_service_conn *c)
{
	if (stream_writable(&c->stream) == -1) {
		http_service_conn_end(c);
		return;
	}
	if (stream_blocked(&c->stream))
		return;
	if (c->finishing)
		stream_shutdown(&c->stream);
	else
		http_server_writable(&c->http);
}

static void
ready(void *ctx, unsigned happened)
{
	struct http_service_conn *c = ctx;

	if (!c->ended && (happened & LOOP_WRITE) != 0)
		writable(c);
	if (c->ended)
		return;
	/* a hang-up is told in every turn until somebody reacts to it */
	if (c->stream.reading && (happened & (LOOP_READ | LOOP_HANGUP)) != 0)
		readable(c);
	else if ((happened & LOOP_HANGUP) != 0)
		http_service_conn_end(c);
}

static void
timed_out(void *ctx)
{
	struct http_service_conn *c = ctx;

	if (c->finishing) {
		http_service_conn_end(c);
		return;
	}
	switch (http_server_timed_out(&c->http)) {
	case HTTP_SERVER_NO_REQUEST:
		HTTP_SERVICE_COUNT(c->shared, timed_out);
		refuse(c, "no request in time");
		http_service_conn_end(c);
		break;
	case HTTP_SERVER_IDLE:
		http_service_conn_end(c);
		break;
	case HTTP_SERVER_NO_ANSWER:
		http_service_conn_resume(c);
		break;
	}
}

/* ---- the beginning */

/* Counts the connection in with its address. -1: it must be closed. */
static int
enter(struct http_service_shared *s, struct http_service_conn *c)
{
	if (!c->peer.is_set)
		return 0;
	if (ip_limit_enter(s->connected, &c->peer) == IP_LIMIT_ENTERED)
		c->connected = true;
	if (c->connected &&
	    ip_limit_enter(s->admitted, &c->peer) == IP_LIMIT_ENTERED) {
		c->admitted = true;
		return 0;
	}
	HTTP_SERVICE_COUNT(s, refused_address);
	refuse(c, "too many connections from this address");
	return c->connected ? 0 : -1;
}

static void
start(struct http_service_conn *c)
{
	struct http_service_shared *s = c->shared;

	stream_on_ready(&c->stream, ready, c);
	c->timer = (struct loop_timer){ .fire = timed_out, .ctx = c };
	buf_init(&c->saved, HTTP_SERVICE_INPUT_MAX);
	append(&s->idle, c);
	HTTP_SERVICE_COUNT(s, accepted);
	atomic_fetch_add(&s->counters.open, 1);
	http_server_open(&c->http, &events, c);
}

/* Takes fd and tls. False when nothing is left of it. */
static bool
open_stream(struct http_service_conn *c, int fd, struct tls *tls)
{
	struct http_service_shared *s = c->shared;

	if (enter(s, c) == -1) {
		tls_free(tls);
		close(fd);
		return false;
	}
	if (stream_open(&c->stream, s->config.loop, s->scratch, fd, tls) == 0)
		return true;
	HTTP_SERVICE_COUNT(s, out_of_memory);
	return false;
}

void
http_service_conn_open(struct http_service_shared *shared, int fd,
    const struct netaddr *peer, struct tls *tls)
{
	struct http_service_conn *c = calloc(1, sizeof *c);

	if (c == NULL) {
		HTTP_SERVICE_COUNT(shared, out_of_memory);
		tls_free(tls);
		close(fd);
		return;
	}
	c->shared = shared;
	c->peer = *peer;
	if (open_stream(c, fd, tls)) {
		start(c);
		return;
	}
	leave(c);
	free(c);
}
