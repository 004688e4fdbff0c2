/* status_query: what the query of a URL may say. */
#include "check.h"

#include "status_query.h"

#include <stdio.h>

static struct status_query q;
static const char *bad;

static bool
parse(enum status_query_form form, const char *text)
{
	return status_query_parse(&q, form, slice_str(text), &bad);
}

static void
status_query_has_defaults_of_its_form(void **state)
{
	(void)state;
	check(parse(STATUS_QUERY_HTML, "debugkey=x"));
	check(q.by_traffic);
	check_size(q.offset, 0);
	check_size(q.limit, STATUS_QUERY_HTML_CLIENTS);
	check_int(q.refresh_s, STATUS_QUERY_REFRESH_S);
	check(parse(STATUS_QUERY_JSON, ""));
	check(!q.by_traffic);
	check_size(q.limit, STATUS_QUERY_JSON_CLIENTS);
}

static void
status_query_reads_values(void **state)
{
	(void)state;
	check(parse(
	    STATUS_QUERY_JSON, "order=traffic&offset=2000&limit=50&refresh=0"));
	check(q.by_traffic);
	check_size(q.offset, 2000);
	check_size(q.limit, 50);
	check_int(q.refresh_s, 0);
	check(parse(STATUS_QUERY_HTML, "order=key&limit=100000"));
	check(!q.by_traffic);
	check_size(q.limit, STATUS_QUERY_HTML_CLIENTS);
}

/* As it was given: what links are made of. */
static void
status_query_keeps_the_key(void **state)
{
	char text[400];

	(void)state;
	check(parse(STATUS_QUERY_HTML, "limit=5&debugkey=a%26b\"&order=key"));
	check_text(q.key_pair, "debugkey=a%26b\"");
	check(parse(STATUS_QUERY_HTML, "xdebugkey=a&limit=5"));
	check_text(q.key_pair, "");
	snprintf(text, sizeof text, "debugkey=%0*d", STATUS_QUERY_KEY_MAX, 0);
	check(parse(STATUS_QUERY_HTML, text));
	check_text(q.key_pair, "");
}

static void
status_query_rejects_what_is_not_valid(void **state)
{
	static const struct {
		const char *query, *bad;
	} rows[] = {
		{ "order=", "order" },
		{ "order=name", "order" },
		{ "order=traffictraffictraffictraffictraffic", "order" },
		{ "offset=-1", "offset" },
		{ "offset=4294967296", "offset" },
		{ "limit=", "limit" },
		{ "limit=1e3", "limit" },
		{ "refresh=3601", "refresh" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		check(!parse(STATUS_QUERY_JSON, rows[i].query));
		check_text(bad, rows[i].bad);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_query_has_defaults_of_its_form),
		cmocka_unit_test(status_query_reads_values),
		cmocka_unit_test(status_query_keeps_the_key),
		cmocka_unit_test(status_query_rejects_what_is_not_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
