/* crossing: frames through batches: order, entries that grow, edges, bounds. */
#include "fake_alloc.h"
#include "fake_server.h"

enum { TARGETS = 2 };

struct fixture {
	struct fake_peer *to[TARGETS];
	uint32_t sent[TARGETS], seen[TARGETS]; /* numbers of frames */
	struct crossing *from;
	const struct counters *counters; /* of the receiving worker */
};

static int
setup(void **state)
{
	struct fake_config config = fake_server_config();
	struct fixture *f = calloc(1, sizeof *f);

	config.workers = 2;
	fake_server_open(&config);
	f->from = &fake_server.relays[0]->crossing;
	f->counters = fake_server.workers[1]->counters;
	for (int i = 0; i < TARGETS; i++)
		f->to[i] = fake_peer_new(1);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < TARGETS; i++)
		fake_peer_free(f->to[i]);
	fake_server_settle();
	check_size(atomic_load(&fake_server.crossing.under_way[1]), 0);
	fake_server_close();
	free(f);
	return 0;
}

/* The bytes of a packet, told by its number. */
static struct slice
packet_of(uint8_t *p, uint32_t number, size_t n)
{
	bytes_put_u32(p, number);
	for (size_t i = 4; i < n; i++)
		p[i] = (uint8_t)(number * 31 + i);
	return slice_of(p, n);
}

/* Adds the next frame for the target, n bytes in all. */
static int
add(struct fixture *f, int target, size_t n)
{
	static uint8_t packet[DERP_MAX_PACKET], frame[DERP_MAX_FRAME];
	const struct derp_key from = { { 5 } };
	struct writer w = writer_of(frame, sizeof frame);

	derp_recv_packet_put(&w, &from,
	    packet_of(packet, f->sent[target], n - DERP_HEADER - DERP_KEY));
	check(!w.failed);
	if (crossing_add(f->from, f->to[target]->conn->addr, OUTQ_DATA,
		writer_slice(&w)) == -1)
		return -1;
	f->sent[target]++;
	return 0;
}

static void
take(struct fixture *f)
{
	static uint8_t packet[DERP_MAX_PACKET];
	struct derp_frame frame;

	for (int i = 0; i < TARGETS; i++)
		while (fake_peer_frame(f->to[i], &frame)) {
			struct slice got = slice_of(
			    frame.body.p + DERP_KEY, frame.body.n - DERP_KEY);

			check_int(frame.type, DERP_RECV_PACKET);
			check_slice(got, packet_of(packet, f->seen[i], got.n));
			f->seen[i]++;
		}
}

static void
check_all_came(struct fixture *f)
{
	crossing_post(f->from);
	for (int i = 0; i < 40; i++) {
		fake_server_turn(1);
		take(f);
	}
	for (int i = 0; i < TARGETS; i++)
		check_int(f->seen[i], f->sent[i]);
	check_size(f->counters->packets_sent, f->sent[0] + f->sent[1]);
	check_size(f->counters->dropped_queue_head, 0);
}

static void
crossing_delivers_in_order(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 40; i++)
		check_int(add(f, (i / 3) % 2, 41 + (size_t)i), 0);
	check_size(f->from->counters->crossed, 40);
	/* nothing leaves before it is posted */
	fake_server_turn(1);
	take(f);
	check_int(f->seen[0] + f->seen[1], 0);
	check_all_came(f);
	check(f->from->first[1] == NULL);
}

/* A burst for one client is one stretch; it does not grow beyond a chunk. */
static void
crossing_makes_runs_of_a_burst(void **state)
{
	struct fixture *f = *state;
	struct batch *b;
	size_t used;

	check_int(add(f, 1, 20000), 0); /* makes it a large batch */
	check_int(add(f, 0, 100), 0);
	b = f->from->first[1];
	used = b->used;
	for (int i = 0; i < 100; i++)
		check_int(add(f, 0, 400), 0);
	check(b->used < used + 100 * 400 + 8); /* no more heads */
	for (int i = 0; i < 35; i++)
		check_int(add(f, 0, 1400), 0);
	check_ptr(f->from->last[1], b);
	/* one head more: no run is longer than what one send takes */
	check(b->used > used + 100 * 400 + 35 * 1400 + 8);
	check(b->used < used + 100 * 400 + 35 * 1400 + 64);
	check_all_came(f);
}

/* Frames of every length around the room that is left in a batch. */
static void
crossing_fills_batches_to_the_edge(void **state)
{
	struct fixture *f = *state;

	for (size_t last = 0; last < 80; last++) {
		struct batch *b;
		size_t left;

		check_int(add(f, 0, 60000), 0);
		check_int(add(f, 1, 60000), 0);
		b = f->from->first[1];
		left = b->cap - b->used;
		check_int(add(f, (int)(last % 2), left - last), 0);
		check_int(add(f, (int)(last % 2), 50), 0);
		check_int(add(f, (int)(last % 3 == 0), 50 + last), 0);
		check_all_came(f);
	}
}

static void
crossing_takes_any_mix(void **state)
{
	struct fixture *f = *state;
	unsigned seed = 3;

	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < 30; i++) {
			size_t n = 37 + 4 +
			    (size_t)rand_r(&seed) %
				(rand_r(&seed) % 9 == 0 ? 20000 : 1400);

			check_int(add(f, rand_r(&seed) % 4 == 0, n), 0);
		}
		check_all_came(f);
	}
	check_int(add(f, 0, DERP_HEADER + DERP_KEY + DERP_MAX_PACKET), 0);
	check_int(add(f, 1, DERP_HEADER + DERP_KEY + DERP_MAX_PACKET), 0);
	check_all_came(f);
}

static void
crossing_bounds_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	uint32_t refused = 0;

	while (refused < 3) {
		refused += add(f, 0, 60000) == -1;
		crossing_post(f->from);
		check(atomic_load(&fake_server.crossing.under_way[1]) <=
		    CROSSING_MAX + sizeof(struct batch) + 262144);
	}
	check(f->sent[0] > CROSSING_MAX / 2 / 131072);
	/* another worker's share is its own */
	check_size(atomic_load(&fake_server.crossing.under_way[0]), 0);
	for (int i = 0; i < 10; i++)
		fake_server_turn(1);
	check_size(atomic_load(&fake_server.crossing.under_way[1]), 0);
	check_int(add(f, 0, 100), 0);
	crossing_post(f->from);
}

/* A worker that is busy for a moment, while another one posts a little in each
 * of its many short turns: that is few bytes, and nothing of it is dropped. */
static void
crossing_waits_for_a_busy_worker(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 800; i++) {
		check_int(add(f, 0, 100), 0);
		crossing_post(f->from);
	}
	check_all_came(f);
}

static void
crossing_drops_without_memory(void **state)
{
	struct fixture *f = *state;

	fake_alloc_fail_at(1);
	check_int(add(f, 0, 100), -1);
	check(fake_alloc_failed());
	check_size(atomic_load(&fake_server.crossing.under_way[1]), 0);
	check_int(add(f, 0, 100), 0);
	check_all_came(f);
}

/* Batches that are never posted or never opened are freed with the workers. */
static void
crossing_is_freed_with_its_worker(void **state)
{
	struct fixture *f = *state;

	check_int(add(f, 0, 100), 0);
	crossing_post(f->from);
	check_int(add(f, 1, 100), 0);
	for (int i = 0; i < TARGETS; i++)
		fake_peer_free(f->to[i]);
	fake_server_close();
	check_size(atomic_load(&fake_server.crossing.under_way[1]), 0);
	free(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(crossing_delivers_in_order),
		TEST(crossing_makes_runs_of_a_burst),
		TEST(crossing_fills_batches_to_the_edge),
		TEST(crossing_takes_any_mix),
		TEST(crossing_bounds_what_is_under_way),
		TEST(crossing_waits_for_a_busy_worker),
		TEST(crossing_drops_without_memory),
		cmocka_unit_test_setup(
		    crossing_is_freed_with_its_worker, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
