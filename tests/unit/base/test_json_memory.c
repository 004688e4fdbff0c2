/* json_memory: nothing is given after the first failure, and it is told. */
#include "json_memory.h"

#include "check.h"
#include "fake_alloc.h"

#include <stdlib.h>

static void
json_memory_stays_short_until_its_end(void **state)
{
	void *p;

	(void)state;
	json_memory_begin();
	p = json_memory_malloc(8);
	check(p != NULL);
	check(!json_memory_end());
	free(p);
	json_memory_begin();
	fake_alloc_fail_at(1);
	check_null(json_memory_malloc(8));
	check(fake_alloc_failed());
	check_null(json_memory_malloc(8));
	check(json_memory_end());
	p = json_memory_malloc(8);
	check(p != NULL);
	free(p);
	/* of one that is not watched nothing is remembered */
	fake_alloc_fail_at(1);
	check_null(json_memory_malloc(8));
	check(fake_alloc_failed());
	p = json_memory_malloc(8);
	check(p != NULL);
	free(p);
	json_memory_begin();
	check(!json_memory_end());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_memory_stays_short_until_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
