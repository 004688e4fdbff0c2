/* conn_table: addresses find their connection, and only that. */
#include "check.h"
#include "fake_alloc.h"

#include "conn_table.h"

enum { MANY = 500, WORKER = 3 };

struct conn {
	struct conn_addr addr;
};

static void
conn_table_finds_by_address(void **state)
{
	struct conn_table *t = conn_table_new(WORKER);
	struct conn conns[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		check_int(conn_table_add(t, &conns[i], &conns[i].addr), 0);
		check_int(conns[i].addr.worker, WORKER);
	}
	check_size(conn_table_count(t), MANY);
	for (int i = 0; i < MANY; i++)
		check_ptr(conn_table_get(t, conns[i].addr), &conns[i]);
	conn_table_free(t);
}

static void
conn_table_get_refuses_other_addresses(void **state)
{
	struct conn_table *t = conn_table_new(WORKER);
	struct conn a, b;
	struct conn_addr other;

	(void)state;
	check(
	    conn_table_get(t, (struct conn_addr){ .worker = WORKER }) == NULL);
	check_int(conn_table_add(t, &a, &a.addr), 0);
	other = a.addr;
	other.worker++;
	check(conn_table_get(t, other) == NULL);
	other = a.addr;
	other.slot = 1000000;
	check(conn_table_get(t, other) == NULL);
	other = a.addr;
	other.generation = 0;
	check(conn_table_get(t, other) == NULL);
	/* the slot's next connection has another address */
	conn_table_remove(t, a.addr);
	check(conn_table_get(t, a.addr) == NULL);
	check_size(conn_table_count(t), 0);
	check_int(conn_table_add(t, &b, &b.addr), 0);
	check_int(b.addr.slot, a.addr.slot);
	check(conn_table_get(t, a.addr) == NULL);
	check_ptr(conn_table_get(t, b.addr), &b);
	conn_table_free(t);
}

/* All that stay are seen once, though others are removed meanwhile. */
static void
conn_table_next_allows_removal(void **state)
{
	struct conn_table *t = conn_table_new(WORKER);
	struct conn conns[MANY], *conn;
	uint32_t at = 0;
	int seen = 0;

	(void)state;
	check(conn_table_next(t, &at) == NULL);
	for (int i = 0; i < MANY; i++)
		check_int(conn_table_add(t, &conns[i], &conns[i].addr), 0);
	at = 0;
	while ((conn = conn_table_next(t, &at)) != NULL) {
		check_ptr(conn, &conns[seen * 2]);
		conn_table_remove(t, conns[seen * 2 + 1].addr);
		conn_table_remove(t, conn->addr);
		seen++;
	}
	check_int(seen, MANY / 2);
	check_size(conn_table_count(t), 0);
	conn_table_free(t);
}

static void
conn_table_survives_lack_of_memory(void **state)
{
	struct conn_table *t = NULL;
	struct conn conn;
	size_t added = 0;

	(void)state;
	fake_alloc_fail_at(1);
	check(conn_table_new(WORKER) == NULL);
	t = conn_table_new(WORKER);
	fake_alloc_fail_at(2); /* of two enlargements the second */
	while (conn_table_add(t, &conn, &conn.addr) == 0)
		added++;
	check(fake_alloc_failed());
	check_size(conn_table_count(t), added);
	check_ptr(conn_table_get(t, conn.addr), &conn);
	check_int(conn_table_add(t, &conn, &conn.addr), 0);
	conn_table_free(t);
	conn_table_free(NULL);
}

/* What is free takes its time, too. */
static void
conn_table_next_stops_at_a_slot(void **state)
{
	struct conn_table *t = conn_table_new(WORKER);
	struct conn conns[MANY];
	uint32_t at = 0;

	(void)state;
	for (int i = 0; i < MANY; i++)
		check_int(conn_table_add(t, &conns[i], &conns[i].addr), 0);
	for (int i = 0; i < MANY - 1; i++)
		conn_table_remove(t, conns[i].addr);
	for (uint32_t until = 4; until < MANY; until += 4) {
		check_null(conn_table_next_before(t, &at, until));
		check_int(at, until);
		check(!conn_table_is_end(t, at));
	}
	check_ptr(conn_table_next_before(t, &at, MANY), &conns[MANY - 1]);
	check_null(conn_table_next(t, &at));
	check(conn_table_is_end(t, at));
	conn_table_remove(t, conns[MANY - 1].addr);
	conn_table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conn_table_finds_by_address),
		cmocka_unit_test(conn_table_get_refuses_other_addresses),
		cmocka_unit_test(conn_table_next_allows_removal),
		cmocka_unit_test(conn_table_next_stops_at_a_slot),
		cmocka_unit_test(conn_table_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
