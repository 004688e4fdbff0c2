/* decode: what rules need to know beside the values, and memory that runs out.
 * Which documents are accepted and what they come to: test_convert.c. */
#include "check.h"
#include "fake_alloc.h"

#include "load.h"

#include <stdio.h>

static struct load l;

static const struct derpmap *
decode(const char *text, enum load_form form)
{
	struct fail why = { .text = "" };

	load_close(&l);
	if (load_text(&l, "x", slice_str(text), form, &why) == -1)
		fail_msg("%s", why.text);
	if (l.doc.error != DOC_OK)
		fail_msg("%s", l.doc.error_text);
	return &l.map;
}

/* As it was meant. */
static const struct derpmap *
decode_meant(const char *text)
{
	const struct load_how how = { .form = LOAD_DETECT, .as_meant = true };
	struct fail why = { .text = "" };

	load_close(&l);
	if (load_text_as(&l, "x", slice_str(text), &how, &why) == -1)
		fail_msg("%s", why.text);
	return &l.map;
}

static const struct derpmap_diagnostic *
find(const struct derpmap *m, enum derpmap_diagnostic_kind kind)
{
	for (const struct derpmap_diagnostic *r = m->diagnostics; r != NULL;
	     r = r->next)
		if (r->kind == kind)
			return r;
	return NULL;
}

static void
check_diagnostic(const struct derpmap *m, enum derpmap_diagnostic_kind kind,
    enum derpmap_level level, unsigned line, unsigned column)
{
	const struct derpmap_diagnostic *r = find(m, kind);

	assert_non_null(r);
	check_int(r->level, level);
	check_int(r->at.line, line);
	check_int(r->at.column, column);
	check(r->refuses == (kind <= DERPMAP_PANIC));
	check(m->refused || !r->refuses);
}

static const struct derpmap_node *
first_node(const struct derpmap *m)
{
	check(m->region_count > 0 && m->regions[0]->node_count > 0);
	return m->regions[0]->nodes[0];
}

static void
decode_places_values(void **state)
{
	const struct derpmap *m;
	const struct derpmap_region *r;
	struct doc_pos at;

	(void)state;
	m = decode("regions:\n  900:\n    regionid: 900\n    regioncode:\n"
		   "    nodes:\n    - name: a\n",
	    LOAD_HEADSCALE);
	r = m->regions[0];
	at = derpmap_origin_pos(&r->from);
	check_int(at.line, 3);
	check_int(r->from.key->start.line, 2);
	at = derpmap_origin_pos(&r->region_id.from);
	check_int(at.line, 3);
	check_int(at.column, 15);
	/* an empty value is at its key */
	at = derpmap_origin_pos(&r->region_code.from);
	check_int(at.line, 4);
	check_int(at.column, 5);
	check_int(r->region_code.from.how, DERPMAP_NULL);
	/* what is not there has no place */
	at = derpmap_origin_pos(&r->region_name.from);
	check_int(at.line, 0);
	at = derpmap_origin_pos(&r->nodes[0]->from);
	check_int(at.line, 6);
	check_int(at.column, 7);
	check_int(m->regions_from.key->start.line, 1);
}

static void
decode_tells_how_numbers_came_about(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
		unsigned how;
	} rows[] = {
		{ "443", 443, 0 },
		{ "-1", -1, 0 },
		{ "0", 0, 0 },
		{ "0443", 291, DERPMAP_ODD_INT | DERPMAP_OCTAL },
		{ "-0443", -291, DERPMAP_ODD_INT | DERPMAP_OCTAL },
		{ "0_443", 291, DERPMAP_ODD_INT | DERPMAP_OCTAL },
		{ "07", 7, DERPMAP_ODD_INT },
		{ "0900", 900, DERPMAP_ODD_INT },
		{ "0x1bb", 443, DERPMAP_ODD_INT },
		{ "0o443", 291, DERPMAP_ODD_INT },
		{ "1_000", 1000, DERPMAP_ODD_INT },
		{ "+443", 443, DERPMAP_ODD_INT },
		{ "443.0", 443, DERPMAP_ODD_INT },
		{ "443.5", 443, DERPMAP_ODD_INT | DERPMAP_TRUNCATED },
		{ "-.inf", INT64_MIN, DERPMAP_ODD_INT | DERPMAP_TRUNCATED },
		{ "!!int '443'", 443, DERPMAP_QUOTED | DERPMAP_TAGGED },
		{ "", 0, DERPMAP_NULL },
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct derpmap *m;

		snprintf(text, sizeof text,
		    "regions:\n  900:\n    regionid: %s\n", rows[i].text);
		m = decode(text, LOAD_HEADSCALE);
		check_int(m->regions[0]->region_id.v, rows[i].value);
		if (m->regions[0]->region_id.from.how != rows[i].how)
			fail_msg("%s: got %#x, want %#x", rows[i].text,
			    m->regions[0]->region_id.from.how, rows[i].how);
	}
}

static void
decode_tells_how_others_came_about(void **state)
{
	const struct derpmap *m;
	const struct derpmap_region *r;

	(void)state;
	m = decode("regions:\n  0x384:\n    regioncode: no\n"
		   "    regionname: 'no'\n    avoid: yes\n"
		   "    nomeasurenohome: 'on'\n    latitude: 5\n    nodes:\n"
		   "    - {name: !!binary YQ==, hostname: 1.10, ipv4: ~,\n"
		   "       certname: derp, canport80: true}\n",
	    LOAD_HEADSCALE);
	r = m->regions[0];
	check_int(r->from.how, DERPMAP_ODD_INT);
	check_int(r->region_code.from.how, DERPMAP_COERCED);
	check_int(r->region_name.from.how, DERPMAP_QUOTED);
	check_int(r->avoid.from.how, DERPMAP_ODD_BOOL);
	check_int(
	    r->no_measure_no_home.from.how, DERPMAP_ODD_BOOL | DERPMAP_QUOTED);
	check_int(
	    first_node(m)->name.from.how, DERPMAP_BINARY | DERPMAP_TAGGED);
	check_int(first_node(m)->host_name.from.how, DERPMAP_COERCED);
	check_int(first_node(m)->ipv4.from.how, DERPMAP_NULL);
	check_int(first_node(m)->cert_name.from.how, 0);
	check_int(first_node(m)->can_port80.from.how, 0);
}

static void
decode_tells_what_was_merged_and_shared(void **state)
{
	const struct derpmap *m;

	(void)state;
	m = decode("b: &b {regioncode: x}\nregions:\n  900: &r\n    <<: *b\n"
		   "    avoid: true\n  901: *r\n",
	    LOAD_HEADSCALE);
	check_int(m->regions[0]->region_code.from.how, DERPMAP_MERGED);
	check_int(m->regions[0]->region_code.from.value->start.line, 1);
	check_int(m->regions[0]->avoid.from.how, 0);
	check_int(m->regions[1]->from.how, DERPMAP_ALIASED);
	check_ptr(
	    m->regions[1]->avoid.from.value, m->regions[0]->avoid.from.value);
	check_diagnostic(m, DERPMAP_MERGE_KEY, DERPMAP_LEVEL_REGION, 4, 9);
	check_diagnostic(m, DERPMAP_UNKNOWN_KEY, DERPMAP_LEVEL_MAP, 1, 1);
}

static void
decode_tells_what_it_ignores(void **state)
{
	const struct derpmap *m;

	(void)state;
	m = decode("regions:\n  900:\n    HostName: x\n    nodes:\n"
		   "    - Name: a\n  ~: {}\n  0x384: {}\n",
	    LOAD_HEADSCALE);
	check(!m->refused);
	check_diagnostic(m, DERPMAP_UNKNOWN_KEY, DERPMAP_LEVEL_REGION, 3, 5);
	check_diagnostic(m, DERPMAP_NULL_KEY, DERPMAP_LEVEL_REGIONS, 6, 3);
	check_diagnostic(m, DERPMAP_SAME_REGION, DERPMAP_LEVEL_REGIONS, 7, 3);
	m = decode("{\"Regions\":{\"1\":{\"RegionID\":1,\"regionid\":2,"
		   "\"x\":0},\"01\":null}}",
	    LOAD_JSON);
	check(!m->refused);
	check_diagnostic(m, DERPMAP_REPEATED_KEY, DERPMAP_LEVEL_REGION, 1, 31);
	check_diagnostic(m, DERPMAP_UNKNOWN_KEY, DERPMAP_LEVEL_REGION, 1, 44);
	check_diagnostic(m, DERPMAP_SAME_REGION, DERPMAP_LEVEL_REGIONS, 1, 51);
	check(m->regions[0]->is_nil);
}

static void
decode_goes_on_after_a_refusal(void **state)
{
	const struct derpmap *m;

	(void)state;
	m = decode("regions:\n  900:\n    regionid: \"900\"\n    avoid: 1\n"
		   "    regioncode: [a]\n    latitude: x\n    nodes:\n"
		   "    - {derpport: x, name: good}\n  foo: {}\n  901: []\n",
	    LOAD_HEADSCALE);
	check(m->refused);
	check_diagnostic(m, DERPMAP_QUOTED_INT, DERPMAP_LEVEL_REGION, 3, 15);
	check_diagnostic(m, DERPMAP_BAD_BOOL, DERPMAP_LEVEL_REGION, 4, 12);
	check_diagnostic(m, DERPMAP_BAD_TEXT, DERPMAP_LEVEL_REGION, 5, 17);
	check_diagnostic(m, DERPMAP_BAD_FLOAT, DERPMAP_LEVEL_REGION, 6, 15);
	check_diagnostic(m, DERPMAP_BAD_INT, DERPMAP_LEVEL_NODE, 8, 18);
	check_diagnostic(m, DERPMAP_BAD_KEY, DERPMAP_LEVEL_REGIONS, 9, 3);
	check_diagnostic(m, DERPMAP_BAD_SHAPE, DERPMAP_LEVEL_REGION, 10, 8);
	check_slice_text(first_node(m)->name.v, "good");
}

static void
decode_tells_nil_from_empty(void **state)
{
	const struct derpmap *m;

	(void)state;
	m = decode("regions:\n", LOAD_HEADSCALE);
	check(m->regions_nil && m->home_nil && m->region_count == 0);
	m = decode("regions: {}\nhomeparams: {}\n", LOAD_HEADSCALE);
	check(!m->regions_nil && !m->home_nil);
	m = decode(
	    "regions: {1: {nodes: []}, 2: {nodes: }, 3: ~}\n", LOAD_HEADSCALE);
	check(!m->regions[0]->nodes_nil && m->regions[1]->nodes_nil);
	check(m->regions[2]->is_nil && !m->regions[1]->is_nil);
	m = decode("", LOAD_HEADSCALE);
	check(m->regions_nil && !m->refused);
}

static void
decode_sorts_regions(void **state)
{
	const struct derpmap *m;

	(void)state;
	m = decode("regions: {902: {}, -5: {}, 900: {}}\n"
		   "homeparams: {regionscore: {7: 1, 3: 2}}\n",
	    LOAD_HEADSCALE);
	check_int(m->regions[0]->key, -5);
	check_int(m->regions[2]->key, 902);
	check_int(m->scores[0].region, 3);
	check_ptr(derpmap_region_find(m, 900), m->regions[1]);
	check_null(derpmap_region_find(m, 901));
	check_null(derpmap_region_find(m, 903));
}

static void
decode_survives_no_memory(void **state)
{
	static const char yaml[] =
	    "b: &b {regioncode: x}\nregions:\n  900: &r\n    <<: *b\n"
	    "    nodes: [{name: a, name2: b}, ~]\n  901: *r\n  0x384: {}\n"
	    "homeparams: {regionscore: {1: 2}}\n";
	static const char json[] =
	    "{\"Regions\":{\"1\":{\"Nodes\":[{}],\"Nodes\":[{},{}]}},"
	    "\"HomeParams\":{\"RegionScore\":{\"1\":2}}}";

	(void)state;
	for (int form = 0; form < 2; form++) {
		bool failed = true;

		for (size_t n = 1; failed; n++) {
			struct fail why = { .text = "" };
			struct load m;
			int result;

			fake_alloc_fail_at(n);
			result = load_text(&m, "x",
			    slice_str(form == 0 ? yaml : json),
			    form == 0 ? LOAD_HEADSCALE : LOAD_JSON, &why);
			failed = fake_alloc_failed();
			check_int(result, failed ? -1 : 0);
			if (failed)
				check_contains(why.text, "memory");
			check(n > 5 || failed);
			load_close(&m);
		}
	}
}

static int
close_last(void **state)
{
	(void)state;
	load_close(&l);
	return 0;
}

#define NODES(nodes)                                                           \
	"{\"Regions\": {\"900\": {\"RegionID\": 900, \"Nodes\": [" nodes "]}}" \
	"}"

static void
elements_are(const char *text, size_t nodes, size_t elements)
{
	const struct derpmap *m = decode_meant(text);

	check_int(m->regions[0]->node_count, nodes);
	check_int(first_node(m)->elements, elements);
	check((find(m, DERPMAP_SPLIT_NODE) != NULL) == (elements > 0));
	check(!m->refused);
}

static void
decode_joins_nodes_split_by_dashes(void **state)
{
	const char *text =
	    "regions:\n  900:\n    regionid: 900\n    nodes:\n"
	    "    - name: a\n    - hostname: h\n    - port: 1\n"
	    "    - derpport: 8443\n    - name: b\n"
	    "    - regionid: 900\n    - {name: c, regionid: 900}\n";
	const struct derpmap *m;

	(void)state;
	elements_are(text, 3, 4);
	m = decode_meant(text);
	check_diagnostic(m, DERPMAP_SPLIT_NODE, DERPMAP_LEVEL_NODE, 5, 7);
	check_slice(first_node(m)->host_name.v, slice_str("h"));
	check_int(first_node(m)->derp_port.v, 8443);
	check_int(m->regions[0]->nodes[1]->elements, 2);
	check_int(m->regions[0]->nodes[1]->region_id.v, 900);
	check_slice(m->regions[0]->nodes[2]->name.v, slice_str("c"));
	/* what the program reads stays what it is */
	m = decode(text, LOAD_HEADSCALE);
	check_int(m->regions[0]->node_count, 7);
	check_null(find(m, DERPMAP_SPLIT_NODE));

	elements_are(NODES("{\"Name\": \"a\"}, {\"HostName\": \"h\"}"), 1, 2);
	/* these may be nodes by themselves, or are nothing that we know */
	elements_are(
	    NODES("{\"HostName\": \"h\"}, {\"IPv4\": \"1.2.3.4\"}"), 2, 0);
	elements_are(NODES("{\"Name\": \"a\"}, {\"Name\": \"b\"}"), 2, 0);
	elements_are(NODES("{\"Name\": \"a\"}, {\"x\": 1}"), 2, 0);
	elements_are(NODES("{\"Name\": \"a\"}, null"), 2, 0);
}

static void
stun_port_is(const char *text, int64_t port, bool is_unclear)
{
	const struct derpmap *m = decode_meant(text);

	check_int(first_node(m)->stun_port.v, port);
	check(m->refused && m->is_unclear == is_unclear);
}

static void
decode_reads_words_for_no_stun(void **state)
{
	(void)state;
	stun_port_is("regions: {900: {nodes: [{stunport: Off}]}}", -1, false);
	stun_port_is(
	    "regions: {900: {nodes: [{stunport: 'none'}]}}", -1, false);
	stun_port_is("regions: {900: {nodes: [{stunport: x}]}}", 0, true);
	stun_port_is(NODES("{\"STUNPort\": false}"), -1, false);
	stun_port_is(NODES("{\"STUNPort\": \"disabled\"}"), -1, false);
	stun_port_is(NODES("{\"STUNPort\": true}"), 0, true);
	/* another port has no number that means it */
	stun_port_is("regions: {900: {nodes: [{derpport: none}]}}", 0, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode_places_values),
		cmocka_unit_test(decode_tells_how_numbers_came_about),
		cmocka_unit_test(decode_tells_how_others_came_about),
		cmocka_unit_test(decode_tells_what_was_merged_and_shared),
		cmocka_unit_test(decode_tells_what_it_ignores),
		cmocka_unit_test(decode_goes_on_after_a_refusal),
		cmocka_unit_test(decode_joins_nodes_split_by_dashes),
		cmocka_unit_test(decode_reads_words_for_no_stun),
		cmocka_unit_test(decode_tells_nil_from_empty),
		cmocka_unit_test(decode_sorts_regions),
		cmocka_unit_test(decode_survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, close_last);
}
