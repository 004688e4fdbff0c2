/* client: see client.h. */
#include "client.h"

#include "core.h"
#include "derp_handshake.h"
#include "derp_msg.h"
#include "http.h"
#include "relay.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void ready(void *ctx, unsigned events);
static void timed_out(void *ctx);
static void write_timed_out(void *ctx);
static void leave_peers(struct client *c);
static void process(struct client *c, uint8_t *p, size_t n);

static void
set_deadline(struct client *c, uint64_t after_ms)
{
	if (c->state == CLIENT_ENDED)
		return; /* its memory ends with this turn */
	if (loop_timer_set(c->core->loop, &c->timer,
		loop_now_ms(c->core->loop) + after_ms) == -1)
		client_end(c, "out of memory");
}

/* Makes the connection's structures; NULL when memory is short. */
static struct client *
client_new(
    struct core *core, int fd, const struct netaddr *remote, bool on_http_port)
{
	struct client *c = calloc(1, sizeof *c);
	struct tls *tls = NULL;

	if (c == NULL)
		goto close_fd;
	if (core->tls != NULL && !on_http_port) {
		tls = tls_accept(core->tls);
		if (tls == NULL)
			goto free_client;
	}
	*c = (struct client){ .core = core,
		.remote = *remote,
		.on_http_port = on_http_port,
		.timer = { .fire = timed_out, .ctx = c },
		.write_timer = { .fire = write_timed_out, .ctx = c } };
	/* takes fd and tls, also when it fails */
	if (stream_open(&c->stream, core->loop, core->scratch, fd, tls) == -1) {
		free(c);
		return NULL;
	}
	stream_on_ready(&c->stream, ready, c);
	if (core_add_client(core, c, &c->addr) == -1) {
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

void
client_accept(
    struct core *core, int fd, const struct netaddr *remote, bool on_http_port)
{
	struct sources *sources = server_sources(core->server);
	struct client *c;

	core->counters.connections++;
	if (core->draining || !sources_enter(sources, remote)) {
		core->counters.refused_limit++;
		close(fd);
		return;
	}
	c = client_new(core, fd, remote, on_http_port);
	if (c == NULL) {
		core->counters.refused_memory++;
		sources_leave(sources, remote);
		return;
	}
	set_deadline(c, CLIENT_HTTP_MS);
}

/* A line about a connection that failed before it was running; strangers cause
 * these, so they are limited. */
static void
log_failure(struct client *c, const char *what, const char *why)
{
	char remote[NETADDR_TEXT];

	if (!log_allowed(&c->core->log_login, loop_now_ms(c->core->loop)))
		return;
	netaddr_format(&c->remote, remote);
	log_warn("%s %s: %s", what, remote, why);
}

/* TLS handshakes that fail in ways which port scanners cause all day are not
 * worth a line; upstream leaves the same ones out. */
static void
tls_failed(struct client *c, const char *why)
{
	static const char *const usual[] = { "", "EOF", "i/o timeout",
		"connection reset by peer",
		"remote error: tls: bad certificate",
		"first record does not look like a TLS handshake" };

	c->core->counters.tls_failed++;
	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (strcmp(why, usual[i]) == 0)
			return;
	log_failure(c, "http: TLS handshake error from", why);
}

static void
login_failed(struct client *c, const char *why)
{
	c->core->counters.login_failed++;
	log_failure(c, "derp:", why);
	client_end(c, NULL);
}

/* Reading failed or the peer is gone. */
static void
read_ended(struct client *c, const char *why)
{
	static const char http_on_tls[] =
	    "HTTP/1.0 400 Bad Request\r\n\r\n"
	    "Client sent an HTTP request to an HTTPS server.\n";

	if (c->stream.tls != NULL && !c->secure_seen) {
		if (tls_saw_http(c->stream.tls)) {
			(void)send(c->stream.watch.fd, http_on_tls,
			    sizeof http_on_tls - 1,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
			(void)shutdown(c->stream.watch.fd, SHUT_WR);
		}
		tls_failed(c, why);
	} else if (c->state == CLIENT_LOGIN) {
		char text[FAIL_TEXT_MAX + 32];

		snprintf(text, sizeof text, "receive client key: %s",
		    why[0] != '\0' ? why : "EOF");
		login_failed(c, text);
	}
	c->eof = true;
	client_end(c, why);
}

/* Saves input that is not whole yet until more of it comes. What all the
 * connections of a core save is limited: strangers can send that much. */
static int
save_rest(struct client *c, const uint8_t *p, size_t n)
{
	struct core *core = c->core;
	uint8_t *rest;

	core->saved_bytes -= c->rest_len;
	c->rest_len = 0;
	if (n > CORE_SAVED_MAX - core->saved_bytes)
		return -1;
	if (n == 0) {
		free(c->rest);
		c->rest = NULL;
		return 0;
	}
	rest = realloc(c->rest, n);
	if (rest == NULL)
		return -1;
	memcpy(rest, p, n);
	c->rest = rest;
	c->rest_len = (uint32_t)n;
	core->saved_bytes += n;
	return 0;
}

/* Reads once and handles what is there. */
static void
read_and_process(struct client *c)
{
	struct core *core = c->core;
	struct fail why = { 0 };
	uint8_t *at = core_read_room(core, c->rest_len);
	struct writer plain = writer_of(at, c->rest_len + STREAM_READ_ROOM);
	enum stream_status status;

	if (c->rest_len > 0)
		writer_bytes(&plain, c->rest, c->rest_len);
	status = stream_read(&c->stream, &plain, &why);
	if (status == STREAM_EMPTY)
		return;
	if (!c->secure_seen && stream_established(&c->stream))
		c->secure_seen = true;
	if (c->state == CLIENT_LOGIN && ++c->login_reads > CLIENT_LOGIN_READS)
		login_failed(c, "receive client key: in too many pieces");
	else if (plain.n > c->rest_len)
		process(c, at, plain.n);
	if (c->state == CLIENT_ENDED)
		return;
	if (status == STREAM_FAILED || status == STREAM_EOF)
		read_ended(c, why.text);
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
			step = relay_login(c, p + used, n - used);
			break;
		case CLIENT_RUNNING:
			step = relay_input(c, p + used, n - used);
			break;
		case CLIENT_CLOSING:
			step = n - used; /* nothing more is wanted */
			break;
		case CLIENT_ADMISSION:
			step = 0;
			break;
		case CLIENT_ENDED:
			step = 0;
			break;
		}
		used += step;
	}
	/* runs may point at what was used, also when a bad frame behind it has
	 * ended the client; the rest can be overwritten */
	c->core->arena_used = (size_t)(p + used - c->core->arena);
	if (c->state == CLIENT_ENDED)
		return;
	if (save_rest(c, p + used, n - used) == -1)
		client_end(c, "out of memory");
}

static void
write_ready(struct client *c)
{
	if (sendq_flush(c) == -1) {
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
		read_and_process(c);
	else
		core_queue_login(c->core, c);
}

void
client_take_turn(struct client *c)
{
	if (c->state != CLIENT_ENDED)
		read_and_process(c);
}

static void
timed_out(void *ctx)
{
	struct client *c = ctx;
	uint8_t frame[DERP_HEADER];
	struct writer w = writer_of(frame, sizeof frame);

	switch (c->state) {
	case CLIENT_HTTP:
		if (c->stream.tls != NULL && !c->secure_seen)
			tls_failed(c, "i/o timeout");
		client_end(c, "no request in time");
		return;
	case CLIENT_LOGIN:
		login_failed(c, "receive client key: i/o timeout");
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
		sendq_control(c, writer_slice(&w));
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
	c->core->counters.write_timeouts++;
	client_end(c, "write timed out");
}

void
client_flushed(struct client *c)
{
	struct loop *loop = c->core->loop;
	uint64_t timeout_ms = c->core->config->write_timeout_ms;

	/* what waits with the stream counts against the limit for all queues */
	c->core->unsent_bytes -= c->unsent_counted;
	c->unsent_counted = (uint32_t)stream_unsent(&c->stream);
	c->core->unsent_bytes += c->unsent_counted;
	/* a Pong that is on its way, though behind much else, makes room for
	 * the next one: whoever waits for it would wait for ever */
	c->pong_pending = c->out.pong_waits;
	if (!stream_blocked(&c->stream)) {
		loop_timer_clear(loop, &c->write_timer);
		return;
	}
	if (sendq_all_full(c->core, 0)) {
		c->core->counters.refused_memory++;
		client_end(c, "too much is queued for all clients");
		return;
	}
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
	    sendq_write(c, bytes) == -1)
		client_end(c, "write");
	else
		client_flushed(c);
}

void
client_next_request(struct client *c)
{
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
	derp_server_key_put(&w, server_public_key(c->core->server));
	assert(!w.failed);
	c->state = CLIENT_LOGIN;
	set_deadline(c, CLIENT_LOGIN_MS);
	/* a frame alone can wait for ServerInfo, which under fast start is due
	 * in the same turn: one send less per login */
	if (head.n == 0 && !stream_blocked(&c->stream))
		sendq_control(c, writer_slice(&w));
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
	struct core *core = c->core;

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
		sendq_control(c, writer_slice(&w));
	if (c->state == CLIENT_ENDED)
		return;
	c->peer = peers_join(server_peers(core->server), &c->key, c->addr);
	if (c->peer == NULL) {
		core->counters.refused_limit++;
		client_end(c, "too many connections of one key");
		return;
	}
	c->state = CLIENT_RUNNING;
	c->not_here_left = CLIENT_NOT_HERE_BURST;
	c->not_here_ms = loop_now_ms(core->loop);
	c->keep_alive_ms = CLIENT_KEEP_ALIVE_MS +
	    randombytes_uniform(CLIENT_KEEP_ALIVE_JITTER_MS);
	core->counters.accepts++;
	core->counters.current_connections++;
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
		c->core->counters.rejected++;
		if (log_allowed(
			&c->core->log_login, loop_now_ms(c->core->loop))) {
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
	uint32_t waiting = c->rest_len;
	uint8_t *at;

	if (c->state != CLIENT_RUNNING)
		return;
	stream_pause(&c->stream, false);
	if (waiting == 0)
		return;
	at = core_read_room(c->core, waiting);
	memcpy(at, c->rest, waiting);
	process(c, at, waiting);
}

/* Tells those who got packets from it that its key has left. */
static void
leave_peers(struct client *c)
{
	struct core *core = c->core;
	struct peer_addr *heard;
	size_t count;

	peers_leave(
	    server_peers(core->server), c->peer, c->addr, &heard, &count);
	c->peer = NULL;
	for (size_t i = 0; i < count; i++)
		relay_tell_gone(core, &c->key, heard[i]);
	free(heard);
	core->counters.current_connections--;
	if (c->home)
		core->counters.current_home--;
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
		(void)sendq_flush(c);
	c->state = CLIENT_ENDED;
	if (c->peer != NULL)
		leave_peers(c);
	loop_timer_clear(c->core->loop, &c->timer);
	loop_timer_clear(c->core->loop, &c->write_timer);
	core_unqueue_login(c->core, c);
	derp_session_clear(&c->session);
	sendq_clear(c);
	c->core->unsent_bytes -= c->unsent_counted;
	c->core->saved_bytes -= c->rest_len;
	if (!c->eof && stream_established(&c->stream))
		stream_shutdown(&c->stream);
	stream_close(&c->stream);
	sources_leave(server_sources(c->core->server), &c->remote);
	core_end_client(c->core, c);
}

void
client_free(struct client *c)
{
	free(c->rest);
	free(c);
}
