/* http: see http.h. */
#include "http.h"

#include "conn.h"
#include "conn_input.h"
#include "http_conn.h"
#include "routes.h"
#include "upgrade.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const struct conn_protocol first_phase, request_phase, idle_phase;

int
http_accepted(void *ctx, struct conn *c)
{
	conn_become(c, &first_phase, ctx);
	conn_deadline(c, HTTP_SERVER_REQUEST_MS);
	return 0;
}

/* ---- what the HTTP server wants of the connection */

static void
server_refused(void *ctx, unsigned status, const char *why)
{
	struct conn *c = ctx;

	(void)status;
	counters_add(&c->worker->counters->http_refused, 1);
	conn_log(c, "http:", why);
}

static void
count_version(struct conn *c)
{
	struct counters *counters = c->worker->counters;

	if (c->stream.tls == NULL)
		return;
	counters_add(strcmp(tls_version(c->stream.tls), "1.3") == 0
		? &counters->tls13_requests
		: &counters->tls12_requests,
	    1);
}

static void
server_request(void *ctx, struct http_server *s,
    const struct http1_request *req, struct slice body)
{
	struct conn *c = ctx;

	counters_add(&c->worker->counters->http_requests, 1);
	count_version(c);
	routes_handle(c, s, req, body);
}

static size_t
server_unsent(void *ctx)
{
	const struct conn *c = ctx;

	return stream_unsent(&c->stream);
}

static int
server_write(void *ctx, struct slice bytes)
{
	struct conn *c = ctx;

	conn_write(c, bytes);
	return c->ended ? -1 : 0;
}

static void
server_finish(void *ctx)
{
	conn_finish(ctx);
}

static void
server_abort(void *ctx, const char *why)
{
	conn_end(ctx, why);
}

static void
server_deadline(void *ctx, uint64_t after_ms)
{
	struct conn *c = ctx;

	/* the first request has what the phase before has left of its time */
	if (c->protocol != &request_phase)
		return;
	if (after_ms == 0)
		loop_timer_clear(c->worker->loop, &c->timer);
	else
		conn_deadline(c, after_ms);
}

/* What was received meanwhile is not handled here, inside of who answers, but
 * from the timer. */
static void
server_pause(void *ctx, bool paused)
{
	struct conn *c = ctx;
	struct http_conn *http = c->session;

	if (paused) {
		conn_pause(c, CONN_PAUSE_ANSWER);
		return;
	}
	conn_resume(c, CONN_PAUSE_ANSWER);
	http->resumed = true;
	conn_deadline(c, 0);
}

/* No page wants a body: body_max is NULL. */
static const struct http_server_events server_events = {
	.request = server_request,
	.refused = server_refused,
	.unsent = server_unsent,
	.write = server_write,
	.finish = server_finish,
	.abort = server_abort,
	.pause = server_pause,
	.deadline = server_deadline,
};

/* ---- phases */

static void
http_failed(struct conn *c, const char *why)
{
	conn_log(c, "http:", why);
}

/* The session is the port, which all connections share. */
static void
keep_port(void *session)
{
	(void)session;
}

/* A request begins, and is handled by the next phase. */
static size_t
begin_request(struct conn *c, uint8_t *p, size_t n)
{
	struct http_conn *http = calloc(1, sizeof *http);

	(void)p;
	(void)n;
	if (http == NULL) {
		counters_add(&c->worker->counters->refused_memory, 1);
		conn_end(c, "out of memory");
		return 0;
	}
	http->port = c->session;
	http_server_open(&http->server, &server_events, c);
	conn_become(c, &request_phase, http);
	return 0;
}

/* Leaves the phase when all that was asked has been answered. */
static void
leave_request(struct conn *c)
{
	const struct http_conn *http = c->session;

	if (c->ended)
		return;
	if (http_server_upgraded(&http->server))
		upgrade_complete(c);
	else if (http_server_idle(&http->server))
		conn_become(c, &idle_phase, http->port);
}

static size_t
request_input(struct conn *c, uint8_t *p, size_t n)
{
	struct http_conn *http = c->session;
	size_t used = http_server_input(&http->server, slice_of(p, n));

	leave_request(c);
	return used;
}

static void
request_writable(struct conn *c)
{
	struct http_conn *http = c->session;

	http_server_writable(&http->server);
}

static void
request_ended(struct conn *c, const char *why)
{
	struct http_conn *http = c->session;

	(void)why;
	http_server_close(&http->server);
}

static bool
shaking_hands(const struct conn *c)
{
	return !stream_established(&c->stream) &&
	    tls_version(c->stream.tls)[0] == '\0';
}

static void
no_request(struct conn *c)
{
	if (shaking_hands(c))
		counters_add(&c->worker->counters->tls_failed, 1);
	else
		counters_add(&c->worker->counters->http_refused, 1);
	conn_fail(c, "no request in time");
}

/* That is how connections end between two requests. */
static void
no_further_request(struct conn *c)
{
	conn_end(c, "no further request");
}

static void
request_timed_out(struct conn *c)
{
	struct http_conn *http = c->session;

	if (http->resumed) {
		http->resumed = false;
		conn_deadline(c, HTTP_SERVER_REQUEST_MS);
		leave_request(c);
		conn_input_saved(c);
		return;
	}
	switch (http_server_timed_out(&http->server)) {
	case HTTP_SERVER_NO_REQUEST:
		no_request(c);
		break;
	case HTTP_SERVER_IDLE:
		no_further_request(c);
		break;
	case HTTP_SERVER_NO_ANSWER:
		break;
	}
}

static void
answer_http_on_tls(struct conn *c)
{
	static const char text[] =
	    "HTTP/1.0 400 Bad Request\r\n\r\n"
	    "Client sent an HTTP request to an HTTPS server.\n";

	(void)send(c->stream.watch.fd, text, sizeof text - 1,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(c->stream.watch.fd, SHUT_WR);
}

/* DIFFERS: upstream logs nothing, and whoever put "http" in an address, or a
 * proxy without TLS before the relay, looks for it in vain. */
static void
got_http_on_tls(struct conn *c)
{
	counters_add(&c->worker->counters->tls_got_http, 1);
	answer_http_on_tls(c);
	conn_log(c, "http:",
	    "a plain HTTP request on the TLS port; the client, or a proxy "
	    "before the relay, has to use https");
}

/* TLS handshakes that fail in ways which port scanners cause all day are not
 * worth a line; upstream leaves the same ones out. */
static void
handshake_failed(struct conn *c, const char *why)
{
	static const char *const usual[] = { "", "EOF",
		"connection reset by peer",
		"remote error: tls: bad certificate",
		"first record does not look like a TLS handshake" };

	counters_add(&c->worker->counters->tls_failed, 1);
	if (tls_saw_http(c->stream.tls))
		got_http_on_tls(c);
	if (tls_saw_no_name(c->stream.tls))
		counters_add(&c->worker->counters->tls_no_name, 1);
	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (strcmp(why, usual[i]) == 0)
			return;
	conn_log(c, "http: TLS handshake error from", why);
}

static void
http_read_ended(struct conn *c, const char *why)
{
	if (shaking_hands(c)) {
		handshake_failed(c, why);
	} else if (c->broken && why[0] != '\0') {
		counters_add(&c->worker->counters->read_failed, 1);
		conn_fail(c, "%s", why);
	}
}

static const struct conn_protocol first_phase = {
	.input = begin_request,
	.timed_out = no_request,
	.read_ended = http_read_ended,
	.failed = http_failed,
	.free_session = keep_port,
};

static const struct conn_protocol request_phase = {
	.input = request_input,
	.writable = request_writable,
	.timed_out = request_timed_out,
	.read_ended = http_read_ended,
	.failed = http_failed,
	.ended = request_ended,
	.free_session = free,
};

static const struct conn_protocol idle_phase = {
	.input = begin_request,
	.timed_out = no_further_request,
	.read_ended = http_read_ended,
	.failed = http_failed,
	.free_session = keep_port,
};
