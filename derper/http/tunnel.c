/* tunnel: see tunnel.h. */
#include "tunnel.h"

#include "conn.h"
#include "conn_input.h"
#include "conn_table.h"
#include "counters.h"
#include "tunnel_dial.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>

/* One end of a tunnel. */
struct tunnel {
	struct tunnel_dial *dial; /* NULL: it is connected, or has failed */
	struct conn *conn;        /* borrowed: it owns this */
	struct conn_addr other;
	bool connected; /* to the other end */
	/* where the client is counted in; NULL: the target's end, or it was
	 * not; borrowed */
	struct tunnel_sources *sources;
};

static const struct conn_protocol dial_phase, tunnel_phase;

/* The other end, or NULL when it has ended or says nothing more. */
static struct conn *
other_end(const struct tunnel *t)
{
	struct conn *other;

	if (!t->connected)
		return NULL;
	other = conn_table_get(t->conn->worker->conns, t->other);
	return other != NULL && !other->ended && !other->half_closed ? other
								     : NULL;
}

/* Answers with an error, and closes. */
static void
answer_failure(struct conn *client, const char *status, const char *text)
{
	uint8_t head[256];
	struct writer w = writer_of(head, sizeof head);

	writer_printf(&w,
	    "HTTP/1.1 %s\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Connection: close\r\n"
	    "Content-Length: %zu\r\n\r\n%s\n",
	    status, strlen(text) + 1, text);
	conn_write(client, writer_slice(&w));
	if (client->ended)
		return;
	conn_finish(client);
	conn_resume(client, CONN_PAUSE_ANSWER); /* to see it close */
}

static void
refuse(struct conn *client)
{
	counters_add(&client->worker->counters->tunnels_refused, 1);
	answer_failure(client, "503 Service Unavailable", "Too many tunnels");
}

static struct tunnel *
tunnel_new(struct conn *conn)
{
	struct tunnel *t = calloc(1, sizeof *t);

	if (t != NULL)
		t->conn = conn;
	return t;
}

/* The connection to the target; takes the descriptor. */
static struct conn *
open_target(struct conn *client, const struct tunnel_dialed *dialed)
{
	struct conn *target =
	    conn_new(client->worker, dialed->fd, NULL, &dialed->remote);
	struct tunnel *t;

	if (target == NULL)
		return NULL;
	conn_be_outgoing(target);
	t = tunnel_new(target);
	if (t == NULL) {
		conn_end(target, "out of memory");
		return NULL;
	}
	conn_become(target, &tunnel_phase, t);
	conn_deadline(target, TUNNEL_IDLE_MS);
	if (target->ended)
		return NULL;
	t->other = client->addr;
	t->connected = true;
	/* before the client can end, which closes this end, too: what it says
	 * to that is an event already */
	conn_input_start(target);
	return target;
}

static void
fail(struct conn *client, const struct tunnel_dialed *dialed)
{
	struct counters *counters = client->worker->counters;

	counters_add(&counters->tunnels_failed, 1);
	if (dialed->is_forbidden) {
		counters_add(&counters->tunnels_forbidden, 1);
		conn_log(client, "tunnel:",
		    "the host's addresses are not of the public Internet, or "
		    "of this machine");
	}
	answer_failure(client, "502 Bad Gateway", "Connect failure");
}

static void
connected(void *ctx, const struct tunnel_dialed *dialed)
{
	struct tunnel *t = ctx;
	struct conn *client = t->conn, *target;

	t->dial = NULL;
	target = dialed->fd != -1 ? open_target(client, dialed) : NULL;
	if (target == NULL) {
		fail(client, dialed);
		return;
	}
	counters_add(&client->worker->counters->tunnels_opened, 1);
	t->other = target->addr;
	t->connected = true;
	conn_become(client, &tunnel_phase, t);
	conn_deadline(client, TUNNEL_IDLE_MS);
	if (client->ended)
		return;
	conn_write(client, slice_str("HTTP/1.1 200 OK\r\n\r\n"));
	if (client->ended)
		return;
	conn_resume(client, CONN_PAUSE_ANSWER);
	conn_input_saved(client); /* what came after the request */
}

void
tunnel_begin(struct conn *client, const struct connect_target *target,
    struct tunnel_sources *sources)
{
	struct tunnel *t = tunnel_new(client);

	if (t == NULL) {
		conn_end(client, "out of memory");
		return;
	}
	conn_become(client, &dial_phase, t);
	conn_pause(client, CONN_PAUSE_ANSWER);
	if (!tunnel_sources_enter(sources, &client->remote)) {
		refuse(client);
		return;
	}
	t->sources = sources;
	counters_add(&client->worker->counters->tunnels, 1);
	conn_deadline(client, TUNNEL_DIAL_MS + 1000);
	if (client->ended)
		return;
	t->dial = tunnel_dial_start(
	    target, &client->remote, client->worker->mailbox, connected, t);
	if (t->dial == NULL)
		refuse(client);
}

/* Nothing is handled before there is somebody to send it to. */
static size_t
dial_input(struct conn *conn, uint8_t *p, size_t n)
{
	(void)p;
	return conn->half_closed ? n : 0;
}

static void
timed_out(struct conn *conn)
{
	conn_end(conn, "tunnel: nothing came for too long");
}

static void
failed(struct conn *conn, const char *why)
{
	conn_log(conn, "tunnel:", why);
}

static size_t
tunnel_room(struct conn *conn)
{
	(void)conn;
	return TUNNEL_CHUNK;
}

static size_t
tunnel_input(struct conn *conn, uint8_t *p, size_t n)
{
	struct conn *other = other_end(conn->session);

	if (other == NULL || conn->half_closed)
		return n;
	counters_add(&conn->worker->counters->tunnel_bytes, n);
	conn_write(other, slice_of(p, n));
	if (conn->ended || other->ended)
		return n;
	if (stream_unsent(&other->stream) > TUNNEL_UNSENT_MAX)
		conn_pause(conn, CONN_PAUSE_ANSWER);
	conn_deadline(conn, TUNNEL_IDLE_MS);
	conn_deadline(other, TUNNEL_IDLE_MS);
	return n;
}

static void
tunnel_writable(struct conn *conn)
{
	struct conn *other = other_end(conn->session);

	if (other != NULL)
		conn_resume(other, CONN_PAUSE_ANSWER);
}

/* The client's end is counted, whichever ends first. */
static void
tunnel_ended(struct conn *conn, const char *why)
{
	struct tunnel *t = conn->session;
	struct conn *other = other_end(t);

	(void)why;
	if (t->sources != NULL) {
		tunnel_sources_leave(t->sources, &conn->remote);
		counters_subtract(&conn->worker->counters->tunnels, 1);
	}
	if (t->dial != NULL)
		tunnel_dial_abandon(t->dial);
	t->dial = NULL;
	if (other == NULL)
		return;
	conn_finish(other);
	conn_resume(other, CONN_PAUSE_ANSWER); /* to see it close */
}

static const struct conn_protocol dial_phase = {
	.input = dial_input,
	.timed_out = timed_out,
	.failed = failed,
	.ended = tunnel_ended,
	.free_session = free,
};

static const struct conn_protocol tunnel_phase = {
	.logged_in = true,
	.is_bounded = true,
	.input = tunnel_input,
	.room = tunnel_room,
	.writable = tunnel_writable,
	.timed_out = timed_out,
	.failed = failed,
	.ended = tunnel_ended,
	.free_session = free,
};
