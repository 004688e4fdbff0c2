/* crossing: frames through batches: order, entries that grow, edges, bounds. */
#include "fake_alloc.h"
#include "fake_server.h"

#include <pthread.h>
#include <sched.h>

enum { TARGETS = 2 };

struct fixture {
	struct fake_peer *to[TARGETS];
	uint32_t sent[TARGETS], seen[TARGETS]; /* numbers of frames */
	_Atomic uint32_t taken; /* of seen[0], for another thread */
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
	check_size(atomic_load(&fake_server.crossing.under_way[1].bytes), 0);
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

static const struct crossing_sender light = { .is_light = true };
static const struct crossing_sender light_high_rate = { .is_light = true,
	.may_wait = true };
static const struct crossing_sender heavy = { .is_light = false };
static const struct crossing_sender high_rate = { .may_wait = true };

/* Adds the next frame for the target, n bytes in all. */
static int
add_as(struct fixture *f, struct crossing_sender sender, int target, size_t n)
{
	static uint8_t packet[DERP_MAX_PACKET], frame[DERP_MAX_FRAME];
	const struct derp_key from = { { 5 } };
	struct writer w = writer_of(frame, sizeof frame);

	derp_recv_packet_put(&w, &from,
	    packet_of(packet, f->sent[target], n - DERP_HEADER - DERP_KEY));
	check(!w.failed);
	if (crossing_add(f->from, f->to[target]->conn->addr, OUTQ_DATA,
		writer_slice(&w), sender) == -1)
		return -1;
	f->sent[target]++;
	return 0;
}

static int
add(struct fixture *f, int target, size_t n)
{
	return add_as(f, heavy, target, n);
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
		check(atomic_load(&fake_server.crossing.under_way[1].bytes) <=
		    CROSSING_MAX + sizeof(struct batch) + 262144);
	}
	check(f->sent[0] > CROSSING_MAX / 2 / 131072);
	/* another worker's share is its own */
	check_size(atomic_load(&fake_server.crossing.under_way[0].bytes), 0);
	for (int i = 0; i < 10; i++)
		fake_server_turn(1);
	check_size(atomic_load(&fake_server.crossing.under_way[1].bytes), 0);
	check_int(add(f, 0, 100), 0);
	crossing_post(f->from);
}

/* A flood that a busy worker does not keep up with costs those who send little
 * nothing; they have a limit, too. */
static void
crossing_keeps_room_for_light_senders(void **state)
{
	struct fixture *f = *state;
	const atomic_size_t *under_way =
	    &fake_server.crossing.under_way[f->to[0]->conn->addr.worker].bytes;

	while (add(f, 0, 60000) == 0)
		crossing_post(f->from);
	check_int(add_as(f, high_rate, 0, 60000), -1);
	check_int(add_as(f, light, 1, 100), 0);
	crossing_post(f->from);
	check_int(add_as(f, light_high_rate, 1, 100), 0);
	crossing_post(f->from);
	check_int(add(f, 0, 60000), -1);
	while (add_as(f, light, 1, 60000) == 0)
		crossing_post(f->from);
	check(atomic_load(under_way) > CROSSING_LIGHT_MAX);
	check(atomic_load(under_way) < CROSSING_LIGHT_MAX + 262144);
	for (int i = 0; i < 10; i++)
		fake_server_turn(1);
}

/* Beyond the limit packets are dropped, and word that a key has left is not. */
static void
crossing_never_drops_control_frames(void **state)
{
	const struct derp_key gone = { { 9 } };
	uint8_t bytes[DERP_HEADER + DERP_KEY + 1];
	struct writer w = writer_of(bytes, sizeof bytes);
	struct fixture *f = *state;
	struct derp_frame frame;

	derp_peer_gone_put(&w, &gone, DERP_GONE_DISCONNECTED);
	while (add(f, 0, 60000) == 0)
		crossing_post(f->from);
	check_int(crossing_add(f->from, f->to[1]->conn->addr, OUTQ_CONTROL,
		      writer_slice(&w), light),
	    0);
	crossing_post(f->from);
	for (int i = 0; i < 10; i++)
		fake_server_turn(1);
	check(fake_peer_frame(f->to[1], &frame));
	check_int(frame.type, DERP_PEER_GONE);
	check_bytes(frame.body.p, gone.b, DERP_KEY);
}

/* One frame that must not wait is enough, of this turn. */
static void
crossing_waits_for_high_rate_clients_only(void **state)
{
	static const uint8_t frame[DERP_HEADER + DERP_KEY] = { DERP_RECV_PACKET,
		0, 0, 0, DERP_KEY };
	struct fixture *f = *state;
	const struct conn_addr to = f->to[0]->conn->addr;

	for (int i = 0; i < 3; i++) {
		for (int urgent = 0; urgent < 2; urgent++) {
			check_int(crossing_add(f->from, to, OUTQ_DATA,
				      slice_of(frame, sizeof frame),
				      urgent == 0 ? high_rate : heavy),
			    0);
			check(f->from->urgent[to.worker] == (urgent == 1));
		}
		check_int(crossing_add(f->from, to, OUTQ_DATA,
			      slice_of(frame, sizeof frame), high_rate),
		    0);
		check(f->from->urgent[to.worker]);
		crossing_post(f->from);
		check(!f->from->urgent[to.worker]);
	}
	fake_server_settle();
	check_size(counters_at(fake_server.counters, 1)->packets_sent, 9);
}

/* Once there are batches, sending takes no memory; few are kept. */
static void
crossing_uses_batches_again(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 200; i++) {
		if (i > 0)
			fake_alloc_fail_at(1);
		check_int(add(f, 0, 100), 0);
		crossing_post(f->from);
		check(!fake_alloc_failed());
		fake_server_turn(1);
		take(f);
	}
	check_size(atomic_load(&f->from->spare), 16384);
	/* of many that come back at once, most are freed */
	for (int i = 0; i < 100; i++) {
		check_int(add(f, 0, 100), 0);
		crossing_post(f->from);
	}
	check_all_came(f);
	check(atomic_load(&f->from->spare) <= CROSSING_SPARE_MAX);
	check(atomic_load(&f->from->spare) > CROSSING_SPARE_MAX / 2);
}

enum { SENT_BY_THREAD = 30000, AHEAD = 200 };

/* The sending worker's thread, so many frames ahead that none is dropped. */
static void *
send_from_thread(void *ctx)
{
	struct fixture *f = ctx;

	while (f->sent[0] < SENT_BY_THREAD) {
		if (f->sent[0] - atomic_load(&f->taken) > AHEAD) {
			sched_yield();
			continue;
		}
		for (int i = 0; i < 5; i++)
			check_int(add(f, 0, 50 + f->sent[0] % 200), 0);
		crossing_post(f->from);
	}
	return NULL;
}

/* Batches go to and fro between two threads. */
static void
crossing_is_safe_for_two_threads(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	check_int(pthread_create(&thread, NULL, send_from_thread, f), 0);
	while (f->seen[0] < SENT_BY_THREAD) {
		fake_server_turn(1);
		take(f);
		atomic_store(&f->taken, f->seen[0]);
	}
	pthread_join(thread, NULL);
	check_int(f->seen[0], f->sent[0]);
	check(atomic_load(&f->from->spare) <= CROSSING_SPARE_MAX);
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
	check_size(atomic_load(&fake_server.crossing.under_way[1].bytes), 0);
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
	check_size(atomic_load(&fake_server.crossing.under_way[1].bytes), 0);
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
		TEST(crossing_never_drops_control_frames),
		TEST(crossing_keeps_room_for_light_senders),
		TEST(crossing_waits_for_high_rate_clients_only),
		TEST(crossing_uses_batches_again),
		TEST(crossing_is_safe_for_two_threads),
		TEST(crossing_waits_for_a_busy_worker),
		TEST(crossing_drops_without_memory),
		cmocka_unit_test_setup(
		    crossing_is_freed_with_its_worker, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
