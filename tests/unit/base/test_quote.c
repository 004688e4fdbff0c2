/* quote: what a stream of foreign bytes looks like in a log line. */
#include "check.h"

#include "quote.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *text, *want;
} rows[] = {
	{ "", "\"\"" },
	{ "DERP", "\"DERP\"" },
	{ "say \"hi\" \\ there", "\"say \\\"hi\\\" \\\\ there\"" },
	{ "a\nb\rc\td", "\"a\\nb\\rc\\td\"" },
	{ "\x1b[2J", "\"\\x1b[2J\"" },         /* CSI by ESC */
	{ "\xc2\x9b\x32J", "\"\\u009b2J\"" },  /* CSI as U+009B */
	{ "\x9b\x32J", "\"\\x9b2J\"" },        /* CSI as a raw byte */
	{ "x\xe2\x80\xaey", "\"x\\u202ey\"" }, /* right-to-left override */
	{ "x\xe2\x81\xa6y", "\"x\\u2066y\"" }, /* isolate */
	{ "\xef\xbb\xbfz", "\"\\ufeffz\"" },
	{ "\xf3\xa0\x80\x81", "\"\\U000e0001\"" },
	{ "\xed\xa0\x80", "\"\\xed\\xa0\\x80\"" }, /* a surrogate */
	{ "\x7f", "\"\\x7f\"" },
	{ "Gr\xc3\xbc\xc3\x9f \xe4\xb8\xad",
	    "\"Gr\xc3\xbc\xc3\x9f \xe4\xb8\xad\"" },
};

static void
quote_escapes_what_moves_a_terminal(void **state)
{
	char out[QUOTE_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check_text(
		    quote_text(out, slice_str(rows[i].text)), rows[i].want);
}

static void
quote_keeps_every_other_byte_out(void **state)
{
	char out[QUOTE_TEXT];
	uint8_t byte[1];

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		byte[0] = (uint8_t)i;
		quote_text(out, slice_of(byte, 1));
		for (const char *p = out; *p != '\0'; p++)
			assert_in_range(*p, 0x20, 0x7e);
	}
}

static void
quote_cuts_between_characters(void **state)
{
	char text[QUOTE_SHOWN + 8], out[QUOTE_TEXT], want[QUOTE_TEXT];

	(void)state;
	/* a character of three bytes across the limit is shown whole */
	memset(text, 'a', sizeof text);
	memcpy(text + QUOTE_SHOWN - 1, "\xe4\xb8\xad", 3);
	snprintf(want, sizeof want, "\"%.*s\"...", QUOTE_SHOWN + 2, text);
	check_text(quote_text(out, slice_of(text, sizeof text)), want);
}

static void
quote_has_room_for_the_worst(void **state)
{
	uint8_t text[1000];
	char out[QUOTE_TEXT];

	(void)state;
	memset(text, 0xff, sizeof text);
	quote_text(out, slice_of(text, sizeof text));
	check_size(strlen(out), QUOTE_SHOWN * 4 + 5);
	check_text(out + QUOTE_SHOWN * 4 - 3, "\\xff\"...");
	memcpy(text + QUOTE_SHOWN - 1, "\xf4\x8f\xbf\xbf", 4);
	quote_text(out, slice_of(text, sizeof text));
	check_size(strlen(out), QUOTE_TEXT - 1);
	check_text(out + QUOTE_TEXT - 1 - 14, "\\U0010ffff\"...");
}

static void
quote_put_leaves_quotes(void **state)
{
	char out[64];
	struct writer w = writer_of(out, sizeof out);

	(void)state;
	quote_put(&w, slice_str("\"a\\b\"\x1b\xe2\x80\xae"));
	check_size(w.n, strlen("\"a\\b\"\\x1b\\u202e"));
	assert_memory_equal(out, "\"a\\b\"\\x1b\\u202e", w.n);
	w = writer_of(out, 3);
	quote_put(&w, slice_str("abcdef"));
	assert_true(w.failed);
}

/* A caller that counts the bytes has no room for a NUL. */
static void
quote_put_fits_its_growth(void **state)
{
	static const char *const texts[] = { "\x01", "a\x1b", "\xff",
		"\xc2\x85", "\xe2\x80\xae", "\xf4\x8f\xbf\xbf" };
	static const char *const shown[] = { "\\x01", "a\\x1b", "\\xff",
		"\\u0085", "\\u202e", "\\U0010ffff" };
	char out[4 * QUOTE_PUT_GROWTH + 1];

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const struct slice text = slice_str(texts[i]);
		struct writer w = writer_of(out, text.n * QUOTE_PUT_GROWTH);
		struct writer exact = writer_of(out, strlen(shown[i]));

		quote_put(&w, text);
		assert_false(w.failed);
		quote_put(&exact, text);
		assert_false(exact.failed);
		out[exact.n] = '\0';
		check_text(out, shown[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quote_escapes_what_moves_a_terminal),
		cmocka_unit_test(quote_keeps_every_other_byte_out),
		cmocka_unit_test(quote_cuts_between_characters),
		cmocka_unit_test(quote_has_room_for_the_worst),
		cmocka_unit_test(quote_put_leaves_quotes),
		cmocka_unit_test(quote_put_fits_its_growth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
