/* tunnel: see tunnel.h. */
#include "tunnel.h"

#include "conn.h"
#include "conn_input.h"
#include "conn_table.h"
#include "counters.h"
#include "tunnel_dial.h"
#include "worker.h"

#include <stdatomic.h>
#include <stdlib.h>

/* One end of a tunnel. */
struct tunnel {
	struct tunnel_dial *dial; /* NULL: it is connected, or has failed */
	struct conn *conn;        /* borrowed: it owns this */
	struct conn_addr other;
	bool connected; /* to the other end */
};

static const struct conn_protocol dial_phase, tunnel_phase;

bool
tunnel_has_room(const struct conn *client)
{
	return atomic_load_explicit(&client->worker->counters->tunnels,
		   memory_order_relaxed) < TUNNEL_MAX;
}

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

static void
answer_failure(struct conn *client)
{
	static const char text[] = "HTTP/1.1 502 Bad Gateway\r\n"
				   "Content-Type: text/plain; charset=utf-8\r\n"
				   "X-Content-Type-Options: nosniff\r\n"
				   "Connection: close\r\n"
				   "Content-Length: 16\r\n\r\n"
				   "Connect failure\n";

	conn_write(client, slice_str(text));
	if (client->ended)
		return;
	conn_finish(client);
	conn_resume(client, CONN_PAUSE_ANSWER); /* to see it close */
}

static struct tunnel *
tunnel_new(struct conn *conn)
{
	struct tunnel *t = calloc(1, sizeof *t);

	if (t != NULL)
		t->conn = conn;
	return t;
}

/* The connection to the target; takes fd. */
static struct conn *
open_target(struct conn *client, int fd, const struct netaddr *remote)
{
	struct conn *target = conn_new(client->worker, fd, NULL, remote);
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
connected(void *ctx, int fd, const struct netaddr *remote)
{
	struct tunnel *t = ctx;
	struct conn *client = t->conn, *target;

	t->dial = NULL;
	target = fd != -1 ? open_target(client, fd, remote) : NULL;
	if (target == NULL) {
		answer_failure(client);
		return;
	}
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
tunnel_begin(struct conn *client, const struct connect_target *target)
{
	struct tunnel *t = tunnel_new(client);

	if (t == NULL) {
		conn_end(client, "out of memory");
		return;
	}
	counters_add(&client->worker->counters->tunnels, 1);
	conn_become(client, &dial_phase, t);
	conn_pause(client, CONN_PAUSE_ANSWER);
	conn_deadline(client, TUNNEL_DIAL_MS + 1000);
	if (client->ended)
		return;
	t->dial =
	    tunnel_dial_start(target, client->worker->mailbox, connected, t);
	if (t->dial == NULL)
		answer_failure(client);
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
tunnel_input(struct conn *conn, uint8_t *p, size_t n)
{
	struct conn *other = other_end(conn->session);

	if (other == NULL || conn->half_closed)
		return n;
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
	if (!conn->outgoing)
		counters_subtract(&conn->worker->counters->tunnels, 1);
	if (t->dial != NULL)
		tunnel_dial_abandon(t->dial);
	t->dial = NULL;
	if (other != NULL)
		conn_finish(other);
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
	.input = tunnel_input,
	.writable = tunnel_writable,
	.timed_out = timed_out,
	.failed = failed,
	.ended = tunnel_ended,
	.free_session = free,
};
