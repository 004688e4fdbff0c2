/* doc_json: places, escapes, errors with their place, limits. What is accepted
 * is compared with Go by tests/convert and tests/interop/maps_test.go. */
#include "check.h"
#include "fake_alloc.h"

#include "doc_json.h"

#include <stdlib.h>

static struct arena *arena;
static struct doc doc;
static struct fail why;

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(DOC_ARENA_MAX);
	why = (struct fail){ .text = "" };
	return arena != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const struct doc_node *
read_good(const char *text)
{
	if (doc_json_read(&doc, arena, slice_str(text), &why) == -1)
		fail_msg("%u:%u: %s", why.line, why.column, why.text);
	check(doc.error == DOC_OK);
	return doc.root;
}

static void
read_bad(const char *text, unsigned line, unsigned column, const char *part)
{
	why = (struct fail){ .text = "" };
	check_int(doc_json_read(&doc, arena, slice_str(text), &why), -1);
	check_int(doc.error_at.line, line);
	check_int(doc.error_at.column, column);
	check_contains(doc.error_text, part);
	check_int(why.line, line);
	check_int(why.column, column);
	check_text(why.text, doc.error_text);
	check_null(doc.root);
}

static void
check_place(struct doc_pos at, unsigned line, unsigned column, size_t offset)
{
	check_int(at.line, line);
	check_int(at.column, column);
	check_size(at.offset, offset);
}

static void
doc_json_places_everything(void **state)
{
	const struct doc_node *root, *list;

	(void)state;
	root = read_good("{\n  \"é\": [1, {}],\r\n\t\"b\": null }\n");
	check_int(root->kind, DOC_MAPPING);
	check_size(root->count, 2);
	check_place(root->start, 1, 1, 0);
	check_place(root->end, 3, 13, 32);
	check_place(root->items[0]->start, 2, 3, 4);
	check_place(root->items[0]->end, 2, 6, 8);
	list = root->items[1];
	check_int(list->kind, DOC_SEQUENCE);
	check_size(list->count, 2);
	check_place(list->items[0]->start, 2, 9, 11);
	check_place(list->items[1]->start, 2, 12, 14);
	check_place(list->end, 2, 15, 17);
	check_place(root->items[3]->start, 3, 7, 26);
	check_int(root->items[3]->style, DOC_PLAIN);
	check_slice_text(root->items[3]->text, "null");
}

static void
doc_json_keeps_repeated_keys(void **state)
{
	const struct doc_node *root = read_good("{\"a\":1,\"a\":2,\"\":3}");

	(void)state;
	check_size(root->count, 3);
	check_slice_text(doc_get(root, "a")->text, "1");
	check_slice_text(doc_get(root, "")->text, "3");
	check_null(doc_get(root, "b"));
}

static void
doc_json_undoes_escapes(void **state)
{
	const struct doc_node *root;

	(void)state;
	root = read_good("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"");
	check_slice_text(root->text, "\"\\/\b\f\n\r\té😀");
	check_int(root->style, DOC_DOUBLE);
	root = read_good("\"a\\u0000b\"");
	check_slice(root->text, slice_of("a\0b", 3));
}

/* Go replaces what is not text; one mark for each byte. */
static void
doc_json_replaces_what_is_not_text(void **state)
{
	(void)state;
	check_slice_text(read_good("\"a\xff\xf0\x9f\"")->text,
	    "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	check_slice_text(read_good("\"\\ud83dx\\udc00\"")->text,
	    "\xef\xbf\xbdx\xef\xbf\xbd");
	check_slice_text(read_good("\"\\ud83d\\u0041\"")->text,
	    "\xef\xbf\xbd"
	    "A");
	check_slice_text(
	    read_good("\"\\ud83d\\ud83d\\ude00\"")->text, "\xef\xbf\xbd😀");
}

static void
doc_json_places_errors(void **state)
{
	(void)state;
	read_bad("", 1, 1, "text ends");
	read_bad("{\"é\" 1}", 1, 6, "':' is expected");
	read_bad("[1,\n 2,]", 2, 4, "trailing commas");
	read_bad("{\n // x\n}", 2, 2, "no comments");
	read_bad("[01]", 1, 3, "',' or ']'");
	read_bad("[1.]", 1, 4, "a digit");
	read_bad("[-]", 1, 3, "a digit");
	read_bad("[1e+]", 1, 5, "a digit");
	read_bad("\"\\x\"", 1, 3, "backslash");
	read_bad("\"a\tb\"", 1, 3, "end of the string");
	read_bad("[\"a\nb\"", 1, 2, "not closed on its line");
	read_bad("[\"a\rb\"", 1, 2, "not closed on its line");
	read_bad("\"a", 1, 1, "not closed on its line");
	read_bad("{} {}", 1, 4, "end of the text");
	read_bad("truex", 1, 5, "end of the text");
	read_bad("tru", 1, 1, "a value");
	read_bad("[}", 1, 2, "a value");
	read_bad("{\"a\":1]", 1, 7, "',' or '}'");
	check(doc.error == DOC_SYNTAX);
	read_bad("\xef\xbb\xbf{}", 1, 1, "byte order mark");
	check(doc.error == DOC_ENCODING);
	check(doc_note_find(&doc, DOC_NOTE_BOM) != NULL);
}

static void
doc_json_limits_depth(void **state)
{
	char *text = malloc(2 * DOC_DEPTH_MAX + 2);

	(void)state;
	memset(text, '[', DOC_DEPTH_MAX);
	memset(text + DOC_DEPTH_MAX, ']', DOC_DEPTH_MAX);
	text[2 * DOC_DEPTH_MAX] = '\0';
	read_good(text);
	memset(text, '[', DOC_DEPTH_MAX + 1);
	read_bad(text, 1, DOC_DEPTH_MAX + 1, "nested collections");
	check(doc.error == DOC_LIMIT);
	free(text);
}

static void
read_form(const char *text, enum doc_json_form form, const char *key)
{
	why = (struct fail){ .text = "" };
	if (doc_json_read_as(&doc, arena, slice_str(text), form, &why) == -1)
		fail_msg("%s: %u:%u: %s", text, why.line, why.column, why.text);
	check(doc_get(doc.root, key) != NULL);
}

static void
reject_form(
    const char *text, enum doc_json_form form, unsigned line, unsigned column)
{
	why = (struct fail){ .text = "" };
	check_int(
	    doc_json_read_as(&doc, arena, slice_str(text), form, &why), -1);
	check_int(doc.error, DOC_SYNTAX);
	check_int(why.line, line);
	check_int(why.column, column);
}

static void
doc_json_reads_hujson(void **state)
{
	static const char *const good[] = {
		"{\"a\": 1,}",
		"// c\n{\"a\": [1, 2,], /* } */}//",
		"/**/{/* \" */\"a\"/* : */:// }\n1}/* {\n */",
		"{\"a\": 1, // \xc3\xa4\n \"b\": {},\n}\n// end",
	};
	static const struct {
		const char *text;
		unsigned line, column;
	} bad[] = {
		{ "{\"a\": 1,,}", 1, 9 },
		{ "{,}", 1, 2 },
		{ "[,]", 1, 2 },
		{ "{\"a\": 1 /* b}", 1, 9 },
		{ "{\"a\" / 1}", 1, 6 },
		{ "{\"a\": 1 # b\n}", 1, 9 },
		{ "{} {}", 1, 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		read_form(good[i], DOC_JSON_HUMAN, "a");
	check_place(doc_get(doc.root, "b")->start, 2, 7, 21);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		reject_form(
		    bad[i].text, DOC_JSON_HUMAN, bad[i].line, bad[i].column);
}

static void
doc_json_reads_members(void **state)
{
	(void)state;
	read_form("// mine\n\"a\": {\"b\": [1,]},", DOC_JSON_MEMBERS, "a");
	check_place(doc.root->start, 2, 1, 8);
	read_form("\"a\": 1, \"b\": 2", DOC_JSON_MEMBERS, "b");
	reject_form("\"a\": 1}", DOC_JSON_MEMBERS, 1, 7);
	reject_form("\"a\"", DOC_JSON_MEMBERS, 1, 4);
	reject_form("{\"a\": 1}", DOC_JSON_MEMBERS, 1, 1);
	reject_form("\"a\": {", DOC_JSON_MEMBERS, 1, 7);
}

static void
doc_json_limits_size(void **state)
{
	char *text = malloc(DOC_TEXT_MAX + 1);

	(void)state;
	memset(text, ' ', DOC_TEXT_MAX + 1);
	text[0] = '1';
	check_int(
	    doc_json_read(&doc, arena, slice_of(text, DOC_TEXT_MAX), &why), 0);
	check_int(
	    doc_json_read(&doc, arena, slice_of(text, DOC_TEXT_MAX + 1), &why),
	    -1);
	check(doc.error == DOC_LIMIT);
	free(text);
}

static void
doc_json_survives_no_memory(void **state)
{
	const char *text = "{\"a\":[\"b\\u00e9\",1,{\"c\":[[[true]]]}]}";
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		struct arena *a;
		int result = -1;

		fake_alloc_fail_at(n);
		a = arena_new(DOC_ARENA_MAX);
		if (a != NULL)
			result = doc_json_read(&doc, a, slice_str(text), &why);
		failed = fake_alloc_failed();
		check_int(result, failed ? -1 : 0);
		if (failed && a != NULL)
			check_int(doc.error, DOC_MEMORY);
		check(n > 1 || failed);
		arena_free(a);
	}
	/* a full arena is the same */
	for (size_t max = 0; max < 4096; max += 64) {
		struct arena *a = arena_new(max);

		if (doc_json_read(&doc, a, slice_str(text), &why) == -1)
			check_int(doc.error, DOC_MEMORY);
		arena_free(a);
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(doc_json_places_everything),
		T(doc_json_keeps_repeated_keys),
		T(doc_json_undoes_escapes),
		T(doc_json_replaces_what_is_not_text),
		T(doc_json_places_errors),
		T(doc_json_limits_depth),
		T(doc_json_reads_hujson),
		T(doc_json_reads_members),
		T(doc_json_limits_size),
		T(doc_json_survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
