/* Unit tests of lib/http/html. */
#include "html.h"

#include "check.h"

static void
html_escapes_what_has_a_meaning(void **state)
{
	char out[64];
	struct writer w = writer_of(out, sizeof out);

	(void)state;
	html_escape(&w, slice_str("a<b>&\"'\xc3\xa4"));
	check_slice_text(writer_slice(&w), "a&lt;b&gt;&amp;&#34;&#39;\xc3\xa4");
}

/* What does not fit is told, and never half an entity. */
static void
html_escape_fails_when_full(void **state)
{
	char out[7];
	struct writer w = writer_of(out, sizeof out);

	(void)state;
	html_escape(&w, slice_str("ab<>c"));
	check(w.failed);
	check_slice_text(writer_slice(&w), "ab&lt;");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(html_escapes_what_has_a_meaning),
		cmocka_unit_test(html_escape_fails_when_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
