/* doc_line: where lines end, as each reader counts them. */
#include "check.h"

#include "doc_line.h"

static void
doc_line_ends_where_its_reader_says(void **state)
{
	/* LF, CR LF, CR, NEL, U+2028, U+2029; then none: U+2027, C2 84, and
	 * starts of characters that the text's end cuts off */
	static const struct {
		const char *text;
		size_t json, yaml;
	} want[] = { { "\nx", 1, 1 }, { "\r\nx", 0, 2 }, { "\rx", 0, 1 },
		{ "\r", 0, 1 }, { "\xc2\x85", 0, 2 }, { "\xe2\x80\xa8", 0, 3 },
		{ "\xe2\x80\xa9", 0, 3 }, { "\xe2\x80\xa7", 0, 0 },
		{ "\xc2\x84", 0, 0 }, { "\xc2", 0, 0 }, { "\xe2\x80", 0, 0 },
		{ "x\n", 0, 0 }, { "", 0, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		struct slice text = slice_str(want[i].text);

		check_size(
		    doc_line_break(text, 0, DOC_LINE_JSON), want[i].json);
		check_size(
		    doc_line_break(text, 0, DOC_LINE_YAML), want[i].yaml);
	}
}

static void
doc_line_end_is_before_the_line_end(void **state)
{
	struct slice text = slice_str("ab\rc\n\nd");

	(void)state;
	check_size(doc_line_end(text, 0, DOC_LINE_YAML), 2);
	check_size(doc_line_end(text, 0, DOC_LINE_JSON), 4);
	check_size(doc_line_end(text, 3, DOC_LINE_YAML), 4);
	check_size(doc_line_end(text, 5, DOC_LINE_YAML), 5);
	check_size(doc_line_end(text, 6, DOC_LINE_YAML), text.n);
	check_size(doc_line_end(text, text.n, DOC_LINE_YAML), text.n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doc_line_ends_where_its_reader_says),
		cmocka_unit_test(doc_line_end_is_before_the_line_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
