/* relay: what is answered and told, and what ends a connection. */
#include "relay_peers.h"

static const uint8_t disco[62] = { 'T', 'S', 0xf0, 0x9f, 0x92, 0xac };
static const struct derp_key nobody = { { 3 } };

static void
send_discos(struct fake_peer *p, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		fake_peer_packet(p, &nobody, slice_of(disco, sizeof disco));
	fake_server_settle();
}

static void
check_gone_times(struct fake_peer *p, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		check_gone(p, &nobody, DERP_GONE_NOT_HERE);
	check_nothing(p);
}

/* Case 5 of upstream's: silence for packets, one notice for disco, three in a
 * row at most. */
static void
relay_says_not_here_for_disco_only(void **state)
{
	struct fake_peer *a = fake_peer_new(0);
	struct client *client = a->conn->session;

	(void)state;
	fake_peer_packet(a, &nobody, text("not disco"));
	fake_peer_packet(a, &nobody, slice_of(disco, 61));
	fake_server_settle();
	check_nothing(a);
	send_discos(a, 6);
	check_gone_times(a, 3);
	check_size(counters(0)->dropped_unknown_dest, 8);
	check_size(counters(0)->peer_gone_not_here_frames, 3);
	/* one second, one more */
	client->not_here_ms -= 1000;
	send_discos(a, 3);
	check_gone_times(a, 1);
	/* a long silence fills the bucket and no more */
	client->not_here_ms -= 60000;
	send_discos(a, 9);
	check_gone_times(a, 3);
	/* which begins to earn when it is no longer full, not before */
	client->not_here_ms -= 3900;
	send_discos(a, 9);
	check_gone_times(a, 3);
	client->not_here_ms -= 200;
	send_discos(a, 1);
	check_nothing(a);
	fake_peer_free(a);
}

/* Case 7: who got packets is told, once, after them; nobody else. */
static void
relay_tells_who_heard_that_a_key_left(void **state)
{
	(void)state;
	for (unsigned other = 0; other < WORKERS; other++) {
		struct fake_peer *a = fake_peer_new(0),
				 *b = fake_peer_new(other),
				 *c = fake_peer_new(other);

		fake_peer_packet(a, &b->key, text("hello"));
		fake_peer_packet(c, &a->key, text("to a"));
		fake_server_settle();
		check_packet(a, c, text("to a"));
		/* the last packet and the end come in the same turn */
		fake_peer_packet(a, &b->key, text("last"));
		fake_peer_leave(a);
		fake_server_settle();
		check_packet(b, a, text("hello"));
		check_packet(b, a, text("last"));
		check_gone(b, &a->key, DERP_GONE_DISCONNECTED);
		check_nothing(b);
		check_nothing(c);
		/* it comes back, is silent and leaves: nothing to tell */
		fake_peer_login(a, 0);
		fake_peer_leave(a);
		fake_server_settle();
		check_nothing(b);
		/* b leaves first: nobody to tell */
		fake_peer_login(a, 0);
		fake_peer_packet(a, &b->key, text("again"));
		fake_server_settle();
		fake_peer_leave(b);
		fake_server_settle();
		check_nothing(a);
		fake_peer_free(a);
		fake_peer_free(b);
		fake_peer_free(c);
		fake_server_settle();
	}
}

/* One of several connections of a key: nobody is told before the last. */
static void
relay_follows_duplicates(void **state)
{
	const uint8_t data[DERP_PING_DATA] = "pingping";
	struct fake_peer *from = fake_peer_new(0), *one = fake_peer_new(0),
			 *two = calloc(1, sizeof *two);
	uint8_t ping[DERP_HEADER + DERP_PING_DATA],
	    unknown[] = { 0x99, 0, 0, 0, 0 };
	struct writer w = writer_of(ping, sizeof ping);
	struct derp_frame f;

	(void)state;
	derp_ping_put(&w, data);
	fake_peer_packet(from, &one->key, text("1"));
	fake_server_settle();
	check_packet(one, from, text("1"));
	two->key = one->key;
	two->private_key = one->private_key;
	fake_peer_login(two, 1);
	fake_peer_packet(from, &one->key, text("2"));
	fake_server_settle();
	check_packet(two, from, text("2"));
	check_nothing(one);
	/* any frame makes its connection the active one */
	fake_peer_send(one, slice_of(ping, sizeof ping));
	fake_server_settle();
	check(fake_peer_frame(one, &f));
	check_int(f.type, DERP_PONG);
	check_bytes(f.body.p, data, sizeof data);
	fake_peer_packet(from, &one->key, text("3"));
	fake_server_settle();
	check_packet(one, from, text("3"));
	fake_peer_send(two, slice_of(unknown, sizeof unknown));
	fake_server_settle();
	fake_peer_packet(from, &one->key, text("4"));
	fake_server_settle();
	check_packet(two, from, text("4"));
	/* both have sent to from; it hears once, at the end */
	fake_peer_packet(one, &from->key, text("5"));
	fake_peer_packet(two, &from->key, text("6"));
	fake_server_settle();
	check(fake_peer_frame(from, &f) && f.type == DERP_RECV_PACKET);
	check(fake_peer_frame(from, &f) && f.type == DERP_RECV_PACKET);
	fake_peer_leave(two);
	fake_server_settle();
	check_nothing(from);
	fake_peer_packet(from, &one->key, text("7"));
	fake_server_settle();
	check_packet(one, from, text("7"));
	fake_peer_leave(one);
	fake_server_settle();
	check_gone(from, &one->key, DERP_GONE_DISCONNECTED);
	check_nothing(from);
	fake_peer_free(from);
	fake_peer_free(one);
	fake_peer_free(two);
}

/* §1.3: what ends the connection, and the rest that does not. */
static void
relay_ends_connections_for_bad_frames(void **state)
{
	static const struct {
		uint8_t type;
		uint32_t len;
		bool ends;
	} cases[] = {
		{ DERP_SEND_PACKET, 31, true },
		{ DERP_SEND_PACKET, 32, false },
		{ DERP_NOTE_PREFERRED, 0, true },
		{ DERP_NOTE_PREFERRED, 1, false },
		{ DERP_NOTE_PREFERRED, 2, true },
		{ DERP_PING, 7, true },
		{ DERP_PING, 8, false },
		{ DERP_PING, 1000, false },
		{ DERP_PING, 1001, true },
		{ DERP_FORWARD_PACKET, 64, true },
		{ DERP_WATCH_CONNS, 0, true },
		{ DERP_WATCH_CONNS, 1, true },
		{ DERP_CLOSE_PEER, 32, true },
		{ DERP_PONG, 8, false },
		{ DERP_PONG, 0, false },
		{ DERP_CLIENT_INFO, 100, false },
		{ DERP_SERVER_KEY, 2000, false },
		{ DERP_RECV_PACKET, 3, false },
		{ 0x42, 100000, false },
		{ 0xff, 0, false },
	};
	static uint8_t frame[200000];
	size_t bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fake_peer *p = fake_peer_new(0);

		memset(frame, 0, sizeof frame);
		derp_header_put(
		    frame, (struct derp_header){ cases[i].type, cases[i].len });
		fake_peer_send(p, slice_of(frame, DERP_HEADER + cases[i].len));
		fake_peer_packet(p, &p->key, text("still here"));
		fake_server_settle();
		bad += cases[i].ends;
		if (cases[i].ends) {
			check(!fake_peer_read(p));
			check_size(p->n, 0);
		} else {
			struct derp_frame f;

			if (cases[i].type == DERP_PING)
				check(fake_peer_frame(p, &f) &&
				    f.type == DERP_PONG && f.len == 8);
			check_packet(p, p, text("still here"));
		}
		check_size(counters(0)->bad_frames, bad);
		fake_peer_free(p);
		fake_server_settle();
	}
}

/* Frames that nobody knows are thrown away however they come, and of any
 * size: nothing of them is kept. */
static void
relay_skips_unknown_frames_in_pieces(void **state)
{
	static uint8_t junk[50000];
	struct fake_peer *p = fake_peer_new(0);
	uint8_t head[DERP_HEADER];
	size_t left = 1000000, n;

	(void)state;
	derp_header_put(head, (struct derp_header){ 0x77, 1000000 });
	fake_peer_send(p, slice_of(head, 3));
	fake_server_turn(0);
	fake_peer_send(p, slice_of(head + 3, 2));
	fake_server_turn(0);
	while (left > 0) {
		n = left < sizeof junk ? left : sizeof junk;
		fake_peer_send(p, slice_of(junk, n));
		left -= n;
		fake_server_turn(0);
		check_size(conn_saved(p->conn).n, 0);
	}
	fake_peer_packet(p, &p->key, text("behind"));
	fake_server_settle();
	check_packet(p, p, text("behind"));
	check_size(counters(0)->unknown_frames, 1);
	fake_peer_free(p);
}

/* Cases 6 and 10 of upstream's. */
static void
relay_counts_home_connections(void **state)
{
	static const uint8_t home[] = { DERP_NOTE_PREFERRED, 0, 0, 0, 1, 1 },
			     away[] = { DERP_NOTE_PREFERRED, 0, 0, 0, 1, 0 };
	struct fake_peer *a = fake_peer_new(0), *b = fake_peer_new(0);
	static const uint64_t want[] = { 1, 1, 0, 0, 1 };
	const uint8_t *const send[] = { home, home, away, away, home };

	(void)state;
	check_size(counters(0)->current_connections, 2);
	check_size(counters(0)->current_home, 0);
	for (int i = 0; i < 5; i++) {
		fake_peer_send(a, slice_of(send[i], 6));
		fake_server_settle();
		check_size(counters(0)->current_home, want[i]);
	}
	fake_peer_free(a);
	fake_server_settle();
	check_size(counters(0)->current_home, 0);
	check_size(counters(0)->current_connections, 1);
	fake_peer_free(b);
}

/* One Pong may wait; what comes meanwhile is counted and not answered. */
static void
relay_answers_one_ping_at_a_time(void **state)
{
	uint8_t ping[DERP_HEADER + DERP_PING_DATA];
	struct fake_peer *p = fake_peer_new(0);
	struct derp_frame f;

	(void)state;
	for (uint8_t i = 0; i < 3; i++) {
		const uint8_t data[DERP_PING_DATA] = { i };
		struct writer w = writer_of(ping, sizeof ping);

		derp_ping_put(&w, data);
		fake_peer_send(p, writer_slice(&w));
	}
	fake_server_settle();
	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_PONG);
	check_int(f.body.p[0], 0);
	check_nothing(p);
	check_size(counters(0)->got_ping, 3);
	check_size(counters(0)->sent_pong, 1);
	fake_peer_send(p, slice_of(ping, sizeof ping));
	fake_server_settle();
	check(fake_peer_frame(p, &f));
	check_int(f.body.p[0], 2);
	fake_peer_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(relay_says_not_here_for_disco_only),
		TEST(relay_tells_who_heard_that_a_key_left),
		TEST(relay_follows_duplicates),
		TEST(relay_ends_connections_for_bad_frames),
		TEST(relay_skips_unknown_frames_in_pieces),
		TEST(relay_counts_home_connections),
		TEST(relay_answers_one_ping_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
