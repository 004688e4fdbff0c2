/* Unit tests of lib/http/http_query. */
#include "http_query.h"

#include "check.h"

static void
http_query_finds_values(void **state)
{
	static const struct {
		const char *query, *name, *value; /* NULL: absent */
	} rows[] = {
		{ "a=1&b=2", "b", "2" },
		{ "a=1&a=2", "a", "1" },
		{ "a", "a", "" },
		{ "a=", "a", "" },
		{ "", "a", NULL },
		{ "ab=1", "a", NULL },
		{ "a=x+y%20%2b%2B", "a", "x y ++" },
		{ "%61=1", "a", "1" },
		{ "a=%", "a", NULL },
		{ "a=%4", "a", NULL },
		{ "a=%4g&a=good", "a", "good" },
		{ "a=b;c", "a", NULL },
		{ "&&a=1", "a", "1" },
		{ "a=b=c", "a", "b=c" },
		{ "A=1", "a", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char out[32];
		struct writer w = writer_of(out, sizeof out);
		bool found = http_query_value(
		    slice_str(rows[i].query), rows[i].name, &w);

		if (found != (rows[i].value != NULL))
			fail_msg("%s: found is %d", rows[i].query, found);
		check_slice_text(writer_slice(&w),
		    rows[i].value != NULL ? rows[i].value : "");
	}
}

static void
http_query_says_when_a_value_does_not_fit(void **state)
{
	char out[4];
	struct writer w = writer_of(out, sizeof out);

	(void)state;
	check(http_query_value(slice_str("a=12345"), "a", &w));
	check(w.failed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_query_finds_values),
		cmocka_unit_test(http_query_says_when_a_value_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
