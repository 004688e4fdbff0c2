/* status_snapshot: orders, rates, bounds. */
#include "check.h"

#include "status_snapshot.h"

#include <stdlib.h>

static struct status_client
client(uint16_t worker, uint32_t slot, uint64_t generation, uint8_t key)
{
	struct status_client c = { .addr = { .worker = worker,
				       .slot = slot,
				       .generation = generation },
		.connected_s = 10 };

	c.key.b[0] = key;
	return c;
}

static struct status_snapshot *
snapshot_of(const struct status_client *clients, size_t count)
{
	struct status_snapshot *s = status_snapshot_new();

	check(s != NULL);
	check_int(status_snapshot_add(s, clients, count), 0);
	return s;
}

static void
status_snapshot_sorts_by_key_and_by_traffic(void **state)
{
	struct status_client clients[] = { client(1, 0, 1, 7),
		client(0, 5, 1, 9), client(0, 2, 3, 1) };
	struct status_snapshot *s;

	(void)state;
	clients[0].bytes_received = 1000;
	clients[1].bytes_sent = 5000;
	clients[2].bytes_sent = 20;
	s = snapshot_of(clients, 3);
	check_int(status_snapshot_finish(s, NULL, 50), 0);
	check_int(status_snapshot_at(s, s->by_key, 0)->key.b[0], 1);
	check_int(status_snapshot_at(s, s->by_key, 1)->key.b[0], 7);
	check_int(status_snapshot_at(s, s->by_key, 2)->key.b[0], 9);
	check_int(status_snapshot_at(s, s->by_traffic, 0)->key.b[0], 9);
	check_int(status_snapshot_at(s, s->by_traffic, 1)->key.b[0], 7);
	check_int(status_snapshot_at(s, s->by_traffic, 2)->key.b[0], 1);
	/* without an earlier one they are over the connection's life */
	check_int(s->rates_ms, 0);
	check_int(status_snapshot_at(s, s->by_key, 1)->received_per_s, 100);
	check_int(status_snapshot_at(s, s->by_key, 2)->sent_per_s, 500);
	status_snapshot_free(s);
}

static void
status_snapshot_takes_rates_since_the_one_before(void **state)
{
	struct status_client then[] = { client(0, 1, 1, 1), client(0, 2, 1, 2),
		client(1, 1, 1, 3) };
	/* the second has ended, and another connection has its slot */
	struct status_client now[] = { client(1, 1, 1, 3), client(0, 2, 2, 4),
		client(0, 1, 1, 1) };
	struct status_snapshot *before, *s;

	(void)state;
	then[0].bytes_received = 4000;
	then[1].bytes_received = 900000;
	now[2].bytes_received = 9000;
	now[0].bytes_sent = 500;
	now[1].bytes_received = 1000;
	before = snapshot_of(then, 3);
	check_int(status_snapshot_finish(before, NULL, 1000), 0);
	s = snapshot_of(now, 3);
	check_int(status_snapshot_finish(s, before, 3000), 0);
	check_int(s->rates_ms, 2000);
	check_int(status_snapshot_at(s, s->by_key, 0)->received_per_s, 2500);
	check_int(status_snapshot_at(s, s->by_key, 1)->sent_per_s, 250);
	/* a new one: 1000 bytes in 10 s */
	check_int(status_snapshot_at(s, s->by_key, 2)->received_per_s, 100);
	status_snapshot_free(before);
	status_snapshot_free(s);
}

static void
status_snapshot_keeps_as_many_as_it_may(void **state)
{
	struct status_client *clients =
	    calloc(STATUS_SNAPSHOT_MAX + 7, sizeof *clients);
	struct status_snapshot *s;

	(void)state;
	check(clients != NULL);
	for (uint32_t i = 0; i < STATUS_SNAPSHOT_MAX + 7; i++)
		clients[i].addr.slot = i;
	s = snapshot_of(clients, STATUS_SNAPSHOT_MAX - 1);
	check_int(
	    status_snapshot_add(s, clients + STATUS_SNAPSHOT_MAX - 1, 8), 0);
	check_size(s->count, STATUS_SNAPSHOT_MAX);
	check_int(s->left_out, 7);
	check_int(status_snapshot_add(s, clients, 2), 0);
	check_int(s->left_out, 9);
	status_snapshot_free(s);
	free(clients);
}

static void
status_snapshot_may_be_empty(void **state)
{
	struct status_snapshot *s = status_snapshot_new();

	(void)state;
	check_int(status_snapshot_finish(s, NULL, 1), 0);
	check_size(s->count, 0);
	status_snapshot_free(s);
	status_snapshot_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_snapshot_sorts_by_key_and_by_traffic),
		cmocka_unit_test(
		    status_snapshot_takes_rates_since_the_one_before),
		cmocka_unit_test(status_snapshot_keeps_as_many_as_it_may),
		cmocka_unit_test(status_snapshot_may_be_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
