/* departures: who is told that a key has left, and when; little by little. */
#include "fake_alloc.h"
#include "relay_peers.h"

#include "departures.h"

enum { MANY = 8000 };

/* A server with room for many keys. */
static int
setup_many(void **state)
{
	struct fake_config config = fake_server_config();

	(void)state;
	config.workers = WORKERS;
	config.max_connections = 2 * MANY;
	fake_server_open(&config);
	return 0;
}

static struct registry *
registry(void)
{
	return fake_server.shared.registry;
}

/* Receivers without a connection, who are as dear to the notify sets as others
 * and less so to the test: they have got a packet from p. */
struct receivers {
	struct registry_member members[MANY];
};

static struct receivers *
receivers_new(const struct fake_peer *p, unsigned worker)
{
	const struct client *client = p->conn->session;
	struct receivers *all = calloc(1, sizeof *all);
	struct registry_entry entry;
	struct conn_addr evict;

	for (uint32_t i = 0; i < MANY; i++) {
		struct derp_key key = { { 0 } };

		bytes_put_u32(key.b, i);
		key.b[7] = (uint8_t)i;
		key.b[30] = 1;
		check_int(registry_join(registry(), &key,
			      &(struct registry_origin){
				  .addr = { .worker = (uint16_t)worker,
				      .slot = 1000000 + i,
				      .generation = 1 } },
			      &all->members[i], &evict),
		    0);
		check(registry_find(registry(), &key, &entry));
		check_int(registry_note(registry(), &client->member, &entry),
		    NOTIFY_NOTED);
	}
	return all;
}

static void
receivers_free(struct receivers *all)
{
	struct notify_departure none;

	for (uint32_t i = 0; i < MANY; i++)
		check(!registry_leave(registry(), &all->members[i], &none));
	free(all);
}

/* Another login of the peer's key. */
static struct fake_peer *
login_again(const struct fake_peer *p, unsigned worker)
{
	struct fake_peer *again = calloc(1, sizeof *again);

	check(again != NULL);
	again->private_key = p->private_key;
	again->key = p->key;
	fake_peer_login(again, worker);
	return again;
}

static size_t
told(unsigned worker)
{
	return counters(worker)->peer_gone_disconnected_frames;
}

/* As many turns as it takes; how many these were. */
static size_t
turns_until_told(unsigned worker, size_t all)
{
	size_t before = told(worker), turns = 0;

	while (told(worker) < all) {
		/* none of them waits: there is work left */
		loop_turn(fake_server.workers[worker]->loop);
		check(told(worker) - before <= DEPARTURES_PER_TURN);
		check(told(worker) > before);
		before = told(worker);
		turns++;
	}
	return turns;
}

/* A key with thousands of receivers takes no turn for long. */
static void
departures_takes_turns(void **state)
{
	struct fake_peer *p = fake_peer_new(0), *quiet = fake_peer_new(0);
	struct receivers *all = receivers_new(p, 0);

	(void)state;
	fake_peer_leave(p);
	loop_turn(fake_server.workers[0]->loop);
	check_size(told(0), DEPARTURES_PER_TURN);
	check_size(counters(0)->current_departures, 1);
	/* who comes meanwhile is served meanwhile */
	fake_peer_packet(quiet, &quiet->key, text("ping"));
	loop_turn(fake_server.workers[0]->loop);
	check_packet(quiet, quiet, text("ping"));
	check_size(turns_until_told(0, MANY),
	    (MANY + DEPARTURES_PER_TURN - 1) / DEPARTURES_PER_TURN - 2);
	fake_server_settle();
	check_size(told(0), MANY);
	check_size(counters(0)->current_departures, 0);
	/* what is left is the quiet one's own */
	check_size(registry_notify_stats(registry()).pairs, 1);
	check_size(registry_count(registry(), &p->key), 0);
	receivers_free(all);
	fake_peer_free(p);
	fake_peer_free(quiet);
}

/* Few are told in the turn in which the connection ends. */
static void
departures_do_not_wait_for_a_turn(void **state)
{
	struct fake_peer *p = fake_peer_new(0), *to = fake_peer_new(0);

	(void)state;
	fake_peer_packet(p, &to->key, text("hello"));
	fake_server_turn(0);
	check_packet(to, p, text("hello"));
	fake_peer_leave(p);
	fake_server_turn(0);
	check_gone(to, &p->key, DERP_GONE_DISCONNECTED);
	fake_peer_free(p);
	fake_peer_free(to);
}

/* Those on another worker, too. */
static void
departures_takes_turns_across_workers(void **state)
{
	struct fake_peer *p = fake_peer_new(0);
	struct receivers *all = receivers_new(p, 1);

	(void)state;
	fake_peer_leave(p);
	loop_turn(fake_server.workers[0]->loop);
	turns_until_told(0, MANY);
	check_size(registry_notify_stats(registry()).pairs, 0);
	receivers_free(all);
	fake_peer_free(p);
	fake_server_settle();
}

/* One that leaves before its turn is not told, and nothing waits for it. */
static void
departures_forgets_receivers_that_leave(void **state)
{
	struct fake_peer *p = fake_peer_new(0);
	struct receivers *all = receivers_new(p, 0);
	struct notify_departure none;
	size_t left;

	(void)state;
	fake_peer_leave(p);
	loop_turn(fake_server.workers[0]->loop);
	left = registry_notify_stats(registry()).pairs;
	check_size(left, MANY - DEPARTURES_PER_TURN);
	for (uint32_t i = 0; i < MANY; i++)
		check(!registry_leave(registry(), &all->members[i], &none));
	check_size(registry_notify_stats(registry()).pairs, 0);
	fake_server_settle();
	check_size(told(0), DEPARTURES_PER_TURN);
	check_size(counters(0)->current_departures, 0);
	free(all);
	fake_peer_free(p);
}

/* One that comes back on another worker is not said to have left after that,
 * and all who were not told are when it leaves again. */
static void
departures_end_when_the_key_is_back(void **state)
{
	struct fake_peer *p = fake_peer_new(0), *again;
	struct receivers *all = receivers_new(p, 0);

	(void)state;
	fake_peer_leave(p);
	loop_turn(fake_server.workers[0]->loop);
	again = login_again(p, 1);
	fake_server_settle();
	check_size(told(0), DEPARTURES_PER_TURN);
	check_size(counters(0)->current_departures, 0);
	check_size(registry_count(registry(), &p->key), 1);
	check_size(registry_notify_stats(registry()).pairs,
	    MANY - DEPARTURES_PER_TURN);
	fake_peer_leave(again);
	loop_turn(fake_server.workers[1]->loop);
	turns_until_told(1, MANY - DEPARTURES_PER_TURN);
	check_size(registry_notify_stats(registry()).pairs, 0);
	receivers_free(all);
	fake_peer_free(p);
	fake_peer_free(again);
	fake_server_settle();
}

/* A receiver that logs in again is another one: it knows nothing of the key. */
static void
departures_spare_a_new_login_of_a_receiver(void **state)
{
	struct fake_peer *p = fake_peer_new(0), *to = fake_peer_new(0), *again;
	struct receivers *all = receivers_new(p, 0);

	(void)state;
	fake_peer_packet(p, &to->key, text("hello"));
	fake_server_settle();
	check_packet(to, p, text("hello"));
	fake_peer_leave(to);
	fake_peer_leave(p);
	loop_turn(fake_server.workers[0]->loop);
	again = login_again(to, 0);
	while (counters(0)->current_departures > 0)
		fake_server_turn(0);
	check_nothing(again);
	receivers_free(all);
	fake_peer_free(p);
	fake_peer_free(to);
	fake_peer_free(again);
}

/* The notice comes after the packets, also when it comes turns later. */
static void
departures_follow_the_packets(void **state)
{
	struct fake_peer *p = fake_peer_new(0), *to[WORKERS];
	struct receivers *all = receivers_new(p, 0);

	(void)state;
	for (unsigned i = 0; i < WORKERS; i++) {
		to[i] = fake_peer_new(i);
		fake_peer_packet(p, &to[i]->key, text("last words"));
	}
	fake_peer_leave(p);
	while (told(0) < MANY + WORKERS)
		fake_server_turn(0);
	fake_server_settle();
	for (unsigned i = 0; i < WORKERS; i++) {
		check_packet(to[i], p, text("last words"));
		check_gone(to[i], &p->key, DERP_GONE_DISCONNECTED);
		check_nothing(to[i]);
		fake_peer_free(to[i]);
	}
	receivers_free(all);
	fake_peer_free(p);
}

/* Nobody is missed when there is no memory for the way to another worker. */
static void
departures_survive_lack_of_memory(void **state)
{
	struct fake_peer *p = fake_peer_new(0), *to = fake_peer_new(1);
	struct relay *relay = fake_server.relays[0];

	(void)state;
	fake_peer_packet(p, &to->key, text("hello"));
	fake_server_settle();
	check_packet(to, p, text("hello"));
	/* no batch to be used again */
	crossing_clear(&relay->crossing);
	conn_end(p->conn, NULL);
	fake_alloc_fail_at(1);
	fake_server_turn(0);
	check(fake_alloc_failed());
	check_size(told(0), 0);
	check_size(registry_notify_stats(registry()).pairs, 1);
	check_size(counters(0)->current_departures, 1);
	/* and does not turn round and round for it */
	check(relay->departures.retry.place != 0);
	check_int(loop_timer_set(fake_server.workers[0]->loop,
		      &relay->departures.retry, 1),
	    0);
	fake_server_settle();
	check_gone(to, &p->key, DERP_GONE_DISCONNECTED);
	check_nothing(to);
	check_size(told(0), 1);
	check_size(registry_notify_stats(registry()).pairs, 0);
	fake_peer_free(p);
	fake_peer_free(to);
}

/* More keys at once than may wait: the oldest are told of at once. */
static void
departures_are_limited(void **state)
{
	enum { KEYS = DEPARTURES_MAX + 100, EACH = DEPARTURES_PER_TURN + 1 };
	struct fake_peer *p = fake_peer_new(0);
	struct receivers *all = receivers_new(p, 0);
	struct relay *relay = fake_server.relays[0];
	struct registry_member member;
	struct registry_entry entry;
	struct conn_addr evict;

	(void)state;
	for (uint32_t i = 0; i < KEYS; i++) {
		struct client *c = calloc(1, sizeof *c);
		struct derp_key to = { { 0 } };

		bytes_put_u32(c->departed_key.b, i);
		c->departed_key.b[29] = 1;
		check_int(
		    registry_join(registry(), &c->departed_key,
			&(struct registry_origin){ .addr = { 0, 0, i, 9 } },
			&member, &evict),
		    0);
		for (uint32_t k = 0; k < EACH; k++) {
			bytes_put_u32(to.b, k);
			to.b[7] = (uint8_t)k;
			to.b[30] = 1;
			check(registry_find(registry(), &to, &entry));
			check_int(registry_note(registry(), &member, &entry),
			    NOTIFY_NOTED);
		}
		c->departure.key = &c->departed_key;
		check(registry_leave(registry(), &member, &c->departure.left));
		departures_add(&relay->departures, &c->departure);
	}
	check_size(counters(0)->current_departures, KEYS);
	fake_server_turn(0);
	check(counters(0)->current_departures <= DEPARTURES_MAX);
	while (counters(0)->current_departures > 0)
		fake_server_turn(0);
	check_size(told(0), KEYS * EACH);
	receivers_free(all);
	fake_peer_free(p);
}

#define TEST_MANY(name) \
	cmocka_unit_test_setup_teardown(name, setup_many, fake_server_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_MANY(departures_takes_turns),
		TEST_MANY(departures_takes_turns_across_workers),
		TEST_MANY(departures_forgets_receivers_that_leave),
		TEST_MANY(departures_end_when_the_key_is_back),
		TEST_MANY(departures_spare_a_new_login_of_a_receiver),
		TEST_MANY(departures_follow_the_packets),
		TEST(departures_do_not_wait_for_a_turn),
		TEST(departures_survive_lack_of_memory),
		TEST_MANY(departures_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
