/* relay: who gets what, across workers too. */
#include "fake_alloc.h"
#include "relay_peers.h"

#include "frames.h"

/* Case 4 of upstream's, on one worker and across two. */
static void
relay_delivers_to_the_right_one(void **state)
{
	(void)state;
	for (unsigned other = 0; other < WORKERS; other++) {
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
 * others are read after it in the same turn. */
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
relay_keeps_order_across_workers(void **state)
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
	check_size(atomic_load(&fake_server.crossing.under_way[0].bytes), 0);
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
		fake_peer_login(to, i % WORKERS);
	}
	check_size(counters(0)->dropped_unknown_dest, 6);
	fake_peer_free(from);
	fake_peer_free(to);
}

/* More destinations than a connection remembers. */
static void
relay_reaches_many_from_one(void **state)
{
	enum { MANY = ROUTE_CACHE_MAX + 10 };
	struct fake_peer *from = fake_peer_new(0), *to[MANY];

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		to[i] = fake_peer_new(i % WORKERS);
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

/* As many connections of one key as stay, and two more, on two workers: the
 * ones heard from least recently end, and each newcomer is let in. */
static void
relay_evicts_duplicates(void **state)
{
	enum { MAX = REGISTRY_DUPLICATES_MAX };
	struct fake_peer *first = fake_peer_new(1), *all[MAX + 2] = { first };
	struct fake_peer *from = fake_peer_new(0);

	(void)state;
	for (unsigned i = 1; i < MAX + 2; i++) {
		all[i] = calloc(1, sizeof *all[i]);
		all[i]->private_key = first->private_key;
		all[i]->key = first->key;
		/* checks that it gets its ServerInfo */
		fake_peer_login(all[i], i % 2 == 0);
		fake_server_settle();
		check(fake_peer_read(first) == (i < MAX));
	}
	check(!fake_peer_read(all[1]));
	check_size(counters(0)->evicted_duplicates, 1);
	check_size(counters(1)->evicted_duplicates, 1);
	check_size(counters(0)->refused_limit, 0);
	for (unsigned i = 2; i < MAX + 2; i++)
		check(fake_peer_read(all[i]));
	fake_peer_packet(from, &first->key, text("to the newest"));
	fake_server_settle();
	check_packet(all[MAX + 1], from, text("to the newest"));
	for (unsigned i = 0; i < MAX + 2; i++)
		fake_peer_free(all[i]);
	fake_peer_free(from);
}

/* Packets to keys that are not here, which every node sends now and then, do
 * not make a connection forget where the others are. */
static void
relay_remembers_routes_beside_absent_keys(void **state)
{
	enum { HERE = 3 };
	struct fake_peer *from = fake_peer_new(0), *to[HERE];
	const struct client *client = from->conn->session;
	struct derp_key absent = { { 1 } };

	(void)state;
	for (unsigned i = 0; i < HERE; i++) {
		to[i] = fake_peer_new(0);
		fake_peer_packet(from, &to[i]->key, text("x"));
	}
	for (uint8_t i = 0; i < 20; i++) {
		absent.b[1] = i;
		fake_peer_packet(from, &absent, text("x"));
	}
	fake_server_settle();
	check_int(client->routes.count, HERE);
	for (unsigned i = 0; i < HERE; i++)
		fake_peer_free(to[i]);
	fake_peer_free(from);
}

/* What is under way to one worker is bounded; beyond, packets are dropped and
 * counted, and nothing is left once it has come. */
static void
relay_bounds_what_is_under_way(void **state)
{
	static uint8_t packet[60000];
	struct fake_peer *from = fake_peer_new(0), *to = fake_peer_new(1);
	const size_t many = 2 * CROSSING_MAX / sizeof packet;

	(void)state;
	for (size_t i = 0; i < many; i++) {
		fake_peer_packet(
		    from, &to->key, slice_of(packet, sizeof packet));
		fake_server_turn(0); /* worker 1 does nothing */
		/* on a slow machine this is one who sends little */
		check(atomic_load(&fake_server.crossing.under_way[1].bytes) <=
		    CROSSING_LIGHT_MAX + 262144);
	}
	check(counters(0)->dropped_queue_tail > 0);
	check(counters(0)->dropped_queue_tail < many);
	fake_server_settle();
	check_size(atomic_load(&fake_server.crossing.under_way[1].bytes), 0);
	fake_peer_free(from);
	fake_peer_free(to);
}

/* A batch finds that its receiver has gone, and that another connection has
 * its slot: nothing is delivered to that one. */
static void
relay_gives_nothing_to_the_next_connection_of_a_slot(void **state)
{
	struct fake_peer *from = fake_peer_new(0), *to = fake_peer_new(1),
			 *next;

	(void)state;
	fake_peer_packet(from, &to->key, text("late"));
	fake_server_turn(0); /* posted */
	conn_end(to->conn, NULL);
	next = fake_peer_new(1); /* this turn opens the batch, too */
	check_int(next->conn->addr.slot, 0);
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
		for (unsigned k = 0; k < WORKERS; k++) {
			check_size(fake_server_count(k), 0);
			check_size(
			    atomic_load(
				&fake_server.crossing.under_way[k].bytes),
			    0);
		}
	}
}

/* Passes a window in which a worker and the others together have so many
 * packets; whether the worker is paced from then on. */
static bool
paced_after(unsigned worker, uint64_t own, uint64_t others)
{
	struct worker *w = fake_server.workers[worker];

	w->pacing.batch_delay_us = 500;
	fake_server_turn(worker); /* the window begins, at the latest */
	usleep((PACING_WINDOW_MS + 1) * 1000);
	fake_server_turn(worker);
	counters_add(&w->counters->packets_received, own);
	counters_add(
	    &fake_server.workers[1 - worker]->counters->packets_sent, others);
	usleep((PACING_WINDOW_MS + 1) * 1000);
	fake_server_turn(worker);
	return w->pacing.high_rate;
}

/* Reading is put off by the load of all workers. */
static void
relay_paces_by_the_load_of_all_workers(void **state)
{
	(void)state;
	check(!paced_after(0, 100, 100));
	/* what is much even when the window took far longer */
	check(paced_after(0, 100000, 10000000));
	check(fake_server.workers[0]->pacing.delay_us > 900);
	check(!paced_after(0, 0, 10000000));
}

/* The bytes of a packet to a peer, as they are read. */
static size_t
packet_bytes(uint8_t *out, size_t cap, const struct fake_peer *to, bool disco)
{
	static const uint8_t data[100] = { 'T', 'S', 0xf0, 0x9f, 0x92, 0xac };
	struct writer w = writer_of(out, cap);

	derp_send_packet_put(
	    &w, &to->key, disco ? slice_of(data, 100) : text("plain"));
	check(!w.failed);
	return w.n;
}

/* What crosses may wait when its client is high-rate, but for disco. */
static void
relay_lets_only_high_rate_packets_wait(void **state)
{
	struct fake_peer *from = fake_peer_new(0), *to = fake_peer_new(1);
	const bool *urgent = &fake_server.relays[0]->crossing.urgent[1];
	struct worker *worker = fake_server.workers[0];
	uint8_t bytes[256];

	(void)state;
	for (int i = 0; i < 4; i++) {
		const bool disco = i % 2 == 1, high_rate = i >= 2;
		const size_t n = packet_bytes(bytes, sizeof bytes, to, disco);

		loop_set_high_rate(
		    worker->loop, &from->conn->stream.watch, high_rate);
		check(!*urgent);
		check_size(frames_input(from->conn, bytes, n), n);
		check(*urgent == (disco || !high_rate));
		fake_server_settle();
	}
	fake_peer_free(from);
	fake_peer_free(to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(relay_delivers_to_the_right_one),
		TEST(relay_paces_by_the_load_of_all_workers),
		TEST(relay_lets_only_high_rate_packets_wait),
		TEST(relay_keeps_what_came_before_a_bad_frame),
		TEST(relay_keeps_order_across_workers),
		TEST(relay_limits_packets),
		TEST(relay_finds_a_key_that_moved),
		TEST(relay_reaches_many_from_one),
		TEST(relay_evicts_duplicates),
		TEST(relay_remembers_routes_beside_absent_keys),
		TEST(relay_bounds_what_is_under_way),
		TEST(relay_gives_nothing_to_the_next_connection_of_a_slot),
		TEST(relay_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
