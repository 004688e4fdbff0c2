/* frames: see frames.h. */
#include "frames.h"

#include "client.h"
#include "conn.h"
#include "deliver.h"
#include "derp_msg.h"
#include "mesh_peer.h"
#include "rate_gate.h"
#include "registry.h"
#include "relay.h"
#include "worker.h"

#include <string.h>

/* A home that changes later than this after the login is a move, as upstream
 * counts. */
#define SETTLED_MS 5000

static size_t next_frame(struct client *c, uint8_t *p, size_t n);
static void dispatch(struct client *c, const struct derp_frame *f);
static void send_packet(struct client *c, const struct derp_frame *f);
static void note_preferred(struct client *c, const struct derp_frame *f);
static void answer_ping(struct client *c, const struct derp_frame *f);
static void bad_frame(
    struct client *c, const struct derp_frame *f, const char *what);

static struct counters *
counters_of(const struct client *c)
{
	return c->relay->worker->counters;
}

size_t
frames_input(struct conn *conn, uint8_t *p, size_t n)
{
	struct client *c = conn->session;
	size_t used = 0, step;

	/* all of its frames, as one that only comes in part counts too */
	registry_heard_from(c->relay->shared->registry, &c->member,
	    loop_now_ms(c->relay->worker->loop));
	do {
		step = next_frame(c, p + used, n - used);
		used += step;
	} while (step > 0 && used < n && !conn->ended);
	return used;
}

size_t
frames_room(struct conn *conn)
{
	const struct client *c = conn->session;

	return c->gate == NULL ? STREAM_CHUNK : rate_gate_room(c->gate);
}

void
frames_framing(struct conn *conn, size_t bytes, size_t empty)
{
	const struct client *c = conn->session;

	if (c->gate != NULL)
		rate_gate_framing(c->gate, bytes, empty);
}

static bool
may_pass(struct client *c, size_t len)
{
	return c->gate == NULL || rate_gate_pass(c->gate, len);
}

/* Handles the first whole frame of the n bytes at p. Of a frame that is ignored
 * what has come is charged: its length alone costs the sender nothing. Returns
 * how many bytes were used: 0 when more are needed. */
static size_t
next_frame(struct client *c, uint8_t *p, size_t n)
{
	struct derp_frame f;
	size_t used;

	if (c->skip > 0) {
		used = n < c->skip ? n : c->skip;
		if (!may_pass(c, used))
			return 0;
		c->skip -= (uint32_t)used;
		return used;
	}
	switch (derp_frame_cut(p, n, &f, &used)) {
	case DERP_CUT_FRAME:
		if (!may_pass(c, f.len))
			return 0;
		dispatch(c, &f);
		return used;
	case DERP_CUT_SKIP:
		if (!may_pass(c, used))
			return 0;
		counters_add(&counters_of(c)->unknown_frames, 1);
		c->skip = f.skip;
		return used;
	case DERP_CUT_MORE:
		return 0;
	case DERP_CUT_BAD:
		bad_frame(c, &f, "bad length");
		return 0;
	}
	return 0;
}

static void
dispatch_mesh(struct client *c, const struct derp_frame *f)
{
	if (f->type == DERP_FORWARD_PACKET)
		mesh_peer_forward(c, f);
	else if (f->type == DERP_WATCH_CONNS)
		mesh_peer_watch(c);
	else
		mesh_peer_close(c, f);
}

static void
dispatch(struct client *c, const struct derp_frame *f)
{
	switch (f->type) {
	case DERP_SEND_PACKET:
		send_packet(c, f);
		return;
	case DERP_NOTE_PREFERRED:
		note_preferred(c, f);
		return;
	case DERP_PING:
		answer_ping(c, f);
		return;
	case DERP_FORWARD_PACKET:
	case DERP_WATCH_CONNS:
	case DERP_CLOSE_PEER:
		if (c->is_mesh)
			dispatch_mesh(c, f);
		else
			bad_frame(c, f, "not a mesh peer");
		return;
	default:
		/* the cutter hands on nothing else */
		bad_frame(c, f, "unexpected type");
		return;
	}
}

/* The packet goes to the relay that its destination is at: with a head of its
 * own, as that has the keys of both. */
static void
forward(struct client *c, const struct derp_frame *f, struct conn_addr link,
    enum outq_class class)
{
	struct worker *worker = c->relay->worker;
	const size_t len = DERP_HEADER + DERP_KEY + f->body.n;
	uint8_t *bytes = turn_memory_alloc(worker->memory, len);
	struct writer w = writer_of(bytes, bytes != NULL ? len : 0);
	struct derp_key dst;
	struct slice packet;

	if (bytes == NULL ||
	    derp_send_packet_parse(f->body, &dst, &packet) == -1) {
		COUNTERS_DROP(worker->counters, dropped_queue_tail,
		    class == OUTQ_DISCO, 1, len - DERP_KEY);
		return;
	}
	derp_forward_packet_put(&w, client_key(c), &dst, packet);
	counters_add(&worker->counters->packets_forwarded_out, 1);
	deliver_frame(c, link, class, bytes, len);
}

static void
send_packet(struct client *c, const struct derp_frame *f)
{
	struct counters *counters = counters_of(c);
	const size_t len = DERP_HEADER + f->body.n;
	enum outq_class class;
	struct conn_addr addr;
	struct derp_key dst;

	memcpy(dst.b, f->body.p, DERP_KEY);
	pacing_count_packet(&c->conn->pace, len);
	counters_add(&counters->packets_received, 1);
	counters_add(&counters->bytes_received, f->body.n - DERP_KEY);
	class =
	    deliver_class(slice_of(f->body.p + DERP_KEY, f->body.n - DERP_KEY));
	counters_add(&counters->received_disco, class == OUTQ_DISCO);
	switch (route_cache_find(
	    &c->routes, c->relay->shared->registry, &c->member, &dst, &addr)) {
	case ROUTE_HERE:
		derp_send_to_recv(f->head, client_key(c));
		deliver_frame(c, addr, class, f->head, len);
		return;
	case ROUTE_LINK:
		forward(c, f, addr, class);
		return;
	case ROUTE_NONE:
		deliver_to_nobody(c, &dst, class, len, false);
		return;
	}
}

static void
note_preferred(struct client *c, const struct derp_frame *f)
{
	bool home, moved;

	if (derp_note_preferred_parse(f->body, &home) == -1) {
		bad_frame(c, f, "bad length");
		return;
	}
	if (home == c->home)
		return;
	c->home = home;
	moved = loop_now_ms(c->relay->worker->loop) - c->joined_ms > SETTLED_MS;
	if (home) {
		counters_add(&counters_of(c)->current_home, 1);
		counters_add(&counters_of(c)->home_moves_in, moved);
	} else {
		counters_subtract(&counters_of(c)->current_home, 1);
		counters_add(&counters_of(c)->home_moves_out, moved);
	}
}

/* One Pong may wait in the queue; pings that come meanwhile are not answered.
 * One that the stream has taken, though after much else, makes room for the
 * next one: a client that waits for it would wait for ever. */
static void
answer_ping(struct client *c, const struct derp_frame *f)
{
	uint8_t data[DERP_PING_DATA], frame[DERP_HEADER + DERP_PING_DATA];
	struct writer w = writer_of(frame, sizeof frame);
	struct counters *counters = counters_of(c);

	counters_add(&counters->got_ping, 1);
	if (derp_ping_parse(f->body, data) == -1) {
		bad_frame(c, f, "bad length");
		return;
	}
	if (c->conn->out.marked > 0)
		return;
	derp_pong_put(&w, data);
	/* without memory that ends it, and *c may be a departure then */
	conn_send_control(c->conn, writer_slice(&w), true);
	counters_add(&counters->sent_pong, 1);
}

/* Ends a client for a frame that the protocol does not allow. */
static void
bad_frame(struct client *c, const struct derp_frame *f, const char *what)
{
	counters_add(&counters_of(c)->bad_frames, 1);
	conn_fail(c->conn, "%s frame of %u bytes: %s", derp_frame_name(f->type),
	    f->len, what);
}
