/* id_set: against a plain array, sizes, memory. */
#include "check.h"
#include "fake_alloc.h"

#include "id_set.h"

#include <stdlib.h>

enum { IDS = 3000 };

static void
check_set(const struct id_set *s, const bool *want)
{
	bool seen[IDS] = { false };
	size_t at = 0, count = 0;
	uint32_t id;

	while ((id = id_set_next(s, &at)) != 0) {
		check(id < IDS && want[id] && !seen[id]);
		seen[id] = true;
		count++;
	}
	check_size(count, s->count);
	for (id = 1; id < IDS; id++)
		check(id_set_has(s, id) == want[id] && seen[id] == want[id]);
}

static void
id_set_holds_what_was_added(void **state)
{
	bool want[IDS] = { false };
	struct id_set s = { .count = 0 };
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 60; round++) {
		/* grows and shrinks; round 0 stays small */
		const int chance = round % 6 < 3 ? 80 : 20;

		for (int i = 0; i < round * 20 + 5; i++) {
			const uint32_t id = 1 +
			    (uint32_t)rand_r(&seed) % (round < 9 ? 9 : IDS - 1);

			if (rand_r(&seed) % 100 < chance) {
				if (!want[id])
					check_int(id_set_add(&s, id), 0);
				want[id] = true;
			} else {
				check(id_set_remove(&s, id) == want[id]);
				want[id] = false;
			}
		}
		check_set(&s, want);
	}
	id_set_clear(&s);
	check_size(s.count, 0);
	check(!id_set_has(&s, 5));
}

/* At most 7 bytes a number from a handful on, none for two. */
static void
id_set_is_small(void **state)
{
	struct id_set s = { .count = 0 };

	(void)state;
	check_int(id_set_add(&s, 1), 0);
	check_int(id_set_add(&s, 2), 0);
	check_size(id_set_bytes(&s), 0);
	for (uint32_t id = 3; id < 50000; id++) {
		check_int(id_set_add(&s, id), 0);
		check(id < 16 || id_set_bytes(&s) <= (size_t)id * 7);
	}
	for (uint32_t id = 49999; id > 2; id--)
		check(id_set_remove(&s, id));
	check_size(id_set_bytes(&s), 0);
	check(id_set_has(&s, 1) && id_set_has(&s, 2));
	id_set_clear(&s);
}

static void
id_set_survives_lack_of_memory(void **state)
{
	struct id_set s = { .count = 0 };
	uint32_t id = 1, n = 0;

	(void)state;
	for (; id <= 100; id++) {
		fake_alloc_fail_at(1);
		if (id_set_add(&s, id) == -1) {
			check(fake_alloc_failed());
			check(!id_set_has(&s, id));
			check_size(s.count, id - 1);
			check_int(id_set_add(&s, id), 0);
			n++;
		}
		(void)fake_alloc_failed();
	}
	check(n > 3);
	/* what cannot shrink stays as it is */
	for (id = 100; id > 0; id--) {
		fake_alloc_fail_at(1);
		check(id_set_remove(&s, id));
		(void)fake_alloc_failed();
		check_size(s.count, id - 1);
		check(id == 1 || id_set_has(&s, 1));
	}
	id_set_clear(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(id_set_holds_what_was_added),
		cmocka_unit_test(id_set_is_small),
		cmocka_unit_test(id_set_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
