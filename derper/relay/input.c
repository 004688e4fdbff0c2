/* input: see input.h. */
#include "input.h"

#include "client.h"
#include "frames.h"
#include "http.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void judge_high_rate(struct client *c);
static void process(struct client *c, uint8_t *p, size_t n);
static void read_ended(
    struct client *c, enum stream_status status, const char *why);
static int save_rest(struct client *c, const uint8_t *p, size_t n);

void
input_read(struct client *c)
{
	struct worker *worker = c->worker;
	struct fail why = { 0 };
	uint8_t *at = worker_read_room(worker, c->rest_len);
	struct writer plain = writer_of(at, c->rest_len + STREAM_READ_ROOM);
	enum stream_status status;

	if (c->rest_len > 0)
		writer_bytes(&plain, c->rest, c->rest_len);
	status = stream_read(&c->stream, &plain, &why);
	if (status == STREAM_EMPTY)
		return;
	worker->turn_reads++;
	worker->turn_bytes += plain.n - c->rest_len;
	if (!c->secure_seen && stream_established(&c->stream))
		c->secure_seen = true;
	if (c->state == CLIENT_LOGIN && ++c->login_reads > CLIENT_LOGIN_READS)
		client_fail(c, "receive client key: in too many pieces");
	else if (plain.n > c->rest_len)
		process(c, at, plain.n);
	if (c->state == CLIENT_ENDED)
		return;
	if (status == STREAM_FAILED || status == STREAM_EOF)
		read_ended(c, status, why.text);
	else
		judge_high_rate(c);
}

/* Sets apart, while the worker has much to do, who sends much. */
static void
judge_high_rate(struct client *c)
{
	struct worker *worker = c->worker;
	uint64_t now_ms = loop_now_ms(worker->loop);
	uint64_t past_ms = now_ms - c->window_ms;
	bool high_rate;

	if (past_ms < CLIENT_HIGH_RATE_WINDOW_MS)
		return;
	high_rate = (uint64_t)c->window_packets * 1000 / past_ms >
	    CLIENT_HIGH_RATE_PER_S;
	loop_set_high_rate(
	    worker->loop, &c->stream.watch, high_rate && worker->rate_high);
	c->window_packets = 0;
	c->window_ms = now_ms;
}

void
input_resume(struct client *c)
{
	uint32_t waiting = c->rest_len;
	uint8_t *at;

	if (waiting == 0)
		return;
	at = worker_read_room(c->worker, waiting);
	memcpy(at, c->rest, waiting);
	process(c, at, waiting);
}

/* Handles n bytes of input at p in the turn's memory, from the front of what
 * has not been handled yet; what is left is saved. */
static void
process(struct client *c, uint8_t *p, size_t n)
{
	size_t used = 0, step = 1;
	unsigned requests = 0;

	while (used < n && step > 0) {
		switch (c->state) {
		case CLIENT_HTTP:
			step = http_input(c, slice_of(p + used, n - used));
			if (++requests == CLIENT_PIPELINE_MAX &&
			    c->state == CLIENT_HTTP)
				client_finish(c);
			break;
		case CLIENT_LOGIN:
			step = frames_login(c, p + used, n - used);
			break;
		case CLIENT_RUNNING:
			step = frames_input(c, p + used, n - used);
			break;
		case CLIENT_CLOSING:
			step = n - used; /* nothing more is wanted */
			break;
		case CLIENT_ADMISSION:
		case CLIENT_ENDED:
			step = 0;
			break;
		}
		used += step;
	}
	/* runs may point at what was used, also when a bad frame behind it has
	 * ended the client; the rest can be overwritten */
	c->worker->arena_used = (size_t)(p + used - c->worker->arena);
	if (c->state == CLIENT_ENDED)
		return;
	if (save_rest(c, p + used, n - used) == -1) {
		counters_add(&c->worker->counters->refused_memory, 1);
		client_fail(c, "no memory for what is not whole yet");
	}
}

/* TLS handshakes that fail in ways which port scanners cause all day are not
 * worth a line; upstream leaves the same ones out. */
static void
handshake_failed(struct client *c, const char *why)
{
	static const char *const usual[] = { "", "EOF",
		"connection reset by peer",
		"remote error: tls: bad certificate",
		"first record does not look like a TLS handshake" };

	counters_add(&c->worker->counters->tls_failed, 1);
	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (strcmp(why, usual[i]) == 0)
			return;
	client_log_failure(c, "http: TLS handshake error from", why);
}

static void
answer_http_on_tls(struct client *c)
{
	static const char text[] =
	    "HTTP/1.0 400 Bad Request\r\n\r\n"
	    "Client sent an HTTP request to an HTTPS server.\n";

	(void)send(c->stream.watch.fd, text, sizeof text - 1,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(c->stream.watch.fd, SHUT_WR);
}

/* Reading failed or the peer has ended its direction. */
static void
read_ended(struct client *c, enum stream_status status, const char *why)
{
	c->broken = status == STREAM_FAILED;
	if (c->stream.tls != NULL && !c->secure_seen) {
		if (tls_saw_http(c->stream.tls))
			answer_http_on_tls(c);
		handshake_failed(c, why);
	} else if (c->state == CLIENT_LOGIN) {
		client_fail(
		    c, "receive client key: %s", why[0] != '\0' ? why : "EOF");
	} else if (c->broken && why[0] != '\0') {
		counters_add(&c->worker->counters->read_failed, 1);
		client_fail(c, "%s", why);
	}
	client_end(c, why);
}

void
input_clear(struct client *c)
{
	if (c->rest_before_login)
		c->worker->saved_before_login -= c->rest_len;
	else
		c->worker->saved_clients -= c->rest_len;
	c->rest_len = 0;
}

void
input_free(struct client *c)
{
	free(c->rest);
	c->rest = NULL;
}

/* Counts n bytes as saved; false when that is too much for all the connections
 * of a worker together. */
static bool
count_rest(struct client *c, size_t n)
{
	struct worker *worker = c->worker;
	const bool stranger = c->state != CLIENT_RUNNING;
	const size_t most =
	    stranger ? WORKER_SAVED_BEFORE_LOGIN_MAX : WORKER_SAVED_CLIENTS_MAX;
	size_t *saved =
	    stranger ? &worker->saved_before_login : &worker->saved_clients;

	if (n > most - *saved)
		return false;
	c->rest_before_login = stranger;
	c->rest_len = (uint32_t)n;
	*saved += n;
	return true;
}

/* Saves input that is not whole yet until more of it comes. */
static int
save_rest(struct client *c, const uint8_t *p, size_t n)
{
	uint8_t *rest;

	input_clear(c);
	if (n == 0) {
		input_free(c);
		return 0;
	}
	if (!count_rest(c, n))
		return -1;
	rest = realloc(c->rest, n);
	if (rest == NULL)
		return -1;
	memcpy(rest, p, n);
	c->rest = rest;
	return 0;
}
