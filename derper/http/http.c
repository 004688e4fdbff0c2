/* http: see http.h. */
#include "http.h"

#include "conn.h"
#include "http1.h"
#include "routes.h"
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Requests answered per read; who sends more at once, which no prober does,
 * would hold up the packets of others. */
#define PIPELINE_MAX 32

static const struct conn_protocol http_phase;

int
http_accepted(void *ctx, struct conn *c)
{
	const struct http_port *port = ctx;
	struct http_conn *http = malloc(sizeof *http);

	if (http == NULL)
		return -1;
	*http = (struct http_conn){ .site = port->site,
		.relay = port->relay,
		.plain_port = port->plain_port };
	conn_become(c, &http_phase, http);
	conn_deadline(c, HTTP_CONN_MS);
	return 0;
}

/* Answers what is not a valid request, and closes. */
static void
refuse(struct conn *c, unsigned status, const char *why)
{
	char text[256];
	int n = snprintf(text, sizeof text,
	    "HTTP/1.1 %u %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Connection: close\r\n\r\n%u %s",
	    status, http1_reason(status), status, http1_reason(status));

	counters_add(&c->worker->counters->http_refused, 1);
	conn_log(c, "http:", why);
	conn_write(c, slice_of(text, (size_t)n));
	conn_finish(c);
}

/* Handles the request at the front of `in`; how many bytes it used, 0 when it
 * is not complete. */
static size_t
next_request(struct conn *c, struct slice in)
{
	struct http1_request req;
	size_t used = 0;

	switch (http1_request_parse(in, &req, &used)) {
	case HTTP1_MORE:
		return 0;
	case HTTP1_BAD:
		refuse(c, 400, "not a valid HTTP request");
		return in.n;
	case HTTP1_TOO_LONG:
		refuse(c, 431, "request head too long");
		return in.n;
	case HTTP1_OK:
		break;
	}
	counters_add(&c->worker->counters->http_requests, 1);
	routes_handle(c, &req);
	return used;
}

static bool
speaks_http(const struct conn *c)
{
	return c->protocol == &http_phase && !c->half_closed && !c->ended;
}

static size_t
http_input(struct conn *c, uint8_t *p, size_t n)
{
	size_t used = 0, step = 1;
	unsigned requests = 0;

	while (used < n && step > 0 && speaks_http(c)) {
		step = next_request(c, slice_of(p + used, n - used));
		used += step;
		if (++requests == PIPELINE_MAX && speaks_http(c))
			conn_finish(c);
	}
	return used;
}

static bool
shaking_hands(const struct conn *c)
{
	return !stream_established(&c->stream);
}

static void
http_failed(struct conn *c, const char *why)
{
	conn_log(c, "http:", why);
}

static void
http_timed_out(struct conn *c)
{
	const struct http_conn *http = c->session;

	/* between two requests that is how connections end */
	if (http->served && c->saved == NULL) {
		conn_end(c, "no further request");
		return;
	}
	if (shaking_hands(c))
		counters_add(&c->worker->counters->tls_failed, 1);
	else
		counters_add(&c->worker->counters->http_refused, 1);
	conn_fail(c, "no request in time");
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

/* TLS handshakes that fail in ways which port scanners cause all day are not
 * worth a line; upstream leaves the same ones out. */
static void
handshake_failed(struct conn *c, const char *why)
{
	static const char *const usual[] = { "", "EOF",
		"connection reset by peer",
		"remote error: tls: bad certificate",
		"first record does not look like a TLS handshake" };

	if (tls_saw_http(c->stream.tls))
		answer_http_on_tls(c);
	counters_add(&c->worker->counters->tls_failed, 1);
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

static const struct conn_protocol http_phase = {
	.input = http_input,
	.timed_out = http_timed_out,
	.read_ended = http_read_ended,
	.failed = http_failed,
	.free_session = free,
};
