/* json_fold: which names are the same member to Go. */
#include "check.h"

#include "json_fold.h"

static bool
token_eq(const char *name, const char *want)
{
	struct json_scan s = json_token_scan(slice_str(name));
	struct json_token t;

	check_int(json_token_take(&s, &t), 0);
	return json_fold_token_eq(&t, want);
}

static void
json_fold_ignores_case_as_go(void **state)
{
	(void)state;
	check(json_fold_eq(slice_str("meshkey"), "meshKey"));
	check(json_fold_eq(slice_str("MESHKEY"), "meshKey"));
	/* the long s and the Kelvin sign */
	check(json_fold_eq(slice_str("me\xc5\xbfhKey"), "meshKey"));
	check(json_fold_eq(slice_str("mesh\xe2\x84\xaa"
				     "ey"),
	    "meshKey"));
	check(json_fold_eq(slice_str(""), ""));
	/* @ and [ are as far from ` and { as letters are */
	check(!json_fold_eq(slice_str("@["), "`{"));
	check(!json_fold_eq(slice_str("m\xc3\xa9shKey"), "meshKey"));
	check(!json_fold_eq(slice_str("meshKe"), "meshKey"));
	check(!json_fold_eq(slice_str("meshKeyy"), "meshKey"));
	check(!json_fold_eq(slice_of("meshKey\0", 8), "meshKey"));
	check(!json_fold_eq(slice_of("\xff", 1), "a"));
}

static void
json_fold_reads_escapes(void **state)
{
	(void)state;
	check(token_eq("\"Version\"", "version"));
	check(token_eq("\"ver\\u0073ion\"", "version"));
	check(token_eq("\"VER\\u017fION\"", "version"));
	check(token_eq("\"me\xc5\xbfh\\u212aey\"", "meshKey"));
	check(!token_eq("\"version\\u0000\"", "version"));
	check(!token_eq("\"\\u0076ersio\"", "version"));
	check(!token_eq("\"\\ud83d\"", "version"));
	check(!token_eq("\"\"", "version"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_fold_ignores_case_as_go),
		cmocka_unit_test(json_fold_reads_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
