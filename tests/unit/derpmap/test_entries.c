/* entries: the map from integers, against a plain array. */
#include "check.h"
#include "fake_alloc.h"

#include "entries.h"

static void
entries_keep_the_later_value(void **state)
{
	struct entries e;
	int a, b;

	(void)state;
	entries_init(&e);
	check_null(entries_find(&e, 5));
	check_int(entries_put(&e, 5, &a), 0);
	check_int(entries_put(&e, -5, &a), 0);
	check_int(entries_put(&e, 5, &b), 0);
	check_size(e.n, 2);
	check_ptr(entries_find(&e, 5)->value, &b);
	check_ptr(entries_find(&e, -5)->value, &a);
	check_null(entries_find(&e, 0));
	entries_clear(&e);
	check_null(entries_find(&e, 5));
}

static void
entries_hold_many(void **state)
{
	static char values[10000];
	struct entries e;

	(void)state;
	entries_init(&e);
	for (int64_t i = 0; i < 10000; i++)
		check_int(entries_put(&e, i * 4096 - 20000000, &values[i]), 0);
	check_size(e.n, 10000);
	for (int64_t i = 0; i < 10000; i++)
		check_ptr(
		    entries_find(&e, i * 4096 - 20000000)->value, &values[i]);
	entries_clear(&e);
}

static void
entries_sort_by_number(void **state)
{
	static const int64_t keys[] = { 3, INT64_MAX, 0, INT64_MIN, -1 };
	struct entries e;

	(void)state;
	entries_init(&e);
	for (size_t i = 0; i < 5; i++)
		check_int(entries_put(&e, keys[i], NULL), 0);
	entries_sort(&e);
	check_int(e.v[0].key, INT64_MIN);
	check_int(e.v[1].key, -1);
	check_int(e.v[2].key, 0);
	check_int(e.v[3].key, 3);
	check_int(e.v[4].key, INT64_MAX);
	entries_clear(&e);
}

static void
entries_survive_no_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		struct entries e;
		int result = 0;

		entries_init(&e);
		fake_alloc_fail_at(n);
		for (int64_t i = 0; i < 20 && result == 0; i++)
			result = entries_put(&e, i, NULL);
		failed = fake_alloc_failed();
		check_int(result, failed ? -1 : 0);
		for (size_t i = 0; i < e.n; i++)
			check(entries_find(&e, (int64_t)i) != NULL);
		entries_clear(&e);
		check(n > 2 || failed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_keep_the_later_value),
		cmocka_unit_test(entries_hold_many),
		cmocka_unit_test(entries_sort_by_number),
		cmocka_unit_test(entries_survive_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
