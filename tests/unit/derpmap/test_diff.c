/* diff: what pairs nodes, effects of each field, short memory. Whole reports
 * are in tests/maps. */
#include "check.h"
#include "fake_alloc.h"

#include "diff.h"
#include "diff_json.h"
#include "diff_nodes.h"
#include "diff_text.h"
#include "load.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void
read_map(struct load *l, const char *text)
{
	struct fail why = { .text = "" };

	check_int(load_text(l, "x", slice_str(text), LOAD_HEADSCALE, &why), 0);
	check(load_accepted(l));
}

/* The effects of replacing one map by another. */
static unsigned
effects(const char *old, const char *new)
{
	struct load a, b;
	struct diff d;
	unsigned result;

	read_map(&a, old);
	read_map(&b, new);
	check_int(diff_make(&d, &a.map, &b.map), 0);
	result = d.effects;
	check_int(result != 0, diff_any(&d));
	diff_clear(&d);
	load_close(&a);
	load_close(&b);
	return result;
}

static void
diff_knows_the_effect_of_each_field(void **state)
{
	static const struct {
		const char *field;
		unsigned want;
	} samples[] = {
		{ "regionid: 7", DIFF_RECONNECT | DIFF_HOME },
		{ "regioncode: x", DIFF_RECONNECT },
		{ "regionname: x", DIFF_RECONNECT },
		{ "latitude: 1", DIFF_RECONNECT },
		{ "longitude: 1", DIFF_RECONNECT },
		{ "avoid: true", DIFF_RECONNECT | DIFF_HOME },
		{ "nomeasurenohome: true", DIFF_RECONNECT | DIFF_HOME },
		{ "nodes: [{name: x}]", DIFF_RECONNECT | DIFF_HOME },
		{ "nodes: []", DIFF_RECONNECT },
		{ "avoid: false", 0 },
		{ "latitude: -0.0", 0 },
		{ "latitude: .nan", DIFF_RECONNECT },
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		snprintf(
		    text, sizeof text, "regions: {1: {%s}}", samples[i].field);
		check_int(effects("regions: {1: {}}", text), samples[i].want);
		check_int(effects(text, "regions: {1: {}}"), samples[i].want);
		check_int(effects(text, text), 0);
	}
}

static void
diff_knows_the_effect_of_the_default_regions(void **state)
{
	const char *without = "regions: {1: {}}";
	const char *with = "omitdefaultregions: true\nregions: {1: {}}";

	(void)state;
	check_int(effects(without, with), DIFF_RECONNECT | DIFF_HOME);
	check_int(effects(with, without), DIFF_HOME);
	check_int(effects(with, with), 0);
	check_int(effects(without,
		      "omitdefaultregions: false\n"
		      "regions: {1: {}}"),
	    0);
}

static void
diff_knows_the_effect_of_each_field_of_a_node(void **state)
{
	static const struct {
		const char *field;
		unsigned want;
	} samples[] = {
		{ "regionid: 7", DIFF_RECONNECT | DIFF_HOME },
		{ "hostname: x", DIFF_RECONNECT | DIFF_HOME },
		{ "certname: x", DIFF_RECONNECT },
		{ "ipv4: x", DIFF_RECONNECT | DIFF_HOME },
		{ "ipv6: x", DIFF_RECONNECT | DIFF_HOME },
		{ "stunport: 1", DIFF_RECONNECT | DIFF_HOME },
		{ "stunonly: true", DIFF_RECONNECT | DIFF_HOME },
		{ "derpport: 1", DIFF_RECONNECT | DIFF_HOME },
		{ "insecurefortests: true", DIFF_RECONNECT },
		{ "stuntestip: x", DIFF_RECONNECT | DIFF_HOME },
		{ "canport80: true", DIFF_RECONNECT },
		{ "canport80: false", 0 },
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		snprintf(text, sizeof text,
		    "regions: {1: {nodes: [{name: a, %s}]}}", samples[i].field);
		check_int(effects("regions: {1: {nodes: [{name: a}]}}", text),
		    samples[i].want);
	}
}

/* Which new node each old one is: a letter for each, - for none. */
static void
check_pairs(const char *old, const char *new, const char *want)
{
	struct arena *arena = arena_new(1 << 20);
	struct diff_node x[8], y[8];
	char text[100], got[9] = "";
	struct load a, b;

	snprintf(text, sizeof text, "regions: {1: {nodes: [%s]}}", old);
	read_map(&a, text);
	snprintf(text, sizeof text, "regions: {1: {nodes: [%s]}}", new);
	read_map(&b, text);
	check_int(
	    diff_nodes_pair(x, a.map.regions[0], y, b.map.regions[0], arena),
	    0);
	for (size_t i = 0; i < a.map.regions[0]->node_count; i++) {
		bool none = x[i].other == DIFF_NODES_NONE;

		got[i] = none ? '-' : (char)('0' + x[i].other);
		check_size(x[i].index, i);
		check(none || y[x[i].other].other == i);
	}
	check_text(got, want);
	load_close(&a);
	load_close(&b);
	arena_free(arena);
}

static void
diff_nodes_pairs_by_name_then_by_host(void **state)
{
	(void)state;
	check_pairs("{name: a}, {name: b}", "{name: b}, {name: a}", "10");
	check_pairs("{name: a}, {name: a}", "{name: a}, {name: a}", "01");
	check_pairs("{name: a}, {name: a}", "{name: a}", "0-");
	check_pairs("{name: a, hostname: h}", "{name: b, hostname: h}", "0");
	check_pairs("{name: a, hostname: h, derpport: 1}",
	    "{name: b, hostname: h}", "-");
	check_pairs("{hostname: h}, {hostname: i}",
	    "{hostname: i}, {hostname: h}", "10");
	check_pairs("{name: a, hostname: h}, {name: b, hostname: i}",
	    "{name: b, hostname: h}, {name: c, hostname: h}", "10");
	check_pairs("null, {name: a}", "{name: a}, null", "10");
	check_pairs("null", "{}", "-");
	check_pairs("", "{name: a}", "");
}

/* Prints to nowhere; -1 when memory was short. */
static int
print(const struct diff *d, bool json)
{
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);
	int result;

	if (to == NULL)
		return -1;
	result = json ? diff_json(to, d) : diff_text(to, d, true);
	fclose(to);
	check(result == -1 || n > 0);
	free(text);
	return result;
}

static void
diff_survives_short_memory(void **state)
{
	const char *old =
	    "omitdefaultregions: true\nhomeparams: {regionscore: {1: 2}}\n"
	    "regions: {1: {nodes: [{name: a}, {name: b}]}, 2: {}}";
	const char *new = "regions: {1: {nodes: [{name: b, ipv4: x}, null]}, "
			  "3: {}}";
	struct load a, b;
	struct diff d;

	(void)state;
	json_set_alloc_funcs(fake_alloc_malloc, free);
	read_map(&a, old);
	read_map(&b, new);
	for (size_t n = 1;; n++) {
		int result;

		fake_alloc_fail_at(n);
		result = diff_make(&d, &a.map, &b.map);
		if (result == 0) {
			result |= print(&d, true);
			result |= print(&d, false);
			diff_clear(&d);
			diff_clear(&d);
		}
		if (!fake_alloc_failed()) {
			check_int(result, 0);
			break;
		}
		check_int(result, -1);
	}
	load_close(&a);
	load_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(diff_knows_the_effect_of_each_field),
		cmocka_unit_test(diff_knows_the_effect_of_each_field_of_a_node),
		cmocka_unit_test(diff_knows_the_effect_of_the_default_regions),
		cmocka_unit_test(diff_nodes_pairs_by_name_then_by_host),
		cmocka_unit_test(diff_survives_short_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
