/* Tests of YAML that is simple, and of what libyaml makes of it. */
#include "check.h"

#include "arena.h"
#include "doc_yaml.h"
#include "plain_lines.h"

#include <string.h>
#include <yaml.h>

static void
simple_lines_are_known(void **state)
{
	static const char *const plain[] = {
		"",
		"\n\n",
		"regions:\n  900:\n    regionid: 900\n",
		"# comment: [\n  # and more\na: b",
		"- a\n- b: c\n  d: -1\n- - e\n",
		"a: Two words\nb: 2a01:4f8::1\n",
		"c: \"x: # [\"\nd: 'y'\n\"e\": \"\"",
	};
	static const char *const odd[] = {
		" ",
		"a",
		"a: {}",
		"a: [b]",
		"a: b # c",
		"a: b ",
		"a: ",
		"a:\tb",
		"a: b\r\n",
		"a: &x b",
		"a: *x",
		"a: !!str b",
		"a: |",
		"a: >",
		"? a",
		"a: b: c",
		"a: b:",
		"\"a\":b",
		"a: \"b",
		"a: \"\\n\"",
		"a: 'it''s'",
		"---\na: b",
		"...",
		"%YAML 1.1",
		"a: \xc3\xa4",
		"# \xc3\xa4",
		"a: b#c",
		"<<: a",
		": a",
		"-",
		"a: -",
		"a: - b",
		"a: \"b\" c",
		"a: \"b\"\"c\"",
		"a\x7f: b",
	};
	char wide[600] = "a: ";

	(void)state;
	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
		check(plain_lines_only(slice_str(plain[i])));
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
		check(!plain_lines_only(slice_str(odd[i])));
	memset(wide + 3, 'b', sizeof wide - 4);
	check(!plain_lines_only(slice_str(wide)));
	check(!plain_lines_only(slice_of("a: b\0", 5)));
}

/* --- random texts --- */

/* Whether the events from here on are the node's. */
static bool
is_alike(yaml_parser_t *parser, const struct doc_node *n)
{
	const size_t items = n->kind == DOC_MAPPING ? 2 * n->count : n->count;
	yaml_event_t event;
	bool same = yaml_parser_parse(parser, &event) != 0;

	if (!same)
		return false;
	if (n->kind == DOC_SCALAR)
		same = event.type == YAML_SCALAR_EVENT &&
		    slice_eq(n->text,
			slice_of(
			    event.data.scalar.value, event.data.scalar.length));
	else
		same = event.type ==
		    (n->kind == DOC_MAPPING ? YAML_MAPPING_START_EVENT
					    : YAML_SEQUENCE_START_EVENT);
	yaml_event_delete(&event);
	for (size_t i = 0; i < items && same; i++)
		same = is_alike(parser, n->items[i]);
	if (!same || n->kind == DOC_SCALAR)
		return same;
	same = yaml_parser_parse(parser, &event) != 0 &&
	    event.type ==
		(n->kind == DOC_MAPPING ? YAML_MAPPING_END_EVENT
					: YAML_SEQUENCE_END_EVENT);
	yaml_event_delete(&event);
	return same;
}

static bool
is_read_alike(const struct doc_node *root, struct slice text)
{
	yaml_parser_t parser;
	bool same = true;

	check(yaml_parser_initialize(&parser) == 1);
	yaml_parser_set_input_string(&parser, text.p, text.n);
	for (int i = 0; i < 2 && same; i++) { /* stream, document */
		yaml_event_t event;

		same = yaml_parser_parse(&parser, &event) != 0;
		yaml_event_delete(&event);
	}
	same = same && is_alike(&parser, root);
	yaml_parser_delete(&parser);
	return same;
}

static unsigned
draw(uint64_t *seed, unsigned below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*seed >> 33) % below;
}

/* A few pieces of YAML in a row. */
static struct slice
draw_text(uint64_t *seed, char *text, size_t cap)
{
	static const char *const pieces[] = { "a", "b:c", "k: ", "k:\n", "\n",
		"\n", "\n  ", "\n  ", "\n    ", "- ", "- ", "\n- ", "\n- a",
		"\n  - a", "# x", "\n# x\n", "\n  # x\n", "\"q\"", "'r'",
		"\"s\": ", "1: ", "v\n", "v\n", "a b\n", ": ", "-1\n", "\n\n",
		"[k]: ", "[", "]", "? ", "\t" };
	size_t count = 2 + draw(seed, 14), n = 0;

	while (count-- > 0) {
		const char *piece =
		    pieces[draw(seed, sizeof pieces / sizeof pieces[0])];
		size_t length = strlen(piece);

		if (n + length > cap)
			break;
		memcpy(text + n, piece, length);
		n += length;
	}
	return slice_of(text, n);
}

static void
libyaml_reads_simple_lines_alike(void **state)
{
	unsigned compared = 0;
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		struct fail why = { .text = "" };
		char room[128];
		struct slice text = draw_text(&seed, room, sizeof room);
		struct arena *a;
		struct doc doc;

		if (!plain_lines_only(text))
			continue;
		a = arena_new((size_t)1 << 20);
		check(a != NULL);
		if (doc_yaml_read(&doc, a, text, &why) == 0 &&
		    doc.root != NULL) {
			compared++;
			if (!is_read_alike(doc.root, text))
				fail_msg("read otherwise: %.*s", (int)text.n,
				    (const char *)text.p);
		}
		arena_free(a);
	}
	check(compared > 3000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(simple_lines_are_known),
		cmocka_unit_test(libyaml_reads_simple_lines_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
