/* gojson: the rules of Go's encoding/json, accepted and rejected. */
#include "check.h"

#include "gojson.h"

#include <stdlib.h>

static int
parse(const char *text)
{
	struct gojson value;

	return gojson_parse(slice_str(text), &value);
}

static void
gojson_accepts_what_go_accepts(void **state)
{
	static const char *const good[] = { "null", "true", "false", "0", "-0",
		"1", "-12", "1.5", "0.0e0", "1E+9", "1e-9", "\"\"", "[]", "{}",
		" \t\r\n{ } ", "[1,[2,{\"a\":[]}],\"x\"]",
		"{\"a\":1,\"a\":2,\"\":{}}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
		"\"\\u0000\\uFFFF\\ud800\"", "\"\x7f\xff\xc0\"",
		"{ \"a\" : 1 , \"b\" : [ 1 , 2 ] }" };

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (parse(good[i]) != 0)
			fail_msg("rejected: %s", good[i]);
}

static void
gojson_rejects_what_go_rejects(void **state)
{
	static const char *const bad[] = { "", " ", "nul", "nulll", "True",
		"NaN", "+1", "-", "01", "-01", "1.", ".5", "1e", "1e+", "1.e1",
		"0x1", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"",
		"\"\\u123g\"", "\"a\nb\"", "\"\t\"", "'a'", "[", "]", "[1",
		"[1,", "[1,]", "[,]", "[1 2]", "[}", "{", "}", "{]", "{\"a\"",
		"{\"a\":", "{\"a\":}", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}",
		"{,}", "{a:1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}",
		"{}{}", "{} x", "[]]", "1 2", "null,", "\xef\xbb\xbf{}",
		"// c\n1", "\v1" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (parse(bad[i]) != -1)
			fail_msg("accepted: %s", bad[i]);
	/* a NUL is not the end of the text */
	check_int(gojson_parse(slice_of("1\0", 2), &(struct gojson){ 0 }), -1);
	check_int(
	    gojson_parse(slice_of("\"\0\"", 3), &(struct gojson){ 0 }), -1);
}

/* No prefix of a value in brackets is a value. */
static void
gojson_rejects_every_prefix(void **state)
{
	const char *text = "{\"a\\u00e9\":[1.5e3,true,null,{\"b\":\"\\n\"}]}";
	struct gojson value;

	(void)state;
	for (size_t n = 0; n < strlen(text); n++)
		check_int(gojson_parse(slice_of(text, n), &value), -1);
	check_int(gojson_parse(slice_str(text), &value), 0);
}

static int
parse_nested(size_t depth, const char *open, const char *close)
{
	size_t step = strlen(open), n = depth * (step + 1) + 1;
	char *text = malloc(n);
	struct gojson value;
	int result;

	check(text != NULL);
	for (size_t i = 0; i < depth; i++)
		memcpy(text + i * step, open, step);
	text[depth * step] = '1';
	memset(text + depth * step + 1, close[0], depth);
	result = gojson_parse(slice_of(text, n), &value);
	free(text);
	return result;
}

static void
gojson_limits_depth_as_go(void **state)
{
	(void)state;
	check_int(parse_nested(GOJSON_DEPTH, "[", "]"), 0);
	check_int(parse_nested(GOJSON_DEPTH + 1, "[", "]"), -1);
	check_int(parse_nested(GOJSON_DEPTH, "{\"\":", "}"), 0);
	check_int(parse_nested(GOJSON_DEPTH + 1, "{\"\":", "}"), -1);
}

static void
gojson_take_leaves_the_rest(void **state)
{
	struct slice in = slice_str(" {\"a\":1} , 2");
	struct gojson value;

	(void)state;
	check_int(gojson_take(&in, &value), 0);
	check_int(value.type, GOJSON_OBJECT);
	check_slice_text(value.text, "{\"a\":1}");
	check_slice_text(in, ", 2");
	check_int(gojson_take(&in, &value), -1);
	check_slice_text(in, ", 2");
}

static void
gojson_next_walks_members_in_order(void **state)
{
	struct gojson root, name, value;
	struct slice rest;

	(void)state;
	check_int(
	    gojson_parse(
		slice_str("{ \"b\" : [1,2] , \"a\":\"}\",\"b\":null }"), &root),
	    0);
	rest = root.text;
	check(gojson_next(&rest, &name, &value));
	check_slice_text(name.text, "\"b\"");
	check_slice_text(value.text, "[1,2]");
	check_int(value.type, GOJSON_ARRAY);
	check(gojson_next(&rest, &name, &value));
	check_slice_text(name.text, "\"a\"");
	check_slice_text(value.text, "\"}\"");
	check(gojson_next(&rest, &name, &value));
	check_slice_text(name.text, "\"b\"");
	check_int(value.type, GOJSON_NULL);
	check(!gojson_next(&rest, &name, &value));
	rest = slice_str("{ }");
	check(!gojson_next(&rest, &name, &value));
}

static bool
name_is(const char *name, const char *want)
{
	struct gojson value;

	check_int(gojson_parse(slice_str(name), &value), 0);
	return gojson_name_is(&value, want);
}

static void
gojson_folds_names_as_go(void **state)
{
	(void)state;
	check(name_is("\"meshKey\"", "meshKey"));
	check(name_is("\"MESHKEY\"", "meshKey"));
	check(name_is("\"\\u006deshkey\"", "meshKey"));
	/* the long s and the Kelvin sign */
	check(name_is("\"me\xc5\xbfhKey\"", "meshKey"));
	check(name_is("\"mesh\xe2\x84\xaa"
		      "ey\"",
	    "meshKey"));
	check(name_is("\"me\\u017fh\\u212aey\"", "meshKey"));
	check(!name_is("\"meshKe\"", "meshKey"));
	check(!name_is("\"meshKeyy\"", "meshKey"));
	check(!name_is("\"\"", "meshKey"));
	check(!name_is("\"mesh Key\"", "meshKey"));
	check(!name_is("\"m\xc3\xa9shKey\"", "meshKey"));
	/* @ and [ are as far from ` and { as letters are */
	check(!name_is("\"@\"", "`"));
	check(!name_is("\"meshKey\\u0000\"", "meshKey"));
}

static void
gojson_string_decodes(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "\"\"", "" },
		{ "\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz" },
		{ "\"\\u00e9\\u20AC\"", "\xc3\xa9\xe2\x82\xac" },
		{ "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80" },
		{ "\"\\ud83dx\"", "\xef\xbf\xbdx" },
		{ "\"\\ude00\"", "\xef\xbf\xbd" },
		{ "\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80" },
		{ "\"\\ud83d\\u0041\"",
		    "\xef\xbf\xbd"
		    "A" },
		{ "\"\xff\xfe\xe2\x82x\"",
		    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx" },
		{ "\"\xf0\x9f\x98\x80\"", "\xf0\x9f\x98\x80" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t out[64];
		struct writer w = writer_of(out, sizeof out);
		struct gojson value;

		check_int(gojson_parse(slice_str(cases[i].text), &value), 0);
		check_int(gojson_string(&value, &w), 0);
		check_slice_text(writer_slice(&w), cases[i].want);
	}
}

static void
gojson_string_keeps_its_room(void **state)
{
	struct gojson value;
	uint8_t out[4];
	struct writer w = writer_of(out, 3);

	(void)state;
	check_int(gojson_parse(slice_str("\"abcd\""), &value), 0);
	check_int(gojson_string(&value, &w), -1);
	w = writer_of(out, 4);
	check_int(gojson_string(&value, &w), 0);
	check_int(gojson_parse(slice_str("null"), &value), 0);
	check_int(gojson_string(&value, &w), -1);
}

static int
parse_int(const char *text, int64_t *out)
{
	struct gojson value;

	check_int(gojson_parse(slice_str(text), &value), 0);
	return gojson_int(&value, out);
}

static void
gojson_int_is_whole_and_fits(void **state)
{
	int64_t n = 7;

	(void)state;
	check_int(parse_int("2", &n), 0);
	check_int(n, 2);
	check_int(parse_int("-0", &n), 0);
	check_int(n, 0);
	check_int(parse_int("9223372036854775807", &n), 0);
	check_int(n, INT64_MAX);
	check_int(parse_int("-9223372036854775808", &n), 0);
	check_int(n, INT64_MIN);
	check_int(parse_int("9223372036854775808", &n), -1);
	check_int(parse_int("2.0", &n), -1);
	check_int(parse_int("2e0", &n), -1);
	check_int(parse_int("\"2\"", &n), -1);
	check_int(parse_int("true", &n), -1);
	check_int(parse_int("null", &n), -1);
}

static void
gojson_bool_is_true_or_false(void **state)
{
	struct gojson value;
	bool b = false;

	(void)state;
	gojson_parse(slice_str("true"), &value);
	check_int(gojson_bool(&value, &b), 0);
	check(b);
	gojson_parse(slice_str("false"), &value);
	check_int(gojson_bool(&value, &b), 0);
	check(!b);
	gojson_parse(slice_str("1"), &value);
	check_int(gojson_bool(&value, &b), -1);
	gojson_parse(slice_str("\"true\""), &value);
	check_int(gojson_bool(&value, &b), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gojson_accepts_what_go_accepts),
		cmocka_unit_test(gojson_rejects_what_go_rejects),
		cmocka_unit_test(gojson_rejects_every_prefix),
		cmocka_unit_test(gojson_limits_depth_as_go),
		cmocka_unit_test(gojson_take_leaves_the_rest),
		cmocka_unit_test(gojson_next_walks_members_in_order),
		cmocka_unit_test(gojson_folds_names_as_go),
		cmocka_unit_test(gojson_string_decodes),
		cmocka_unit_test(gojson_string_keeps_its_room),
		cmocka_unit_test(gojson_int_is_whole_and_fits),
		cmocka_unit_test(gojson_bool_is_true_or_false),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
