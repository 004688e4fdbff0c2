/* consistency: counts that agree, and counts that do not. */
#include "check.h"

#include "consistency.h"
#include "counters.h"
#include "registry.h"

static void
consistency_compares_counts(void **state)
{
	struct registry *registry = registry_new(4, 0);
	struct counters_array *counters = counters_new(2);
	const struct consistency c = { .counters = counters,
		.registry = registry };
	char text[256];
	struct writer w = writer_of(text, sizeof text - 1);

	(void)state;
	check(consistency_check(&c, &w));
	check_size(w.n, 0);
	counters_add(&counters_at(counters, 1)->accepts, 1);
	counters_add(&counters_at(counters, 1)->current_connections, 1);
	check(!consistency_check(&c, &w));
	text[w.n] = '\0';
	check_text(text, "counted connections = 1 != the registry says of 0");
	registry_free(registry);
	counters_free(counters);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(consistency_compares_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
