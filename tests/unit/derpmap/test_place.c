/* place: nodes, paths and lines of a document. */
#include "check.h"

#include "doc_json.h"
#include "doc_yaml.h"
#include "place.h"

#include <string.h>

static const char yaml[] = "regions:\n"
			   "  900:\n"
			   "    \"a b\": 1\n"
			   "    nodes:\n"
			   "      - name: x\n"
			   "        hostname: 家.example # why\n"
			   "      -\n"
			   "      - name:\n"
			   "        ipv4: {a: [1, 22]}\n"
			   "\n"
			   "# end\n";

static struct place
find(const char *at, bool as_element)
{
	struct arena *a = arena_new(65536);
	struct fail why = { .text = "" };
	struct place_finder finder;
	struct place p;
	struct doc d;

	check_int(doc_yaml_read(&d, a, slice_str(yaml), &why), 0);
	place_finder_init(&finder, a, d.root);
	check_int(place_find(&p, &finder, (size_t)(strstr(yaml, at) - yaml),
		      as_element),
	    0);
	arena_free(a);
	return p;
}

static void
place_has_a_path(void **state)
{
	(void)state;
	check_text(find("900", false).path, "regions.900");
	check_text(find("\"a b\"", false).path, "regions.900[\"a b\"]");
	check_text(find("1\n", false).path, "regions.900[\"a b\"]");
	check_text(find("家", true).path, "regions.900.nodes[0].hostname");
	check_text(find("22]", true).path, "regions.900.nodes[2].ipv4.a[1]");
	check_text(find("regions", false).path, "regions");
}

static void
place_tells_an_element_from_its_first_key(void **state)
{
	(void)state;
	check_text(find("name: x", true).path, "regions.900.nodes[0]");
	check_text(find("name: x", false).path, "regions.900.nodes[0].name");
	/* nothing else can be meant where the first key has no value */
	check_text(find("name:\n", true).path, "regions.900.nodes[2].name");
}

static void
place_ends_with_the_last_value(void **state)
{
	struct place p = find("name: x", true);

	(void)state;
	check_int(p.end.line, 6);
	check_int(p.end.column, 28);
	p = find("22]", false);
	check_int(p.end.line, 9);
	check_int(p.end.column, 25);
	/* in a comment there is nothing */
	check_ptr(find("# why", false).node, NULL);
	check_int(find("# why", false).end.line, 0);
}

/* A finder that was anywhere before finds the same as a new one. */
static void
place_finder_goes_on_from_anywhere(void **state)
{
	struct arena *a = arena_new((size_t)1 << 28);
	struct fail why = { .text = "" };
	const size_t n = strlen(yaml);
	struct place_finder used;
	struct doc d;

	(void)state;
	check_int(doc_yaml_read(&d, a, slice_str(yaml), &why), 0);
	place_finder_init(&used, a, d.root);
	for (size_t before = 0; before <= n; before++)
		for (size_t i = 0; i <= 2 * n + 1; i++) {
			struct place_finder new;
			struct place p, want;

			place_finder_init(&new, a, d.root);
			check_int(place_find(&p, &used, before, i % 2 == 0), 0);
			check_int(place_find(&p, &used, i / 2, i % 2 == 1), 0);
			check_int(
			    place_find(&want, &new, i / 2, i % 2 == 1), 0);
			check_ptr(p.node, want.node);
			check_int(p.end.line, want.end.line);
			check_text(p.path, want.path);
		}
	arena_free(a);
}

static void
place_path_has_a_limit(void **state)
{
	struct arena *a = arena_new((size_t)1 << 20);
	struct fail why = { .text = "" };
	struct place_finder finder;
	struct place p;
	char text[600];
	struct doc d;

	(void)state;
	memset(text, '[', 299);
	memset(text + 299, ']', 299);
	text[598] = '\0';
	check_int(doc_json_read(&d, a, slice_str(text), &why), 0);
	place_finder_init(&finder, a, d.root);
	check_int(place_find(&p, &finder, 10, false), 0);
	check_text(p.path, "[0][0][0][0][0][0][0][0][0][0]");
	check_int(place_find(&p, &finder, 298, false), 0);
	check_text(p.path, "");
	place_finder_init(&finder, a, NULL);
	check_int(place_find(&p, &finder, 3, false), 0);
	check_text(p.path, "");
	arena_free(a);
}

static void
check_excerpt(
    const char *text, struct doc_pos at, const char *want, unsigned want_column)
{
	unsigned column;
	struct slice s = place_excerpt(slice_str(text), at, &column);

	check_size(s.n, strlen(want));
	check(slice_is(s, want));
	check_int(column, want_column);
}

static void
place_excerpt_is_a_part_of_the_line(void **state)
{
	char text[2000], want[200];

	(void)state;
	check_excerpt("a\nbcd\r\ne", (struct doc_pos){ 2, 2, 3 }, "bcd", 1);
	check_excerpt("a", (struct doc_pos){ 1, 2, 1 }, "a", 1);
	check_excerpt("", (struct doc_pos){ 1, 1, 0 }, "", 1);
	check_excerpt("a\n", (struct doc_pos){ 1, 9, 99 }, "", 9);
	for (size_t i = 0; i < 600; i++)
		memcpy(text + 3 * i, "家", 3);
	text[1800] = '\0';
	/* whole characters only: 26 before it, 53 in all */
	for (size_t i = 0; i < 53; i++)
		memcpy(want + 3 * i, "家", 3);
	want[159] = '\0';
	check_excerpt(text, (struct doc_pos){ 1, 301, 900 }, want, 275);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(place_has_a_path),
		cmocka_unit_test(place_tells_an_element_from_its_first_key),
		cmocka_unit_test(place_ends_with_the_last_value),
		cmocka_unit_test(place_finder_goes_on_from_anywhere),
		cmocka_unit_test(place_path_has_a_limit),
		cmocka_unit_test(place_excerpt_is_a_part_of_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
