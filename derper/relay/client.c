/* client: see client.h. */
#include "client.h"

#include "derp_handshake.h"
#include "derp_msg.h"
#include "frames.h"
#include "input.h"
#include "worker.h"

#include <assert.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void ready(void *ctx, unsigned events);
static void timed_out(void *ctx);
static void write_timed_out(void *ctx);
static void leave_peers(struct client *c);

static void
set_deadline(struct client *c, uint64_t after_ms)
{
	if (c->state == CLIENT_ENDED)
		return; /* its memory ends with this turn */
	if (loop_timer_set(c->worker->loop, &c->timer,
		loop_now_ms(c->worker->loop) + after_ms) == -1)
		client_end(c, "out of memory");
}

/* Makes the connection's structures; NULL when memory is short. */
static struct client *
client_new(struct worker *worker, int fd, const struct netaddr *remote,
    bool on_http_port)
{
	struct client *c = calloc(1, sizeof *c);
	struct tls *tls = NULL;

	if (c == NULL)
		goto close_fd;
	if (worker->tls != NULL && !on_http_port) {
		tls = tls_accept(worker->tls);
		if (tls == NULL)
			goto free_client;
	}
	*c = (struct client){ .worker = worker,
		.remote = *remote,
		.on_http_port = on_http_port,
		.timer = { .fire = timed_out, .ctx = c },
		.write_timer = { .fire = write_timed_out, .ctx = c } };
	/* takes fd and tls, also when it fails */
	if (stream_open(&c->stream, worker->loop, worker->scratch, fd, tls) ==
	    -1) {
		free(c);
		return NULL;
	}
	stream_on_ready(&c->stream, ready, c);
	if (worker_add_client(worker, c, &c->addr) == -1) {
		stream_close(&c->stream);
		free(c);
		return NULL;
	}
	return c;

free_client:
	free(c);
close_fd:
	close(fd);
	return NULL;
}

static void
log_refused(struct worker *worker, const struct netaddr *remote)
{
	char text[NETADDR_TEXT];

	if (!log_allowed(&worker->log_login, loop_now_ms(worker->loop)))
		return;
	netaddr_format(remote, text);
	log_warn("http: %s: refused: too many connections in all or from this "
		 "address",
	    text);
}

void
client_accept(struct worker *worker, int fd, const struct netaddr *remote,
    bool on_http_port)
{
	struct ip_limit *ip_limit = server_ip_limit(worker->server);
	struct client *c;

	counters_add(&worker->counters->connections, 1);
	if (worker->draining || !ip_limit_enter(ip_limit, remote)) {
		counters_add(&worker->counters->refused_limit, 1);
		if (!worker->draining)
			log_refused(worker, remote);
		close(fd);
		return;
	}
	c = client_new(worker, fd, remote, on_http_port);
	if (c == NULL) {
		counters_add(&worker->counters->refused_memory, 1);
		ip_limit_leave(ip_limit, remote);
		return;
	}
	set_deadline(c, CLIENT_HTTP_MS);
}

void
client_log_failure(struct client *c, const char *what, const char *why)
{
	char remote[NETADDR_TEXT];

	if (!log_allowed(&c->worker->log_login, loop_now_ms(c->worker->loop)))
		return;
	netaddr_format(&c->remote, remote);
	log_warn("%s %s: %s", what, remote, why);
}

static void
log_client_failure(struct client *c, const char *why)
{
	char remote[NETADDR_TEXT], key[DERP_KEY_SHORT_TEXT];

	if (!log_allowed(&c->worker->log_close, loop_now_ms(c->worker->loop)))
		return;
	netaddr_format(&c->remote, remote);
	derp_key_format_short(&c->key, key);
	log_warn("derp client %s%s: %s", remote, key, why);
}

void
client_fail(struct client *c, const char *fmt, ...)
{
	char why[FAIL_TEXT_MAX + 64];
	va_list args;

	if (c->state == CLIENT_ENDED)
		return;
	va_start(args, fmt);
	vsnprintf(why, sizeof why, fmt, args);
	va_end(args);
	switch (c->state) {
	case CLIENT_HTTP:
	case CLIENT_CLOSING:
		client_log_failure(c, "http:", why);
		break;
	case CLIENT_LOGIN:
		counters_add(&c->worker->counters->login_failed, 1);
		client_log_failure(c, "derp:", why);
		break;
	case CLIENT_ADMISSION:
	case CLIENT_RUNNING:
	case CLIENT_ENDED:
		log_client_failure(c, why);
		break;
	}
	client_end(c, NULL);
}

static void
write_ready(struct client *c)
{
	if (outq_flush(c) == -1) {
		client_end(c, "write");
		return;
	}
	client_flushed(c);
	if (c->state == CLIENT_CLOSING && !stream_blocked(&c->stream))
		stream_shutdown(&c->stream);
}

static void
ready(void *ctx, unsigned events)
{
	struct client *c = ctx;

	if ((events & LOOP_WRITE) != 0)
		write_ready(c);
	if (c->state == CLIENT_ENDED)
		return;
	if (c->state == CLIENT_ADMISSION) {
		if ((events & LOOP_HANGUP) != 0)
			client_end(c, "hung up while waiting for admission");
		return;
	}
	if ((events & (LOOP_READ | LOOP_HANGUP)) == 0)
		return;
	if (c->state == CLIENT_RUNNING)
		input_read(c);
	else
		worker_queue_login(c->worker, c);
}

void
client_take_turn(struct client *c)
{
	if (c->state != CLIENT_ENDED)
		input_read(c);
}

static void
no_request_in_time(struct client *c)
{
	/* between two requests that is how connections end */
	if (c->served && c->rest_len == 0) {
		client_end(c, "no further request");
		return;
	}
	if (c->stream.tls != NULL && !c->secure_seen)
		counters_add(&c->worker->counters->tls_failed, 1);
	else
		counters_add(&c->worker->counters->http_refused, 1);
	client_fail(c, "no request in time");
}

static void
timed_out(void *ctx)
{
	struct client *c = ctx;
	uint8_t frame[DERP_HEADER];
	struct writer w = writer_of(frame, sizeof frame);

	switch (c->state) {
	case CLIENT_HTTP:
		no_request_in_time(c);
		return;
	case CLIENT_LOGIN:
		client_fail(c, "receive client key: i/o timeout");
		return;
	case CLIENT_ADMISSION:
		client_admitted(c, false, "admission took too long");
		return;
	case CLIENT_CLOSING:
	case CLIENT_ENDED:
		client_end(c, NULL);
		return;
	case CLIENT_RUNNING:
		derp_keep_alive_put(&w);
		outq_control(c, writer_slice(&w));
		set_deadline(c, c->keep_alive_ms);
		return;
	}
}

static void
write_timed_out(void *ctx)
{
	struct client *c = ctx;

	if (c->state == CLIENT_ENDED)
		return;
	counters_add(&c->worker->counters->write_timeouts, 1);
	client_fail(c, "write timed out");
}

size_t
client_holds(const struct client *c)
{
	return c->out.bytes + c->unsent_counted;
}

void
client_flushed(struct client *c)
{
	struct loop *loop = c->worker->loop;
	uint64_t timeout_ms = c->worker->config->write_timeout_ms;

	/* what waits with the stream counts against the limit for all queues */
	c->worker->unsent_bytes -= c->unsent_counted;
	c->unsent_counted = (uint32_t)stream_unsent(&c->stream);
	c->worker->unsent_bytes += c->unsent_counted;
	/* a Pong that is on its way, though behind much else, makes room for
	 * the next one: whoever waits for it would wait for ever */
	c->pong_pending = c->out.pong_waits;
	if (!stream_blocked(&c->stream)) {
		loop_timer_clear(loop, &c->write_timer);
		return;
	}
	if (outq_all_full(c->worker, 0))
		c->worker->memory_pressure = true;
	if (timeout_ms > 0 &&
	    (stream_progressed(&c->stream) || c->write_timer.place == 0) &&
	    loop_timer_set(
		loop, &c->write_timer, loop_now_ms(loop) + timeout_ms) == -1)
		client_end(c, "out of memory");
}

void
client_write(struct client *c, struct slice bytes)
{
	/* whoever asks for more pages than it reads is not worth the memory */
	if (stream_unsent(&c->stream) > CLIENT_UNREAD_MAX ||
	    outq_write(c, bytes) == -1)
		client_end(c, "write");
	else
		client_flushed(c);
}

void
client_next_request(struct client *c)
{
	c->served = true;
	if (c->state == CLIENT_HTTP)
		set_deadline(c, CLIENT_HTTP_MS);
}

void
client_finish(struct client *c)
{
	if (c->state == CLIENT_ENDED)
		return;
	c->state = CLIENT_CLOSING;
	set_deadline(c, CLIENT_CLOSING_MS);
	stream_shutdown(&c->stream);
}

void
client_begin_derp(struct client *c, struct slice head)
{
	uint8_t bytes[512];
	struct writer w = writer_of(bytes, sizeof bytes);

	writer_bytes(&w, head.p, head.n);
	derp_server_key_put(&w, server_public_key(c->worker->server));
	assert(!w.failed);
	c->state = CLIENT_LOGIN;
	set_deadline(c, CLIENT_LOGIN_MS);
	/* a frame alone can wait for ServerInfo, which under fast start is due
	 * in the same turn: one send less per login */
	if (head.n == 0 && !stream_blocked(&c->stream))
		outq_control(c, writer_slice(&w));
	else
		client_write(c, writer_slice(&w));
}

/* Registers it and sends ServerInfo, which must be the first frame after
 * ServerKey: others may address the client from here on, but nothing of theirs
 * is handled before this turn's memory holds the frame. */
static void
start_running(struct client *c)
{
	uint8_t frame[256];
	struct writer w = writer_of(frame, sizeof frame);
	struct worker *worker = c->worker;

	if (derp_server_info_put(&w, &c->session) == -1) {
		client_end(c, "cannot seal ServerInfo");
		return;
	}
	derp_session_clear(&c->session);
	/* a backlog goes out disco first: before a full socket it would let
	 * packets overtake */
	if (stream_blocked(&c->stream))
		client_write(c, writer_slice(&w));
	else
		outq_control(c, writer_slice(&w));
	if (c->state == CLIENT_ENDED)
		return;
	c->peer =
	    registry_join(server_registry(worker->server), &c->key, c->addr);
	if (c->peer == NULL) {
		counters_add(&worker->counters->refused_limit, 1);
		client_fail(c, "too many connections of one key");
		return;
	}
	c->state = CLIENT_RUNNING;
	c->not_here_left = CLIENT_NOT_HERE_BURST;
	c->not_here_ms = loop_now_ms(worker->loop);
	c->keep_alive_ms = CLIENT_KEEP_ALIVE_MS +
	    randombytes_uniform(CLIENT_KEEP_ALIVE_JITTER_MS);
	counters_add(&worker->counters->accepts, 1);
	counters_add(&worker->counters->current_connections, 1);
	set_deadline(c, c->keep_alive_ms);
}

void
client_park(struct client *c)
{
	c->state = CLIENT_ADMISSION;
	stream_pause(&c->stream, true);
	set_deadline(c, CLIENT_ADMISSION_MS);
}

void
client_admitted(struct client *c, bool allow, const char *reason)
{
	char remote[NETADDR_TEXT], key[DERP_KEY_TEXT];

	if (!allow) {
		counters_add(&c->worker->counters->rejected, 1);
		if (log_allowed(
			&c->worker->log_login, loop_now_ms(c->worker->loop))) {
			netaddr_format(&c->remote, remote);
			derp_key_format(&c->key, key);
			log_warn("derp: %s: client %s rejected: %s", remote,
			    key, reason);
		}
		client_end(c, NULL);
		return;
	}
	start_running(c);
}

void
client_resume(struct client *c)
{
	if (c->state != CLIENT_RUNNING)
		return;
	stream_pause(&c->stream, false);
	input_resume(c);
}

/* Tells those who got packets from it that its key has left. */
static void
leave_peers(struct client *c)
{
	struct worker *worker = c->worker;
	struct conn_addr *heard;
	size_t count;

	registry_leave(
	    server_registry(worker->server), c->peer, c->addr, &heard, &count);
	c->peer = NULL;
	for (size_t i = 0; i < count; i++)
		frames_tell_gone(worker, &c->key, heard[i]);
	free(heard);
	counters_subtract(&worker->counters->current_connections, 1);
	if (c->home)
		counters_subtract(&worker->counters->current_home, 1);
}

void
client_end(struct client *c, const char *reason)
{
	char remote[NETADDR_TEXT];

	if (c->state == CLIENT_ENDED)
		return;
	if (reason != NULL && reason[0] != '\0') {
		netaddr_format(&c->remote, remote);
		log_debug("connection from %s ends: %s", remote, reason);
	}
	/* ServerKey, which waits for ServerInfo: nothing else will take it */
	if (c->state == CLIENT_LOGIN)
		(void)outq_flush(c);
	c->state = CLIENT_ENDED;
	if (c->peer != NULL)
		leave_peers(c);
	loop_timer_clear(c->worker->loop, &c->timer);
	loop_timer_clear(c->worker->loop, &c->write_timer);
	worker_unqueue_login(c->worker, c);
	derp_session_clear(&c->session);
	outq_clear(c);
	c->worker->unsent_bytes -= c->unsent_counted;
	input_clear(c);
	if (!c->broken && stream_established(&c->stream))
		stream_shutdown(&c->stream);
	stream_close(&c->stream);
	ip_limit_leave(server_ip_limit(c->worker->server), &c->remote);
	worker_end_client(c->worker, c);
}

void
client_free(struct client *c)
{
	input_free(c);
	free(c);
}
