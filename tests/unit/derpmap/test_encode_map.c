/* encode_map: the text of a map, to the byte. */
#include "check.h"
#include "fake_alloc.h"

#include "encode_map.h"
#include "generate.h"
#include "load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Decodes a text and writes it in a form. */
static void
convert(const char *text, bool json, const char *want)
{
	struct fail why = { .text = "" };
	struct load l;
	struct buf out;

	buf_init(&out, 1 << 20);
	check_int(load_text(&l, "x", slice_str(text), LOAD_DETECT, &why), 0);
	check(load_accepted(&l));
	check_int(
	    (json ? encode_map_json : encode_map_yaml)(&out, &l.map, &why), 0);
	check_slice_text(buf_slice(&out), want);
	buf_clear(&out);
	load_close(&l);
}

static void
encode_map_writes_yaml(void **state)
{
	(void)state;
	convert("{\"omitDefaultRegions\":true,\"HomeParams\":{\"RegionScore\":"
		"{\"2\":0.5,\"1\":3}},\"Regions\":{\"901\":null,\"900\":{"
		"\"RegionID\":900,\"Latitude\":1.25,\"Avoid\":true,\"Nodes\":["
		"{\"Name\":\"a\",\"STUNPort\":-1,\"CanPort80\":true},null,{}]"
		"},\"902\":{\"Nodes\":[]}}}",
	    false,
	    "homeparams:\n"
	    "  regionscore:\n"
	    "    1: 3\n"
	    "    2: 0.5\n"
	    "regions:\n"
	    "  900:\n"
	    "    regionid: 900\n"
	    "    regioncode: \"\"\n"
	    "    regionname: \"\"\n"
	    "    latitude: 1.25\n"
	    "    avoid: true\n"
	    "    nodes:\n"
	    "    - name: \"a\"\n"
	    "      regionid: 0\n"
	    "      hostname: \"\"\n"
	    "      stunport: -1\n"
	    "      canport80: true\n"
	    "    - null\n"
	    "    - name: \"\"\n"
	    "      regionid: 0\n"
	    "      hostname: \"\"\n"
	    "  901: null\n"
	    "  902:\n"
	    "    regionid: 0\n"
	    "    regioncode: \"\"\n"
	    "    regionname: \"\"\n"
	    "    nodes: []\n"
	    "omitdefaultregions: true\n");
	convert("{}", false, "regions: null\n");
	convert("{\"Regions\":{},\"HomeParams\":{}}", false,
	    "homeparams: {}\nregions: {}\n");
}

static void
encode_map_writes_json(void **state)
{
	(void)state;
	convert("regions:\n  900:\n    regionid: 900\n    nodes:\n"
		"    - name: a\n    -\n  901:\nomitdefaultregions: yes\n"
		"homeparams: {regionscore: {900: 0.1}}\n",
	    true,
	    "{\n"
	    "  \"HomeParams\": {\n"
	    "    \"RegionScore\": {\n"
	    "      \"900\": 0.1\n"
	    "    }\n"
	    "  },\n"
	    "  \"Regions\": {\n"
	    "    \"900\": {\n"
	    "      \"RegionID\": 900,\n"
	    "      \"RegionCode\": \"\",\n"
	    "      \"RegionName\": \"\",\n"
	    "      \"Nodes\": [\n"
	    "        {\n"
	    "          \"Name\": \"a\",\n"
	    "          \"RegionID\": 0,\n"
	    "          \"HostName\": \"\"\n"
	    "        },\n"
	    "        null\n"
	    "      ]\n"
	    "    },\n"
	    "    \"901\": null\n"
	    "  },\n"
	    "  \"omitDefaultRegions\": true\n"
	    "}\n");
	convert("", true, "{\n  \"Regions\": null\n}\n");
	convert("regions: {}\nhomeparams: {}\n", true,
	    "{\n  \"HomeParams\": {},\n  \"Regions\": {}\n}\n");
}

static void
encode_map_quotes_every_text(void **state)
{
	(void)state;
	convert("{\"Regions\":{\"1\":{\"RegionCode\":\"no\",\"RegionName\":"
		"\"\\\"\\\\\\n\\t\\u0001\\u007f\\u0085\\u2028\\ufeff\\uffff"
		"é😀\\ud83f\\udffe\"}}}",
	    false,
	    "regions:\n  1:\n    regionid: 0\n    regioncode: \"no\"\n"
	    "    regionname: \"\\\"\\\\\\n\\t\\x01\\x7F\\N\\L"
	    "\\uFEFF\\uFFFFé😀\\U0001FFFE\"\n    nodes: null\n");
	convert("regions: {1: {regioncode: !!binary gIA=, regionname: "
		"\"\\U0001fffe\"}}",
	    true,
	    "{\n  \"Regions\": {\n    \"1\": {\n      \"RegionID\": 0,\n"
	    "      \"RegionCode\": \"\xef\xbf\xbd\xef\xbf\xbd\",\n"
	    "      \"RegionName\": \"\\ud83f\\udffe\",\n"
	    "      \"Nodes\": null\n    }\n  }\n}\n");
	convert("regions: {1: {regioncode: !!binary gIA=}}", false,
	    "regions:\n  1:\n    regionid: 0\n"
	    "    regioncode: !!binary \"gIA=\"\n    regionname: \"\"\n"
	    "    nodes: null\n");
}

/* Text that a writer of YAML would fold stays on one line. */
static void
encode_map_folds_nothing(void **state)
{
	char in[1024], want[1024], name[401] = "";

	(void)state;
	for (size_t i = 0; i + 1 < sizeof name; i++)
		name[i] = i % 5 == 4 ? ' ' : 'x';
	name[399] = 'x';
	snprintf(in, sizeof in, "regions: {1: {regionname: '%s'}}", name);
	snprintf(want, sizeof want,
	    "regions:\n  1:\n    regionid: 0\n    regioncode: \"\"\n"
	    "    regionname: \"%s\"\n    nodes: null\n",
	    name);
	convert(in, false, want);
}

static void
encode_map_keeps_numbers(void **state)
{
	(void)state;
	convert("homeparams: {regionscore: {1: .inf, 2: -.inf, 3: .nan, "
		"4: -0.0, 5: 1e300, 6: 0.30000000000000004}}",
	    false,
	    "homeparams:\n  regionscore:\n    1: .inf\n    2: -.inf\n"
	    "    3: .nan\n    4: -0.0\n    5: 1e+300\n"
	    "    6: 0.30000000000000004\nregions: null\n");
	convert("regions: {-9223372036854775808: ~, 9223372036854775807: ~}",
	    true,
	    "{\n  \"Regions\": {\n    \"-9223372036854775808\": null,\n"
	    "    \"9223372036854775807\": null\n  }\n}\n");
}

static void
encode_map_refuses_what_json_lacks(void **state)
{
	struct fail why = { .text = "" };
	struct load l;
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	check_int(load_text(&l, "x",
		      slice_str("regions:\n  1:\n    longitude: .nan\n"),
		      LOAD_HEADSCALE, &why),
	    0);
	check_int(encode_map_json(&out, &l.map, &why), -1);
	check_int(why.line, 3);
	check_int(why.column, 16);
	check_contains(why.text, "Longitude is not a number");
	buf_clear(&out);
	load_close(&l);
}

static void
encode_map_says_when_there_is_no_room(void **state)
{
	struct generate_config config = { .region_id = 900,
		.hostname = "derp.example.net",
		.derp_port = 443,
		.stun_port = 3478 };
	struct fail why = { .text = "" };
	struct generated g;
	struct buf out;

	(void)state;
	check_int(generate_map(&g, &config, &why), 0);
	for (size_t max = 0; max < 100; max++) {
		why.text[0] = '\0';
		buf_init(&out, max);
		check_int(encode_map_json(&out, &g.map, &why), -1);
		check_contains(why.text, "memory");
		check_int(encode_map_yaml(&out, &g.map, &why), -1);
		buf_clear(&out);
	}
}

/* A map large enough that document, model and output all grow; owned. */
static char *
make_large(bool json)
{
	const size_t cap = 1 << 18;
	char *text = malloc(cap);
	size_t n = 0;

	check(text != NULL);
	n +=
	    (size_t)snprintf(text, cap, json ? "{\"Regions\":{" : "regions:\n");
	for (unsigned i = 1; i <= 120; i++)
		n += (size_t)snprintf(text + n, cap - n,
		    json ? "%s\"%u\":{\"RegionID\":%u,\"RegionName\":\"Nr. "
			   "%u\",\"Nodes\":[{\"Name\":\"%ua\",\"HostName\":"
			   "\"d%u.example.net\"}]}"
			 : "%s  %u:\n    regionid: %u\n    regionname: Nr. "
			   "%u\n    nodes:\n    - name: %ua\n      hostname: "
			   "d%u.example.net\n",
		    json && i > 1 ? "," : "", i, i, i, i, i);
	n += (size_t)snprintf(text + n, cap - n, json ? "}}" : "");
	check(n < cap);
	return text;
}

/* From text to text; -1 with the reason when memory is short. */
static int
convert_large(struct buf *out, const char *text, bool json, struct fail *why)
{
	struct load l;
	int result = load_text(&l, "x", slice_str(text), LOAD_DETECT, why);

	if (result == 0) {
		check_int(l.doc.error, DOC_OK);
		check(load_accepted(&l));
		/* written in the other form */
		result = (json ? encode_map_yaml : encode_map_json)(
		    out, &l.map, why);
	}
	load_close(&l);
	return result;
}

/* Each allocation fails in turn, from the text to the last byte of the output:
 * that is told, and what is not told as failed is whole. */
static void
encode_map_is_whole_or_told_when_memory_is_short(void **state)
{
	struct buf want, out;

	(void)state;
	for (int json = 0; json < 2; json++) {
		char *text = make_large(json == 1);
		bool failed = true;
		size_t n;

		buf_init(&want, 1 << 20);
		check_int(convert_large(&want, text, json == 1, NULL), 0);
		check(buf_len(&want) > 10000);
		for (n = 1; failed; n++) {
			struct fail why = { .text = "" };
			int result;

			buf_init(&out, 1 << 20);
			fake_alloc_fail_at(n);
			result = convert_large(&out, text, json == 1, &why);
			failed = fake_alloc_failed();
			check_int(result, failed ? -1 : 0);
			if (failed)
				check_contains(why.text, "memory");
			else
				check_slice(buf_slice(&out), buf_slice(&want));
			buf_clear(&out);
		}
		/* blocks of the arena and doublings of the output */
		check(n > 12);
		buf_clear(&want);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encode_map_writes_yaml),
		cmocka_unit_test(encode_map_writes_json),
		cmocka_unit_test(encode_map_quotes_every_text),
		cmocka_unit_test(encode_map_folds_nothing),
		cmocka_unit_test(encode_map_keeps_numbers),
		cmocka_unit_test(encode_map_refuses_what_json_lacks),
		cmocka_unit_test(encode_map_says_when_there_is_no_room),
		cmocka_unit_test(
		    encode_map_is_whole_or_told_when_memory_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
