/* fail: the first reason wins, whoever gives it. */
#include "check.h"

#include "fail.h"

#include <errno.h>

static void
fail_keeps_the_first_reason(void **state)
{
	struct fail why = { 0 };

	(void)state;
	check_int(fail_set(&why, "%s %d", "first", 1), -1);
	check_text(why.text, "first 1");
	check_int(fail_set(&why, "second"), -1);
	check_int(fail_errno(&why, "third"), -1);
	check_int(fail_at(&why, 3, 4, "fourth"), -1);
	check_text(why.text, "first 1");
	check_size(why.line, 0);
	check_size(why.column, 0);
}

static void
fail_accepts_null(void **state)
{
	(void)state;
	check_int(fail_set(NULL, "x"), -1);
	check_int(fail_errno(NULL, "x"), -1);
	check_int(fail_at(NULL, 1, 1, "x"), -1);
}

static void
fail_tells_errno_and_place(void **state)
{
	struct fail why = { 0 };

	(void)state;
	errno = ENOENT;
	fail_errno(&why, "open %s", "f");
	check_text(why.text, "open f: No such file or directory");
	why = (struct fail){ 0 };
	fail_at(&why, 3, 14, "bad %c", 'x');
	check_text(why.text, "bad x");
	check_size(why.line, 3);
	check_size(why.column, 14);
}

static void
fail_cuts_long_reasons(void **state)
{
	struct fail why = { 0 };

	(void)state;
	fail_set(&why, "%01000d", 7);
	check_size(strlen(why.text), FAIL_TEXT_MAX - 1);
	why = (struct fail){ 0 };
	errno = EPERM;
	fail_errno(&why, "%01000d", 7);
	check_size(strlen(why.text), FAIL_TEXT_MAX - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fail_keeps_the_first_reason),
		cmocka_unit_test(fail_accepts_null),
		cmocka_unit_test(fail_tells_errno_and_place),
		cmocka_unit_test(fail_cuts_long_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
