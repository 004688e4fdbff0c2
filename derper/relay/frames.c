/* frames: see frames.h. */
#include "frames.h"

#include "client.h"
#include "conn.h"
#include "conn_table.h"
#include "crossing.h"
#include "derp_msg.h"
#include "registry.h"
#include "relay.h"
#include "worker.h"

#include <string.h>

static size_t next_frame(struct client *c, uint8_t *p, size_t n);
static void dispatch(struct client *c, const struct derp_frame *f);
static void send_packet(struct client *c, const struct derp_frame *f);
static void no_destination(struct client *c, const struct derp_frame *f);
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

/* Handles the first whole frame of the n bytes at p. Returns how many bytes
 * were used: 0 when more are needed. */
static size_t
next_frame(struct client *c, uint8_t *p, size_t n)
{
	struct derp_frame f;
	size_t used;

	if (c->skip > 0) {
		used = n < c->skip ? n : c->skip;
		c->skip -= (uint32_t)used;
		return used;
	}
	switch (derp_frame_cut(p, n, &f, &used)) {
	case DERP_CUT_FRAME:
		dispatch(c, &f);
		return used;
	case DERP_CUT_SKIP:
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
		bad_frame(c, f, "not a mesh peer");
		return;
	default:
		/* the cutter hands on nothing else */
		bad_frame(c, f, "unexpected type");
		return;
	}
}

static enum crossing_sender
sender_of(const struct client *c, enum outq_class class)
{
	if (class == OUTQ_DATA && c->conn->stream.watch.high_rate)
		return CROSSING_HIGH_RATE;
	return pacing_is_light(&c->conn->pace) ? CROSSING_LIGHT
					       : CROSSING_HEAVY;
}

static void
send_packet(struct client *c, const struct derp_frame *f)
{
	struct worker *worker = c->relay->worker;
	struct counters *counters = worker->counters;
	const size_t len = DERP_HEADER + f->body.n;
	enum outq_class class;
	struct conn_addr addr;
	struct derp_key dst;
	struct conn *to;

	memcpy(dst.b, f->body.p, DERP_KEY);
	pacing_count_packet(&c->conn->pace, len);
	counters_add(&counters->packets_received, 1);
	counters_add(&counters->bytes_received, f->body.n - DERP_KEY);
	class = derp_packet_is_disco(
		    slice_of(f->body.p + DERP_KEY, f->body.n - DERP_KEY))
	    ? OUTQ_DISCO
	    : OUTQ_DATA;
	counters_add(&counters->received_disco, class == OUTQ_DISCO);
	if (!route_cache_find(&c->routes, c->relay->shared->registry,
		&c->member, &dst, &addr)) {
		no_destination(c, f);
		return;
	}
	derp_send_to_recv(f->head, client_key(c));
	if (addr.worker != worker->index) {
		if (crossing_add(&c->relay->crossing, addr, class,
			slice_of(f->head, len), sender_of(c, class)) == -1)
			COUNTERS_DROP(counters, dropped_queue_tail,
			    class == OUTQ_DISCO, 1, len);
		return;
	}
	to = conn_table_get(worker->conns, addr);
	if (to == NULL) {
		COUNTERS_DROP(counters, dropped_gone_disconnected,
		    class == OUTQ_DISCO, 1, len);
		return;
	}
	conn_send(to, class, f->head, len);
	counters_add(&counters->packets_sent, 1);
	counters_add(&counters->payload_sent, f->body.n - DERP_KEY);
}

/* A token of the NotHere limit: 3 at once, one more a second. */
static bool
may_say_not_here(struct client *c)
{
	uint64_t now_ms = loop_now_ms(c->relay->worker->loop);
	uint64_t earned = (now_ms - c->not_here_ms) / 1000;

	if (c->not_here_left + earned >= CLIENT_NOT_HERE_BURST) {
		/* a full bucket does not begin to earn the next one */
		c->not_here_left = CLIENT_NOT_HERE_BURST;
		c->not_here_ms = now_ms;
	} else {
		c->not_here_left = (uint8_t)(c->not_here_left + earned);
		c->not_here_ms += earned * 1000;
	}
	if (c->not_here_left == 0)
		return false;
	c->not_here_left--;
	return true;
}

static void
no_destination(struct client *c, const struct derp_frame *f)
{
	uint8_t frame[DERP_HEADER + DERP_KEY + 1];
	struct writer w = writer_of(frame, sizeof frame);
	struct derp_key dst;
	struct slice packet;
	bool disco;

	if (derp_send_packet_parse(f->body, &dst, &packet) == -1)
		return;
	disco = derp_packet_is_disco(packet);
	COUNTERS_DROP(counters_of(c), dropped_unknown_dest, disco, 1,
	    DERP_HEADER + f->body.n);
	if (!disco || !may_say_not_here(c))
		return;
	derp_peer_gone_put(&w, &dst, DERP_GONE_NOT_HERE);
	conn_send_control(c->conn, writer_slice(&w), false);
	counters_add(&counters_of(c)->peer_gone_not_here_frames, 1);
}

static void
note_preferred(struct client *c, const struct derp_frame *f)
{
	bool home;

	if (derp_note_preferred_parse(f->body, &home) == -1) {
		bad_frame(c, f, "bad length");
		return;
	}
	if (home == c->home)
		return;
	c->home = home;
	if (home)
		counters_add(&counters_of(c)->current_home, 1);
	else
		counters_subtract(&counters_of(c)->current_home, 1);
}

/* One Pong may wait in the queue; pings that come meanwhile are not answered.
 * One that the stream has taken, though after much else, makes room for the
 * next one: a client that waits for it would wait for ever. */
static void
answer_ping(struct client *c, const struct derp_frame *f)
{
	uint8_t data[DERP_PING_DATA], frame[DERP_HEADER + DERP_PING_DATA];
	struct writer w = writer_of(frame, sizeof frame);

	counters_add(&counters_of(c)->got_ping, 1);
	if (derp_ping_parse(f->body, data) == -1) {
		bad_frame(c, f, "bad length");
		return;
	}
	if (c->conn->out.marked > 0)
		return;
	derp_pong_put(&w, data);
	conn_send_control(c->conn, writer_slice(&w), true);
	counters_add(&counters_of(c)->sent_pong, 1);
}

/* Ends a client for a frame that the protocol does not allow. */
static void
bad_frame(struct client *c, const struct derp_frame *f, const char *what)
{
	counters_add(&counters_of(c)->bad_frames, 1);
	conn_fail(c->conn, "%s frame of %u bytes: %s", derp_frame_name(f->type),
	    f->len, what);
}
