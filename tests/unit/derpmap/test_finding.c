/* finding: the list and its order. */
#include "check.h"
#include "fake_alloc.h"

#include "finding.h"

static void
add(struct findings *list, const char *rule, const char *file, unsigned line,
    unsigned column)
{
	check(findings_add(list, rule, SEVERITY_WARNING, file,
		  (struct doc_pos){ line, column, 0 }, "%s", rule) != NULL);
}

static void
findings_sort_by_place(void **state)
{
	static const char *const want[] = { "A", "B", "C", "D", "E", "F" };
	/* the same name at two addresses is one file */
	const char first[] = "z", again[] = "z";
	struct arena *a = arena_new(65536);
	struct findings list;
	size_t i = 0;

	(void)state;
	findings_init(&list, a);
	add(&list, "D", first, 2, 1);
	add(&list, "F", "a", 1, 1);
	add(&list, "C", again, 1, 5);
	add(&list, "E", first, 2, 1);
	add(&list, "B", again, 1, 2);
	add(&list, "A", first, 0, 0);
	findings_sort(&list);
	check_size(list.count, 6);
	for (struct finding *f = list.first; f != NULL; f = f->next)
		check_text(f->rule, want[i++]);
	check_size(i, 6);
	add(&list, "G", "a", 1, 1);
	check_ptr(*list.end, NULL);
	check_size(list.count, 7);
	arena_free(a);
}

static void
findings_know_the_worst(void **state)
{
	struct doc_pos at = { 1, 1, 0 };
	struct arena *a = arena_new(65536);
	struct findings list;

	(void)state;
	findings_init(&list, a);
	check_int(findings_worst(&list), -1);
	findings_sort(&list);
	check(!list.failed);
	findings_add(&list, "A", SEVERITY_INFO, "f", at, "a");
	check_int(findings_worst(&list), SEVERITY_INFO);
	findings_add(&list, "A", SEVERITY_ERROR, "f", at, "a");
	findings_add(&list, "A", SEVERITY_WARNING, "f", at, "a");
	check_int(findings_worst(&list), SEVERITY_ERROR);
	check_text(finding_severity(SEVERITY_ERROR), "error");
	check_text(finding_severity(SEVERITY_WARNING), "warning");
	check_text(finding_severity(SEVERITY_INFO), "info");
	arena_free(a);
}

static void
findings_say_when_memory_is_short(void **state)
{
	struct arena *a = arena_new(64);
	struct findings list;

	(void)state;
	findings_init(&list, a);
	check_null(findings_add(&list, "A", SEVERITY_INFO, "f",
	    (struct doc_pos){ 1, 1, 0 }, "%064d", 1));
	check(list.failed);
	check_size(list.count, 0);
	arena_free(a);
	a = arena_new(65536);
	findings_init(&list, a);
	add(&list, "A", "f", 1, 1);
	fake_alloc_fail_at(1);
	findings_sort(&list);
	check(fake_alloc_failed() && list.failed);
	check_size(list.count, 1);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_sort_by_place),
		cmocka_unit_test(findings_know_the_worst),
		cmocka_unit_test(findings_say_when_memory_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
