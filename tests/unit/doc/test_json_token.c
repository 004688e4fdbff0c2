/* json_token: where tokens begin and end, what is wrong with malformed ones,
 * the value of strings. The grammar is tested with doc_json and gojson. */
#include "check.h"

#include "json_token.h"

static void
json_token_cuts_every_kind(void **state)
{
	static const struct {
		enum json_token_kind kind;
		const char *text;
	} want[] = {
		{ JSON_TOKEN_OBJECT, "{" },
		{ JSON_TOKEN_STRING, "\"a\\\"b\"" },
		{ JSON_TOKEN_COLON, ":" },
		{ JSON_TOKEN_ARRAY, "[" },
		{ JSON_TOKEN_NUMBER, "-0.5e+10" },
		{ JSON_TOKEN_COMMA, "," },
		{ JSON_TOKEN_NULL, "null" },
		{ JSON_TOKEN_TRUE, "true" },
		{ JSON_TOKEN_FALSE, "false" },
		{ JSON_TOKEN_ARRAY_END, "]" },
		{ JSON_TOKEN_OBJECT_END, "}" },
	};
	struct json_scan s = json_token_scan(
	    slice_str(" {\t\"a\\\"b\":[-0.5e+10,\r\nnull true\nfalse] } "));
	struct json_token t;

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		check_int(json_token_peek(&s), want[i].kind);
		check_int(json_token_take(&s, &t), 0);
		check_int(t.kind, want[i].kind);
		check_slice_text(t.text, want[i].text);
	}
	check_int(json_token_peek(&s), JSON_TOKEN_END);
	check_size(s.at, s.text.n);
	check_int(json_token_take(&s, &t), -1);
}

/* A number ends where it can no longer go on; what follows is the caller's. */
static void
json_token_ends_numbers_as_go(void **state)
{
	struct json_scan s = json_token_scan(slice_str("01 1-"));
	struct json_token t;

	(void)state;
	check_int(json_token_take(&s, &t), 0);
	check_slice_text(t.text, "0");
	check_int(json_token_take(&s, &t), 0);
	check_slice_text(t.text, "1");
	check_int(json_token_take(&s, &t), 0);
	check_slice_text(t.text, "1");
	check_int(json_token_take(&s, &t), -1);
	check_size(s.at, 5);
	check_text(s.expected, "a digit");
}

static void
json_token_says_where_and_what(void **state)
{
	static const struct {
		const char *text, *expected;
		size_t at;
	} cases[] = {
		{ "", "a value", 0 },
		{ "  ", "a value", 2 },
		{ "tru", "a value", 0 },
		{ " nulL", "a value", 1 },
		{ "'a'", "a value", 0 },
		{ "\v1", "a value", 0 },
		{ "-", "a digit", 1 },
		{ "1.", "a digit", 2 },
		{ "1.e1", "a digit", 2 },
		{ "1e+", "a digit", 3 },
		{ "\"a", "the end of the string", 2 },
		{ "\"a\nb\"", "the end of the string", 2 },
		{ "\"\x1f\"", "the end of the string", 1 },
		{ "\"\\x\"", "one of \"\\/bfnrtu after a backslash", 2 },
		{ "\"\\", "one of \"\\/bfnrtu after a backslash", 2 },
		{ "\"\\u12\"", "a hex digit of \\uXXXX", 5 },
		{ "\"\\u123g\"", "a hex digit of \\uXXXX", 6 },
		{ "\"\\ud83d\\udc0@\"", "a hex digit of \\uXXXX", 12 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct json_scan s = json_token_scan(slice_str(cases[i].text));
		struct json_token t;

		if (json_token_take(&s, &t) != -1)
			fail_msg("accepted: %s", cases[i].text);
		check_text(s.expected, cases[i].expected);
		check_size(s.at, cases[i].at);
	}
}

static void
json_token_sees_no_end_in_nul(void **state)
{
	struct json_scan s = json_token_scan(slice_of("1\0", 2));
	struct json_token t;

	(void)state;
	check_int(json_token_take(&s, &t), 0);
	check_int(json_token_peek(&s), JSON_TOKEN_NONE);
	s = json_token_scan(slice_of("\"\0\"", 3));
	check_int(json_token_take(&s, &t), -1);
	check_size(s.at, 1);
}

static struct json_token
string_token(const char *text)
{
	struct json_scan s = json_token_scan(slice_str(text));
	struct json_token t;

	check_int(json_token_take(&s, &t), 0);
	check_int(t.kind, JSON_TOKEN_STRING);
	check_size(s.at, s.text.n);
	return t;
}

static void
json_token_decodes_strings(void **state)
{
	static const struct {
		const char *text, *want;
		bool is_plain;
	} cases[] = {
		{ "\"\"", "", true },
		{ "\"a b\x7f\"", "a b\x7f", true },
		{ "\"\xc3\xa9\"", "\xc3\xa9", false },
		{ "\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz",
		    false },
		{ "\"\\u00e9\\u20AC\"", "\xc3\xa9\xe2\x82\xac", false },
		{ "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", false },
		{ "\"\\ud83d\"", "\xef\xbf\xbd", false },
		{ "\"\\ude00x\"", "\xef\xbf\xbdx", false },
		{ "\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80",
		    false },
		{ "\"\\ud83d\\n\"", "\xef\xbf\xbd\n", false },
		{ "\"\xff\xe2\x82x\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx",
		    false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct json_token t = string_token(cases[i].text);
		uint8_t out[64];
		struct writer w = writer_of(out, sizeof out);

		check_int(t.is_plain, cases[i].is_plain);
		check_int(json_token_string(&t, &w), 0);
		check_slice_text(writer_slice(&w), cases[i].want);
		check_size(json_token_string_len(&t), w.n);
	}
}

static void
json_token_keeps_the_room_of_a_string(void **state)
{
	static const char *const texts[] = { "\"abcd\"", "\"ab\\u0063d\"" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct json_token t = string_token(texts[i]);
		uint8_t out[4];
		struct writer w = writer_of(out, 3);

		check_int(json_token_string(&t, &w), -1);
		w = writer_of(out, 4);
		check_int(json_token_string(&t, &w), 0);
		check_slice_text(writer_slice(&w), "abcd");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_token_cuts_every_kind),
		cmocka_unit_test(json_token_ends_numbers_as_go),
		cmocka_unit_test(json_token_says_where_and_what),
		cmocka_unit_test(json_token_sees_no_end_in_nul),
		cmocka_unit_test(json_token_decodes_strings),
		cmocka_unit_test(json_token_keeps_the_room_of_a_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
