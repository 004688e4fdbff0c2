/* merge, id_ranges: ids of a command line, short memory. What merging gives is
 * in tests/maps. */
#include "check.h"
#include "fake_alloc.h"

#include "load.h"
#include "merge.h"

static int
add(struct id_ranges *r, const char *text)
{
	struct fail why = { .text = "" };
	int result;

	*r = (struct id_ranges){ .n = 0 };
	result = id_ranges_add(r, slice_str(text), &why);
	check_int(result == 0, why.text[0] == '\0');
	return result;
}

static void
id_ranges_reads_ids_and_ranges(void **state)
{
	static struct id_ranges r;

	(void)state;
	check_int(add(&r, "900, 1-28,-5--3,-7"), 0);
	check_size(r.n, 4);
	check_int(r.v[1].first, 1);
	check_int(r.v[1].last, 28);
	check_int(r.v[2].first, -5);
	check_int(r.v[2].last, -3);
	check_int(r.v[3].first, -7);
	check_int(r.v[3].last, -7);
	check_int(add(&r, "9223372036854775807"), 0);
	check_int(r.v[0].last, INT64_MAX);
}

static void
id_ranges_rejects(void **state)
{
	static const char *const bad[] = { "", ",", "900,", "x", "9-1", "1-",
		"--1", "1-2-3", "9223372036854775808", "0x10", "1 2" };
	static struct id_ranges r;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		check_int(add(&r, bad[i]), -1);
}

static void
id_ranges_has_a_limit(void **state)
{
	static struct id_ranges r;
	struct fail why = { .text = "" };

	(void)state;
	for (size_t i = 0; i < ID_RANGES_MAX; i++)
		check_int(id_ranges_add(&r, slice_str("1"), &why), 0);
	check_int(id_ranges_add(&r, slice_str("1"), &why), -1);
	check_contains(why.text, "more than");
}

static void
id_ranges_tells_what_was_not_used(void **state)
{
	static struct id_ranges r;

	(void)state;
	check_int(add(&r, "1-3,7"), 0);
	check(id_ranges_use(&r, 3));
	check(!id_ranges_use(&r, 4));
	check_int(id_ranges_unused(&r)->first, 7);
	check(id_ranges_use(&r, 7));
	check(id_ranges_unused(&r) == NULL);
}

static void
merge_survives_short_memory(void **state)
{
	static struct id_ranges drop, only;
	struct fail why = { .text = "" };
	struct load a, b;
	struct merge_source sources[] = { { .name = "a" }, { .name = "b" } };
	const struct merge_config config = {
		.sources = sources,
		.source_count = 2,
		.drop = &drop,
		.only = &only,
	};
	struct merge m;

	(void)state;
	check_int(load_text(&a, "a", slice_str("regions: {1: {}, 2: {}}"),
		      LOAD_HEADSCALE, &why),
	    0);
	check_int(load_text(&b, "b", slice_str("regions: {2: {}, 3: {}}"),
		      LOAD_HEADSCALE, &why),
	    0);
	sources[0].map = &a.map;
	sources[1].map = &b.map;
	for (size_t n = 1;; n++) {
		int result;

		why = (struct fail){ .text = "" };
		fake_alloc_fail_at(n);
		result = merge_make(&m, &config, &why);
		if (!fake_alloc_failed()) {
			check_int(result, 0);
			break;
		}
		check_int(result, -1);
		check_contains(why.text, "not enough memory");
	}
	check_size(m.map.region_count, 3);
	check_size(m.region_count, 3);
	check_size(m.regions[1].source, 1);
	check_size(m.regions[1].loser_count, 1);
	check(m.map.regions[1] == b.map.regions[0]);
	merge_clear(&m);
	merge_clear(&m);
	load_close(&a);
	load_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(id_ranges_reads_ids_and_ranges),
		cmocka_unit_test(id_ranges_rejects),
		cmocka_unit_test(id_ranges_has_a_limit),
		cmocka_unit_test(id_ranges_tells_what_was_not_used),
		cmocka_unit_test(merge_survives_short_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
