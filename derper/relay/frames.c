/* relay: see relay.h. */
#include "frames.h"

#include "admission.h"
#include "derp_handshake.h"
#include "derp_msg.h"
#include "worker.h"

#include <string.h>

/* Ends a client for a frame that the protocol does not allow. */
static void
bad_frame(struct client *c, const struct derp_frame *f, const char *what)
{
	counters_add(&c->worker->counters->bad_frames, 1);
	client_fail(c, "%s frame of %u bytes: %s", derp_frame_name(f->type),
	    f->len, what);
}

/* The remembered route to dst, or the one to be replaced, with used false. */
static struct route *
find_route(struct client *c, const uint8_t *dst)
{
	struct route *r = &c->routes[c->last_route];

	if (r->used && memcmp(r->dst.b, dst, DERP_KEY) == 0)
		return r;
	for (uint8_t i = 0; i < CLIENT_ROUTES; i++) {
		r = &c->routes[i];
		if (r->used && memcmp(r->dst.b, dst, DERP_KEY) == 0) {
			c->last_route = i;
			return r;
		}
	}
	/* one that is in use goes only when all are: destinations that are not
	 * here stay unused and take each other's place */
	r = &c->routes[c->last_route];
	for (uint8_t i = 1; i < CLIENT_ROUTES && r->used; i++)
		r = &c->routes[(c->last_route + i) % CLIENT_ROUTES];
	if (r->used)
		r = &c->routes[(c->last_route + 1) % CLIENT_ROUTES];
	c->last_route = (uint8_t)(r - c->routes);
	*r = (struct route){ 0 };
	memcpy(r->dst.b, dst, DERP_KEY);
	return r;
}

/* The destination will have heard from this client: when the client's key
 * leaves, it must be told. */
static void
note_heard(struct client *c, struct route *r)
{
	struct registry *peers = server_registry(c->worker->server);

	switch (registry_note_heard(peers, c->peer, r->addr)) {
	case REGISTRY_NO_MEMORY:
		r->known = r->used = false; /* look it up again */
		return;
	case REGISTRY_EMPTIED:
		for (size_t i = 0; i < CLIENT_ROUTES; i++)
			c->routes[i].known = c->routes[i].used = false;
		r->used = true;
		break;
	case REGISTRY_NOTED:
		break;
	}
	r->known = true;
}

/* Where dst is now; NULL when it is not here. */
static const struct route *
route_to(struct client *c, const uint8_t *dst)
{
	struct registry *peers = server_registry(c->worker->server);
	struct route *r = find_route(c, dst);
	struct conn_addr before = r->addr;

	if (r->used && r->version == registry_version(peers, &r->dst))
		return r;
	r->used = registry_find(peers, &r->dst, &r->addr, &r->version);
	if (!r->used)
		return NULL;
	if (!r->known || !conn_addr_eq(before, r->addr))
		note_heard(c, r);
	return r;
}

/* A token of the NotHere limit: 3 at once, one more a second. */
static bool
may_say_not_here(struct client *c)
{
	uint64_t now_ms = loop_now_ms(c->worker->loop);
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
nobody_there(struct client *c, const struct derp_frame *f)
{
	uint8_t frame[DERP_HEADER + DERP_KEY + 1];
	struct writer w = writer_of(frame, sizeof frame);
	struct derp_key dst;
	struct slice packet;

	counters_add(&c->worker->counters->dropped_unknown_dest, 1);
	if (derp_send_packet_parse(f->body, &dst, &packet) == -1 ||
	    !derp_packet_is_disco(packet) || !may_say_not_here(c))
		return;
	derp_peer_gone_put(&w, &dst, DERP_GONE_NOT_HERE);
	outq_control(c, writer_slice(&w));
	counters_add(&c->worker->counters->peer_gone_not_here_frames, 1);
}

static void
send_packet(struct client *c, const struct derp_frame *f)
{
	struct worker *worker = c->worker;
	const struct route *r = route_to(c, f->body.p);
	const size_t len = DERP_HEADER + f->body.n;
	struct client *to;

	c->window_packets++;
	counters_add(&worker->counters->packets_received, 1);
	counters_add(&worker->counters->bytes_received, f->body.n - DERP_KEY);
	if (r == NULL) {
		nobody_there(c, f);
		return;
	}
	derp_send_to_recv(f->head, &c->key);
	if (r->addr.worker != worker->index) {
		if (crossing_add(worker, r->addr, slice_of(f->head, len)) == -1)
			counters_add(&worker->counters->dropped_queue_tail, 1);
		return;
	}
	to = worker_client(worker, r->addr);
	if (to == NULL) {
		counters_add(&worker->counters->dropped_gone_disconnected, 1);
		return;
	}
	outq_add(to, f->head, len);
	counters_add(&worker->counters->packets_sent, 1);
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
		counters_add(&c->worker->counters->current_home, 1);
	else
		counters_subtract(&c->worker->counters->current_home, 1);
}

/* One Pong may be under way; pings that come meanwhile are not answered. */
static void
answer_ping(struct client *c, const struct derp_frame *f)
{
	uint8_t data[DERP_PING_DATA], frame[DERP_HEADER + DERP_PING_DATA];
	struct writer w = writer_of(frame, sizeof frame);

	counters_add(&c->worker->counters->got_ping, 1);
	if (derp_ping_parse(f->body, data) == -1) {
		bad_frame(c, f, "bad length");
		return;
	}
	if (c->pong_pending)
		return;
	c->pong_pending = true;
	derp_pong_put(&w, data);
	outq_control(c, writer_slice(&w));
	counters_add(&c->worker->counters->sent_pong, 1);
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

size_t
frames_input(struct client *c, uint8_t *p, size_t n)
{
	struct derp_frame f;
	size_t used, skipped;

	if (c->skip > 0) {
		skipped = n < c->skip ? n : c->skip;
		c->skip -= (uint32_t)skipped;
		return skipped;
	}
	registry_heard_from(
	    server_registry(c->worker->server), c->peer, c->addr);
	switch (derp_frame_cut(p, n, &f, &used)) {
	case DERP_CUT_FRAME:
		dispatch(c, &f);
		return c->state == CLIENT_RUNNING ? used : 0;
	case DERP_CUT_SKIP:
		counters_add(&c->worker->counters->unknown_frames, 1);
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

size_t
frames_login(struct client *c, uint8_t *p, size_t n)
{
	struct derp_client_info info;
	struct fail why = { 0 };
	struct derp_frame f;
	size_t used;

	switch (derp_frame_cut_login(p, n, &f, &used)) {
	case DERP_CUT_FRAME:
		break;
	case DERP_CUT_MORE:
		return 0;
	case DERP_CUT_SKIP:
	case DERP_CUT_BAD:
		if (f.type != DERP_CLIENT_INFO)
			fail_set(&why, "bad frame type 0x%x, want 0x%x", f.type,
			    DERP_CLIENT_INFO);
		else
			fail_set(&why,
			    f.len < DERP_MIN_CLIENT_INFO ? "short client info"
							 : "long client info");
		client_fail(c, "receive client key: %s", why.text);
		return 0;
	}
	if (derp_client_info_open(f.body, server_private_key(c->worker->server),
		&c->session, &info, &why) == -1) {
		client_fail(c, "receive client key: %s", why.text);
		return 0;
	}
	c->key = c->session.client;
	admission_ask(c);
	return c->state == CLIENT_ENDED ? 0 : used;
}

void
frames_tell_gone(
    struct worker *worker, const struct derp_key *key, struct conn_addr to)
{
	uint8_t frame[DERP_HEADER + DERP_KEY + 1];
	struct writer w = writer_of(frame, sizeof frame);
	struct client *c;

	derp_peer_gone_put(&w, key, DERP_GONE_DISCONNECTED);
	counters_add(&worker->counters->peer_gone_disconnected_frames, 1);
	if (to.worker != worker->index) {
		(void)crossing_add(worker, to, writer_slice(&w));
		return;
	}
	c = worker_client(worker, to);
	if (c != NULL)
		outq_control(c, writer_slice(&w));
}
