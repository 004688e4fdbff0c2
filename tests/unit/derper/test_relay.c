/* relay: who gets what, across cores too; what is answered and what ends. */
#include "fake_alloc.h"
#include "fake_server.h"

enum { CORES = 2 };

static int
setup(void **state)
{
	struct config config = fake_server_config();

	(void)state;
	config.cores = CORES;
	fake_server_open(&config);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_server_close();
	return 0;
}

static const struct counters *
counters(unsigned core)
{
	return &fake_server.cores[core]->counters;
}

static void
check_nothing(struct fake_peer *p)
{
	struct derp_frame f;

	check(!fake_peer_frame(p, &f));
}

static void
check_packet(
    struct fake_peer *p, const struct fake_peer *from, struct slice packet)
{
	struct derp_frame f;
	struct derp_key src;
	struct slice got;

	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_RECV_PACKET);
	check_int(derp_recv_packet_parse(f.body, &src, &got), 0);
	check(derp_key_eq(&src, &from->key));
	check_slice(got, packet);
}

static void
check_gone(
    struct fake_peer *p, const struct derp_key *who, enum derp_gone reason)
{
	struct derp_frame f;

	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_PEER_GONE);
	check_size(f.body.n, DERP_KEY + 1);
	check_bytes(f.body.p, who->b, DERP_KEY);
	check_int(f.body.p[DERP_KEY], reason);
}

static struct slice
text(const char *s)
{
	return slice_str(s);
}

/* Case 4 of upstream's, on one core and across two. */
static void
relay_delivers_to_the_right_one(void **state)
{
	(void)state;
	for (unsigned other = 0; other < CORES; other++) {
		struct fake_peer *a = fake_peer_new(0),
				 *b = fake_peer_new(other),
				 *c = fake_peer_new(0);

		fake_peer_packet(a, &b->key, text("one"));
		fake_peer_packet(b, &c->key, text("two"));
		fake_peer_packet(a, &b->key, text(""));
		fake_server_settle();
		check_packet(b, a, text("one"));
		check_packet(b, a, text(""));
		check_nothing(b);
		check_packet(c, b, text("two"));
		fake_peer_packet(c, &c->key, text("myself"));
		fake_server_settle();
		check_packet(c, c, text("myself"));
		check_nothing(c);
		check_nothing(a);
		fake_peer_free(a);
		fake_peer_free(b);
		fake_peer_free(c);
		fake_server_settle();
	}
}

/* What a client sent before the frame that ends it arrives as it was, also when
 * others are read behind it in the same turn. */
static void
relay_keeps_what_came_before_a_bad_frame(void **state)
{
	static const char *const words[] = { "last words of the first",
		"last words of the second", "last words of the third" };
	const uint8_t bad[] = { DERP_NOTE_PREFERRED, 0, 0, 0, 2, 0, 0 };
	struct fake_peer *to = fake_peer_new(0), *from[3];
	unsigned came = 0;
	struct derp_frame f;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		from[i] = fake_peer_new(0);
	for (size_t i = 0; i < 3; i++) {
		fake_peer_packet(from[i], &to->key, text(words[i]));
		fake_peer_send(from[i], slice_of(bad, sizeof bad));
	}
	fake_server_turn(0);
	while (fake_peer_frame(to, &f)) /* in whatever order they were read */
		for (size_t i = 0; i < 3; i++) {
			if (f.type != DERP_RECV_PACKET ||
			    memcmp(f.body.p, from[i]->key.b, DERP_KEY) != 0)
				continue;
			check_slice(
			    slice_of(f.body.p + DERP_KEY, f.body.n - DERP_KEY),
			    text(words[i]));
			came |= 1U << i;
		}
	check_int(came, 7);
	for (size_t i = 0; i < 3; i++)
		fake_peer_free(from[i]);
	fake_peer_free(to);
}

/* Numbered packets from several to one, more than a batch holds: complete and
 * in order per sender. */
static void
relay_keeps_order_across_cores(void **state)
{
	enum { SENDERS = 3, EACH = 300 };
	static uint8_t packet[1400];
	struct fake_peer *from[SENDERS], *to = fake_peer_new(0);
	uint32_t next[SENDERS] = { 0 };
	struct derp_frame f;

	(void)state;
	for (int i = 0; i < SENDERS; i++)
		from[i] = fake_peer_new(1);
	for (uint32_t n = 0; n < EACH; n++) {
		for (int i = 0; i < SENDERS; i++) {
			bytes_put_u32(packet, n);
			fake_peer_packet(from[i], &to->key,
			    slice_of(packet, 4 + (n * 37) % 1396));
		}
		if (n % 20 == 19) {
			fake_server_turn(1);
			fake_server_turn(0);
			while (fake_peer_frame(to, &f))
				for (int i = 0; i < SENDERS; i++)
					if (memcmp(f.body.p, from[i]->key.b,
						DERP_KEY) == 0)
						check_int(
						    bytes_get_u32(
							f.body.p + DERP_KEY),
						    next[i]++);
		}
	}
	for (int i = 0; i < SENDERS; i++) {
		check_int(next[i], EACH);
		fake_peer_free(from[i]);
	}
	fake_peer_free(to);
	fake_server_settle();
	check_size(atomic_load(&fake_server.under_way[0]), 0);
}

/* The largest packet there is, and one byte more. */
static void
relay_limits_packets(void **state)
{
	static uint8_t packet[DERP_MAX_PACKET + 1];
	struct fake_peer *a = fake_peer_new(0), *b = fake_peer_new(1);
	uint8_t head[DERP_HEADER];

	(void)state;
	randombytes_buf(packet, sizeof packet);
	fake_peer_packet(a, &b->key, slice_of(packet, DERP_MAX_PACKET));
	fake_server_settle();
	check_packet(b, a, slice_of(packet, DERP_MAX_PACKET));
	derp_header_put(head,
	    (struct derp_header){
		DERP_SEND_PACKET, DERP_KEY + DERP_MAX_PACKET + 1 });
	fake_peer_send(a, slice_of(head, sizeof head));
	fake_server_settle();
	check(!fake_peer_read(a));
	check_size(counters(0)->bad_frames, 1);
	check(fake_peer_read(b));
	fake_peer_free(a);
	fake_peer_free(b);
}

/* Case 5 of upstream's: silence for packets, one notice for disco, three in a
 * row at most. */
static void
relay_says_not_here_for_disco_only(void **state)
{
	static const uint8_t disco[62] = { 'T', 'S', 0xf0, 0x9f, 0x92, 0xac };
	struct fake_peer *a = fake_peer_new(0);
	const struct derp_key nobody = { { 3 } };

	(void)state;
	fake_peer_packet(a, &nobody, text("not disco"));
	fake_peer_packet(a, &nobody, slice_of(disco, 61));
	fake_server_settle();
	check_nothing(a);
	for (int i = 0; i < 6; i++)
		fake_peer_packet(a, &nobody, slice_of(disco, 62));
	fake_server_settle();
	for (int i = 0; i < 3; i++)
		check_gone(a, &nobody, DERP_GONE_NOT_HERE);
	check_nothing(a);
	check_size(counters(0)->dropped_unknown_dest, 8);
	check_size(counters(0)->peer_gone_not_here_frames, 3);
	/* one second, one more */
	a->client->not_here_ms -= 1000;
	for (int i = 0; i < 3; i++)
		fake_peer_packet(a, &nobody, slice_of(disco, 62));
	fake_server_settle();
	check_gone(a, &nobody, DERP_GONE_NOT_HERE);
	check_nothing(a);
	/* a long silence fills the bucket and no more */
	a->client->not_here_ms -= 60000;
	for (int i = 0; i < 9; i++)
		fake_peer_packet(a, &nobody, slice_of(disco, 62));
	fake_server_settle();
	for (int i = 0; i < 3; i++)
		check_gone(a, &nobody, DERP_GONE_NOT_HERE);
	check_nothing(a);
	fake_peer_free(a);
}

/* Case 7: who got packets is told, once, behind them; nobody else. */
static void
relay_tells_who_heard_that_a_key_left(void **state)
{
	(void)state;
	for (unsigned other = 0; other < CORES; other++) {
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

/* A key that leaves and comes back elsewhere gets what is sent from then on,
 * although senders remember where it was. */
static void
relay_finds_a_key_that_moved(void **state)
{
	struct fake_peer *from = fake_peer_new(0), *to = fake_peer_new(0);

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		fake_peer_packet(from, &to->key, text("here?"));
		fake_server_settle();
		check_packet(to, from, text("here?"));
		fake_peer_leave(to);
		fake_server_settle();
		fake_peer_packet(from, &to->key, text("nobody"));
		fake_server_settle();
		check_nothing(from);
		fake_peer_login(to, i % CORES);
	}
	check_size(counters(0)->dropped_unknown_dest, 6);
	fake_peer_free(from);
	fake_peer_free(to);
}

/* More destinations than a connection remembers. */
static void
relay_reaches_many_from_one(void **state)
{
	enum { MANY = 3 * CLIENT_ROUTES };
	struct fake_peer *from = fake_peer_new(0), *to[MANY];

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		to[i] = fake_peer_new(i % CORES);
	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < MANY; i++)
			fake_peer_packet(from, &to[i]->key, text("x"));
		fake_server_settle();
		for (unsigned i = 0; i < MANY; i++)
			check_packet(to[i], from, text("x"));
	}
	fake_peer_leave(from);
	fake_server_settle();
	for (unsigned i = 0; i < MANY; i++) {
		check_gone(to[i], &from->key, DERP_GONE_DISCONNECTED);
		check_nothing(to[i]);
		fake_peer_free(to[i]);
	}
	fake_peer_free(from);
}

/* Packets to keys that are not here, which every node sends now and then, do
 * not make a connection forget where the others are. */
static void
relay_remembers_routes_beside_absent_keys(void **state)
{
	enum { HERE = CLIENT_ROUTES - 1 };
	struct fake_peer *from = fake_peer_new(0), *to[HERE];
	struct derp_key absent = { { 1 } };

	(void)state;
	for (unsigned i = 0; i < HERE; i++) {
		to[i] = fake_peer_new(0);
		fake_peer_packet(from, &to[i]->key, text("x"));
	}
	for (uint8_t i = 0; i < 3 * CLIENT_ROUTES; i++) {
		absent.b[1] = i;
		fake_peer_packet(from, &absent, text("x"));
	}
	fake_server_settle();
	for (unsigned i = 0; i < HERE; i++) {
		unsigned known = 0;

		for (unsigned k = 0; k < CLIENT_ROUTES; k++)
			known += from->client->routes[k].used &&
			    derp_key_eq(
				&from->client->routes[k].dst, &to[i]->key);
		check_int(known, 1);
		fake_peer_free(to[i]);
	}
	fake_peer_free(from);
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
		check_size(p->client->rest_len, 0);
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

/* What is under way to one core is bounded; beyond, packets are dropped and
 * counted, and nothing is left once it has come. */
static void
relay_bounds_what_is_under_way(void **state)
{
	static uint8_t packet[60000];
	struct fake_peer *from = fake_peer_new(0), *to = fake_peer_new(1);
	const size_t many = 2 * HANDOVER_MAX / sizeof packet;

	(void)state;
	for (size_t i = 0; i < many; i++) {
		fake_peer_packet(
		    from, &to->key, slice_of(packet, sizeof packet));
		fake_server_turn(0); /* core 1 does nothing */
		check(atomic_load(&fake_server.under_way[1]) <=
		    HANDOVER_MAX + 262144);
	}
	check(counters(0)->dropped_queue_tail > 0);
	check(counters(0)->dropped_queue_tail < many);
	fake_server_settle();
	check_size(atomic_load(&fake_server.under_way[1]), 0);
	fake_peer_free(from);
	fake_peer_free(to);
}

/* A batch finds that its receiver has gone, and that another connection has
 * its slot: nothing is delivered to that one. */
static void
relay_gives_nothing_to_the_next_tenant_of_a_slot(void **state)
{
	struct fake_peer *from = fake_peer_new(0), *to = fake_peer_new(1),
			 *next;

	(void)state;
	fake_peer_packet(from, &to->key, text("late"));
	fake_server_turn(0); /* posted */
	client_end(to->client, NULL);
	next = fake_peer_new(1); /* this turn opens the batch, too */
	check_int(next->client->addr.slot, 0);
	fake_server_settle();
	check_nothing(next);
	check_size(counters(1)->dropped_gone_disconnected, 1);
	fake_peer_free(from);
	fake_peer_free(to);
	fake_peer_free(next);
}

/* The n-th allocation fails while packets go both ways: packets may be lost,
 * connections may end; nobody gets what is not his, nothing leaks. */
static void
relay_survives_lack_of_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		struct fake_peer *a = fake_peer_new(0), *b = fake_peer_new(1),
				 *c = fake_peer_new(0);
		struct derp_frame f;

		fake_alloc_fail_at(n);
		fake_peer_packet(a, &b->key, text("a to b"));
		fake_peer_packet(a, &c->key, text("a to c"));
		fake_peer_packet(b, &c->key, text("b to c"));
		fake_server_settle();
		fake_peer_leave(a);
		fake_server_settle();
		failed = fake_alloc_failed();
		while (fake_peer_frame(b, &f))
			if (f.type == DERP_RECV_PACKET)
				check_slice_text(slice_of(f.body.p + DERP_KEY,
						     f.body.n - DERP_KEY),
				    "a to b");
		while (fake_peer_frame(c, &f))
			if (f.type == DERP_RECV_PACKET)
				check_int(f.body.p[f.body.n - 1], 'c');
		fake_peer_free(a);
		fake_peer_free(b);
		fake_peer_free(c);
		fake_server_settle();
		for (unsigned k = 0; k < CORES; k++) {
			check_size(fake_server.cores[k]->open, 0);
			check_size(atomic_load(&fake_server.under_way[k]), 0);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(relay_delivers_to_the_right_one),
		TEST(relay_keeps_what_came_before_a_bad_frame),
		TEST(relay_keeps_order_across_cores),
		TEST(relay_limits_packets),
		TEST(relay_says_not_here_for_disco_only),
		TEST(relay_tells_who_heard_that_a_key_left),
		TEST(relay_follows_duplicates),
		TEST(relay_finds_a_key_that_moved),
		TEST(relay_reaches_many_from_one),
		TEST(relay_remembers_routes_beside_absent_keys),
		TEST(relay_ends_connections_for_bad_frames),
		TEST(relay_skips_unknown_frames_in_pieces),
		TEST(relay_counts_home_connections),
		TEST(relay_answers_one_ping_at_a_time),
		TEST(relay_bounds_what_is_under_way),
		TEST(relay_gives_nothing_to_the_next_tenant_of_a_slot),
		TEST(relay_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
