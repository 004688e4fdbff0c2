/* doc_pos: lines and columns on the way through a text. */
#include "check.h"

#include "doc_pos.h"

static void
doc_pos_counts_code_points(void **state)
{
	/* é, a lone lead byte, an emoji */
	struct slice text = slice_str("a\xc3\xa9\n\xf0\x9f\nb\xf0\x9f\x98\x80"
				      "c");
	static const struct {
		size_t offset;
		unsigned line, column;
	} want[] = { { 0, 1, 1 }, { 1, 1, 2 }, { 3, 1, 3 }, { 4, 2, 1 },
		{ 6, 2, 3 }, { 7, 3, 1 }, { 8, 3, 2 }, { 12, 3, 3 },
		{ 13, 3, 4 } };
	struct doc_pos stepwise = { 1, 1, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		struct doc_pos at_once = { 1, 1, 0 };

		doc_pos_advance(&at_once, text, want[i].offset, DOC_LINE_JSON);
		doc_pos_advance(&stepwise, text, want[i].offset, DOC_LINE_JSON);
		check_int(at_once.line, want[i].line);
		check_int(at_once.column, want[i].column);
		check_size(at_once.offset, want[i].offset);
		check_int(stepwise.line, want[i].line);
		check_int(stepwise.column, want[i].column);
	}
}

static void
doc_pos_stays_in_the_text(void **state)
{
	struct doc_pos pos = { 1, 1, 0 };

	(void)state;
	doc_pos_advance(&pos, slice_str("ab"), 10, DOC_LINE_JSON);
	check_size(pos.offset, 2);
	check_int(pos.column, 3);
	/* never backwards */
	doc_pos_advance(&pos, slice_str("ab"), 0, DOC_LINE_JSON);
	check_size(pos.offset, 2);
}

/* CR, CR LF, NEL and U+2028 end lines of YAML; between CR and LF none has
 * ended. */
static void
doc_pos_knows_the_line_ends_of_yaml(void **state)
{
	struct slice text = slice_str("a\rb\r\nc\xc2\x85"
				      "d\xe2\x80\xa8"
				      "e\r");
	static const struct {
		size_t offset;
		unsigned line, column;
	} want[] = { { 1, 1, 2 }, { 2, 2, 1 }, { 3, 2, 2 }, { 4, 2, 3 },
		{ 5, 3, 1 }, { 6, 3, 2 }, { 8, 4, 1 }, { 9, 4, 2 },
		{ 12, 5, 1 }, { 14, 6, 1 } };
	struct doc_pos stepwise = { 1, 1, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		struct doc_pos at_once = { 1, 1, 0 };

		doc_pos_advance(&at_once, text, want[i].offset, DOC_LINE_YAML);
		doc_pos_advance(&stepwise, text, want[i].offset, DOC_LINE_YAML);
		check_int(at_once.line, want[i].line);
		check_int(at_once.column, want[i].column);
		check_int(stepwise.line, want[i].line);
		check_int(stepwise.column, want[i].column);
		check_size(stepwise.offset, want[i].offset);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doc_pos_counts_code_points),
		cmocka_unit_test(doc_pos_stays_in_the_text),
		cmocka_unit_test(doc_pos_knows_the_line_ends_of_yaml),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
