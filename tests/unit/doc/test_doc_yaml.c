/* doc_yaml: places, styles, tags, aliases, notes, errors with their place.
 * What is accepted is compared with yaml.v3 by tests/convert and by
 * tests/interop/maps_test.go. */
#include "check.h"
#include "fake_alloc.h"

#include "doc_yaml.h"

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
	if (doc_yaml_read(&doc, arena, slice_str(text), &why) == -1)
		fail_msg("%u:%u: %s", why.line, why.column, why.text);
	check(doc.error == DOC_OK);
	return doc.root;
}

static void
read_bad(const char *text, enum doc_error error, unsigned line, unsigned column,
    const char *part)
{
	why = (struct fail){ .text = "" };
	check_int(doc_yaml_read(&doc, arena, slice_str(text), &why), -1);
	check_int(doc.error, error);
	check_int(doc.error_at.line, line);
	check_int(doc.error_at.column, column);
	check_contains(doc.error_text, part);
	check_int(why.line, line);
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
doc_yaml_places_everything(void **state)
{
	const struct doc_node *root, *list, *item;

	(void)state;
	root = read_good("# c\ré:  \"x\" # d\nlist:\n  -  a: 'b'\n  -\nend:\n");
	check_int(root->kind, DOC_MAPPING);
	check_int(root->style, DOC_BLOCK);
	check_size(root->count, 3);
	check_place(root->start, 2, 1, 4);
	check_place(root->items[0]->start, 2, 1, 4);
	check_place(root->items[0]->end, 2, 2, 6);
	check_place(root->items[1]->start, 2, 5, 9);
	check_place(root->items[1]->end, 2, 8, 12);
	list = root->items[3];
	check_int(list->kind, DOC_SEQUENCE);
	check_place(list->start, 4, 3, 25);
	item = list->items[0];
	check_place(item->start, 4, 6, 28);
	check_place(item->items[1]->start, 4, 9, 31);
	check_int(item->items[1]->style, DOC_SINGLE);
	/* what is not there is placed after its mark */
	check_place(list->items[1]->start, 5, 4, 38);
	check_size(list->items[1]->text.n, 0);
	check_place(root->items[5]->start, 6, 5, 43);
}

static void
doc_yaml_counts_from_after_the_mark(void **state)
{
	const struct doc_node *root = read_good("\xef\xbb\xbf"
						"a: 1");

	(void)state;
	check_place(root->start, 1, 1, 3);
	check_place(root->items[1]->start, 1, 4, 6);
	check(doc_note_find(&doc, DOC_NOTE_BOM) != NULL);
	check_null(doc_note_find(&doc, DOC_NOTE_UTF16));
}

static void
doc_yaml_tells_styles(void **state)
{
	const struct doc_node *root;

	(void)state;
	root = read_good("- p\n- 's'\n- \"d\"\n- |\n l\n- >\n f\n- []\n- {}\n");
	check_size(root->count, 7);
	check_int(root->items[0]->style, DOC_PLAIN);
	check_int(root->items[1]->style, DOC_SINGLE);
	check_int(root->items[2]->style, DOC_DOUBLE);
	check_int(root->items[3]->style, DOC_LITERAL);
	check_slice_text(root->items[3]->text, "l\n");
	check_int(root->items[4]->style, DOC_FOLDED);
	check_int(root->items[5]->style, DOC_FLOW);
	check_int(root->items[6]->kind, DOC_MAPPING);
}

static void
doc_yaml_keeps_aliases(void **state)
{
	const struct doc_node *root, *alias;

	(void)state;
	root = read_good("a: &x [*x, 1]\nb: *x\nc: &x 2\nd: *x\n<<: *x\n");
	check_text(root->items[1]->props->anchor, "x");
	check_ptr(root->items[1]->items[0]->target, root->items[1]);
	alias = root->items[3];
	check_int(alias->kind, DOC_ALIAS);
	check_slice_text(alias->text, "x");
	check_ptr(doc_resolve(alias), root->items[1]);
	check_place(alias->start, 2, 4, 17);
	check_ptr(doc_resolve(root->items[7]), root->items[5]);
	check_slice_text(root->items[8]->text, "<<");
	check_ptr(doc_resolve(root), root);
	check_null(doc_resolve(NULL));
}

static void
doc_yaml_resolves_tags(void **state)
{
	const struct doc_node *root;

	(void)state;
	root = read_good(
	    "%TAG !e! tag:e.org,2000:\n"
	    "%TAG !y! tag:yaml.org,2002:\n---\n"
	    "- !!int 1\n- !x 1\n- ! 1\n- !<tag:yaml.org,2002:str> 1\n"
	    "- !e!a%2Cb 1\n- !y!float 1\n- 1\n- !!map {}\n- !!null\n");
	check_text(root->items[0]->props->tag, "!!int");
	check_place(root->items[0]->start, 4, 9, 65);
	check_text(root->items[1]->props->tag, "!x");
	check_text(root->items[2]->props->tag, "!");
	check_text(root->items[3]->props->tag, "!!str");
	check_text(root->items[4]->props->tag, "tag:e.org,2000:a,b");
	check_text(root->items[5]->props->tag, "!!float");
	check_null(root->items[6]->props->tag);
	check_text(root->items[7]->props->tag, "!!map");
	check_text(root->items[8]->props->tag, "!!null");
}

static void
doc_yaml_notes_what_is_not_read(void **state)
{
	const struct doc_note *note;

	(void)state;
	read_good("a: 1\n---\nb: 2\n");
	note = doc_note_find(&doc, DOC_NOTE_SECOND_DOCUMENT);
	check(note != NULL);
	check_place(note->at, 2, 1, 5);
	check_null(doc_note_find(&doc, DOC_NOTE_EMPTY_FIRST));
	read_good("a: 1\n...\n# only a comment\n...\n");
	check_null(doc.notes);
	read_good("a: 1\n...\nb: 2\n");
	check(doc_note_find(&doc, DOC_NOTE_SECOND_DOCUMENT) != NULL);
	read_good("---\n---\na: 1\n");
	check(doc_note_find(&doc, DOC_NOTE_EMPTY_FIRST) != NULL);
	read_good("{a: 1} b\n");
	note = doc_note_find(&doc, DOC_NOTE_IGNORED_TEXT);
	check(note != NULL);
	check_place(note->at, 1, 8, 7);
	read_good("---\na: 1\n");
	check_null(doc.notes);
	check_null(read_good("# nothing\n"));
}

static void
doc_yaml_reads_utf16(void **state)
{
	static const char big[] = "\xfe\xff\0a\0:\0 \xd8\x3d\xde\0\0\n";
	const struct doc_node *root;

	(void)state;
	check_int(
	    doc_yaml_read(&doc, arena, slice_of(big, sizeof big - 1), &why), 0);
	root = doc.root;
	check_slice_text(doc_get(root, "a")->text, "😀");
	check_int(root->items[1]->start.column, 4);
	check(doc_note_find(&doc, DOC_NOTE_UTF16) != NULL);
}

static void
doc_yaml_places_errors(void **state)
{
	(void)state;
	read_bad("a:\n\tb: 1\n", DOC_TAB, 2, 1, "tab");
	read_bad("a: b: c\n", DOC_SYNTAX, 1, 5, "is not allowed here");
	read_bad("é: @x\n", DOC_SYNTAX, 1, 4, "'@'");
	read_bad("a: [1\nb: 2\n", DOC_SYNTAX, 2, 2, "',' or ']'");
	read_bad("a: \"x\n", DOC_SYNTAX, 2, 1, "begin on line 1");
	read_bad("a: *b\n", DOC_SYNTAX, 1, 4, "no anchor &b");
	read_bad("a: \xff\n", DOC_ENCODING, 1, 4, "not UTF-8");
	read_bad("a: 1\nb\nc: 2\n", DOC_SYNTAX, 2, 1, "without ':'");
	read_bad("%YAML 1.2\n---\n", DOC_DIRECTIVE, 1, 1, "1.2");
	read_bad("a: 1\n---\n\tx", DOC_TAB, 3, 1, "tab");
}

static void
doc_yaml_joins_lines(void **state)
{
	const struct doc_node *root;

	(void)state;
	root = read_good("a: x\n  y\n\n  z\nb: \"p \\\n   q\n\n   r\"\n"
			 "c: |+\n  k\n\nd: >-\n  m\n  n\n   o\n\n  p\n");
	check_slice_text(doc_get(root, "a")->text, "x y\nz");
	check_slice_text(doc_get(root, "b")->text, "p q\nr");
	check_slice_text(doc_get(root, "c")->text, "k\n\n");
	check_slice_text(doc_get(root, "d")->text, "m n\n o\n\np");
}

static void
doc_yaml_survives_no_memory(void **state)
{
	const char *text = "%TAG !e! x\n---\na: &b [1, {c: d}, !e!f g]\n"
			   "h: *b\n? |\n  i\n: \"j\\x41\"\n";
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		struct arena *a;
		int result = -1;

		fake_alloc_fail_at(n);
		a = arena_new(DOC_ARENA_MAX);
		if (a != NULL)
			result = doc_yaml_read(&doc, a, slice_str(text), &why);
		failed = fake_alloc_failed();
		check_int(result, failed ? -1 : 0);
		if (failed && a != NULL)
			check_int(doc.error, DOC_MEMORY);
		check(n > 5 || failed);
		arena_free(a);
	}
	for (size_t max = 0; max < 65536; max += 64) {
		struct arena *a = arena_new(max);

		if (doc_yaml_read(&doc, a, slice_str(text), &why) == -1)
			check_int(doc.error, DOC_MEMORY);
		arena_free(a);
	}
}

static void
doc_yaml_limits_size(void **state)
{
	char *text = malloc(DOC_TEXT_MAX + 1);

	(void)state;
	memset(text, ' ', DOC_TEXT_MAX + 1);
	text[0] = '#';
	check_int(
	    doc_yaml_read(&doc, arena, slice_of(text, DOC_TEXT_MAX), &why), 0);
	check_int(
	    doc_yaml_read(&doc, arena, slice_of(text, DOC_TEXT_MAX + 1), &why),
	    -1);
	check_int(doc.error, DOC_LIMIT);
	free(text);
}

/* Under a sanitizer each byte takes long enough. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LARGE ((size_t)256 << 10)
#else
#define LARGE ((size_t)4 << 20)
#endif

/* The text that makes the largest tree, as large as the arena must hold. */
static void
doc_yaml_fits_the_arena(void **state)
{
	char *text = malloc(LARGE);

	(void)state;
	text[0] = '{';
	for (size_t i = 1; i + 1 < LARGE; i += 2) {
		text[i] = 'a';
		text[i + 1] = ',';
	}
	text[LARGE - 1] = '}';
	check_int(doc_yaml_read(&doc, arena, slice_of(text, LARGE), &why), 0);
	check_size(doc.root->count, LARGE / 2 - 1);
	/* one that it does not fit ends in an error */
	arena_free(arena);
	arena = arena_new(16 * LARGE);
	check(arena != NULL);
	check_int(doc_yaml_read(&doc, arena, slice_of(text, LARGE), &why), -1);
	check_int(doc.error, DOC_MEMORY);
	check_null(doc.root);
	free(text);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(doc_yaml_places_everything),
		T(doc_yaml_counts_from_after_the_mark),
		T(doc_yaml_tells_styles),
		T(doc_yaml_keeps_aliases),
		T(doc_yaml_resolves_tags),
		T(doc_yaml_notes_what_is_not_read),
		T(doc_yaml_reads_utf16),
		T(doc_yaml_places_errors),
		T(doc_yaml_joins_lines),
		T(doc_yaml_survives_no_memory),
		T(doc_yaml_limits_size),
		T(doc_yaml_fits_the_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
