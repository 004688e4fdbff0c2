/* Unit tests of verify/engine/verify_document and what it reads: nodes, rows.
 */
#include "verify_document.h"

#include "check.h"
#include "fake_alloc.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define HEX_A "81c1f09855ede587a9cb285f0691d55d9f16d5510f0980fa035434247013831e"
#define HEX_B "570bfdab390c5792f34a3203cfd44700bcc1db7f4253a4c17e8b4e17c45e3252"
#define HEX_C "0359c571d1ebec77a6d449873b374036d3f64838079127e55587f9c9d51c9e6f"
#define HEX_0 "0000000000000000000000000000000000000000000000000000000000000000"
#define KEY_A "nodekey:" HEX_A
#define KEY_B "nodekey:" HEX_B

/* What a list says, one node a line: "HEX8 expiry name". */
static const char *
tell(struct slice text, struct fail *why)
{
	static char out[4096];
	struct writer w = writer_of(out, sizeof out - 1);
	struct verify_nodes *list = verify_document_parse(text, why);
	const struct verify_node *n;
	size_t count = 0;

	if (list == NULL)
		return NULL;
	for (n = verify_nodes_first(list); n != NULL; n = n->next) {
		char hex[DERP_KEY_HEX_TEXT], time[VERIFY_NODES_TIME_TEXT];

		count++;
		check_ptr(verify_nodes_find(list, &n->key), n);
		derp_key_format_hex(&n->key, hex);
		verify_nodes_format_time(n->expires_s, time);
		writer_printf(&w, "%.4s %s%s%s\n", hex, time,
		    n->name[0] != '\0' ? " " : "", n->name);
	}
	check_size(verify_nodes_count(list), count);
	check(!w.failed);
	out[w.n] = '\0';
	verify_nodes_free(list);
	return out;
}

static const struct {
	const char *name, *text, *want;
} good[] = {
	{ "empty", "", "" },
	{ "blank and comments", "\n \t\n# nodekey:x\n   # y\r\n", "" },
	{ "prefix and hex alone", KEY_A "\n" HEX_B "\n",
	    "81c1 never\n570b never\n" },
	{ "upper case",
	    "nodekey:81C1F09855EDE587A9CB285F0691D55D9F16D5510F0980"
	    "FA035434247013831E\n",
	    "81c1 never\n" },
	{ "names and comments",
	    "  " KEY_A "  alice's phone # since May\r\n" KEY_B "\tb#c",
	    "81c1 never alice's phone\n570b never b\n" },
	{ "no newline at the end", KEY_A, "81c1 never\n" },
	{ "byte order mark", "\xef\xbb\xbf" KEY_A "\n", "81c1 never\n" },
	{ "twice", KEY_A " one\n" KEY_A " two\n", "81c1 never one\n" },
	{ "a name that is not text", KEY_A " a\x1b[31m\xff\xc2\x9b.\n",
	    "81c1 never a?[31m??.\n" },
	{ "name that is cut between characters",
	    KEY_A " 123456789 123456789 123456789 123456789 123456789 "
		  "123456789 12\xc3\xa4z\n",
	    "81c1 never 123456789 123456789 123456789 123456789 123456789 "
	    "123456789 12\n" },
	{ "null", "null", "" },
	{ "null with blanks", " null\n", "" },
	{ "empty array", "[]\n", "" },
	{ "REST without nodes", "{\"nodes\":[]}", "" },
	{ "REST with null", "{\"nodes\":null}", "" },
	{ "old names",
	    "[{\"id\":1,\"node_key\":\"" KEY_A "\",\"name\":\"x\","
	    "\"given_name\":\"a\",\"expiry\":{\"seconds\":1795452535,"
	    "\"nanos\":261595047}}]",
	    "81c1 2026-11-23T16:48:55Z a\n" },
	{ "new names",
	    "[{\"id\":\"1\",\"nodeKey\":\"" KEY_A "\",\"name\":\"x\","
	    "\"givenName\":\"a\",\"expiry\":null},"
	    "{\"nodeKey\":\"" KEY_B "\",\"name\":\"b\","
	    "\"expiry\":\"2026-11-23T16:48:55.261595047+02:00\"}]",
	    "81c1 never a\n570b 2026-11-23T14:48:55Z b\n" },
	{ "REST with old names of nothing else",
	    "{\"nodes\":[{\"nodeKey\":\"" KEY_A "\"}]}", "81c1 never\n" },
	{ "never, in all forms",
	    "[{\"nodeKey\":\"" KEY_A "\",\"expiry\":\"0001-01-01T00:00:00Z\"},"
	    "{\"node_key\":\"" KEY_B "\",\"expiry\":{\"seconds\":"
	    "-62135596800}},"
	    "{\"node_key\":\"nodekey:" HEX_C "\"}]",
	    "81c1 never\n570b never\n0359 never\n" },
	{ "times with everything",
	    "[{\"nodeKey\":\"" KEY_A "\","
	    "\"expiry\":\"2024-02-29T23:59:59-00:30\"},"
	    "{\"node_key\":\"" KEY_B "\",\"expiry\":{}}]",
	    "81c1 2024-03-01T00:29:59Z\n570b 1970-01-01T00:00:00Z\n" },
	{ "the earlier expiry of two rows",
	    "[{\"node_key\":\"" KEY_A "\",\"expiry\":{\"seconds\":5}},"
	    "{\"node_key\":\"" KEY_A "\"}]",
	    "81c1 1970-01-01T00:00:05Z\n" },
	{ "the earlier expiry, when it comes last",
	    "[{\"node_key\":\"" KEY_A "\",\"expiry\":{\"seconds\":9}},"
	    "{\"node_key\":\"" KEY_A "\",\"expiry\":{\"seconds\":5}}]",
	    "81c1 1970-01-01T00:00:05Z\n" },
	{ "both names of one key",
	    "[{\"node_key\":\"" KEY_A "\",\"nodeKey\":\"" KEY_A "\"}]",
	    "81c1 never\n" },
	{ "row with the zero key",
	    "[{\"node_key\":\"nodekey:" HEX_0 "\"},"
	    "{\"node_key\":\"" KEY_A "\"}]",
	    "81c1 never\n" },
	{ "status of tailscaled",
	    "{\"BackendState\":\"Running\",\"Self\":{\"ID\":\"n1\","
	    "\"PublicKey\":\"" KEY_A "\",\"HostName\":\"host a\","
	    "\"DNSName\":\"a.x.ts.net.\"},\"Peer\":{\"" KEY_B
	    "\":{\"PublicKey\":\"" KEY_B "\",\"HostName\":\"b\","
	    "\"DNSName\":\"\",\"KeyExpiry\":\"2026-11-23T15:50:35Z\"}}}",
	    "81c1 never a\n570b 2026-11-23T15:50:35Z b\n" },
	{ "status: expired, whatever time is told",
	    "{\"BackendState\":\"Running\",\"Self\":{\"PublicKey\":\"" KEY_A
	    "\"},\"Peer\":{\"x\":{\"PublicKey\":\"" KEY_B "\",\"Expired\":true,"
	    "\"KeyExpiry\":\"2999-11-23T15:50:35Z\"},\"y\":{\"PublicKey\":\""
	    "nodekey:" HEX_C "\",\"Expired\":true}}}",
	    "81c1 never\n570b 1970-01-01T00:00:00Z\n"
	    "0359 1970-01-01T00:00:00Z\n" },
	{ "status: altered keys and the zero key are nobody's",
	    "{\"BackendState\":\"Running\",\"Self\":{\"PublicKey\":"
	    "\"nodekey:" HEX_0 "\"},\"Peer\":{\"x\":{\"PublicKey\":"
	    "\"nodekey:6da774d5d7740000000000000000000000000000000000000000"
	    "000000000001\",\"Expired\":true}}}",
	    "" },
	{ "status without peers",
	    "{\"BackendState\":\"Running\",\"Self\":{\"PublicKey\":\"" KEY_A
	    "\"},\"Peer\":null}",
	    "81c1 never\n" },
	{ "devices",
	    "{\"devices\":[{\"nodeKey\":\"" KEY_A "\",\"name\":"
	    "\"pangolin.tailfe8c.ts.net\",\"hostname\":\"p\","
	    "\"keyExpiryDisabled\":true,\"expires\":\"2023-05-30T04:44:05Z\""
	    ",\"authorized\":true},{\"nodeKey\":\"" KEY_B
	    "\",\"hostname\":\"b\",\"keyExpiryDisabled\":false,"
	    "\"expires\":\"2026-05-30T04:44:05Z\"}]}",
	    "81c1 never pangolin\n570b 2026-05-30T04:44:05Z b\n" },
	{ "devices that are not authorized or have no key",
	    "{\"devices\":[{\"nodeKey\":\"" KEY_A "\",\"authorized\":false},"
	    "{\"nodeKey\":\"\",\"isExternal\":true},"
	    "{\"nodeKey\":\"" KEY_B "\",\"expires\":\"\"}]}",
	    "570b never\n" },
	{ "no devices", "{\"devices\":[]}", "" },
	{ "devices: never, as Go writes it",
	    "{\"devices\":[{\"nodeKey\":\"" KEY_A
	    "\",\"expires\":\"0001-01-01T00:00:00Z\"}]}",
	    "81c1 never\n" },
};

static void
verify_document_reads_all_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct fail why = { 0 };
		const char *got = tell(slice_str(good[i].text), &why);

		if (got == NULL)
			fail_msg("%s: %s", good[i].name, why.text);
		if (strcmp(got, good[i].want) != 0)
			fail_msg("%s: got\n%swant\n%s", good[i].name, got,
			    good[i].want);
	}
}

static const struct {
	const char *text;
	unsigned line;
	const char *why;
} bad[] = {
	{ "# fine\n" KEY_A "\nnodekey:12\n", 3,
	    "\"nodekey:12\" is not a valid" },
	{ "mkey:" HEX_A, 1, "is not a valid node key" },
	{ KEY_A "0 x\n", 1, "is not a valid node key" },
	{ KEY_A ",x\n", 1, "is not a valid node key" },
	{ "\n\nnodekey:" HEX_0, 3, "the zero key" },
	{ "\xff\xfe" HEX_A, 1, "is not a valid node key" },
	{ "[\n{\"node_key\":\n}]", 3, "bad JSON" },
	{ "{\"nodes\":[", 1, "bad JSON" },
	{ "null x", 1, "is not a valid node key" },
	{ "[] []", 1, "bad JSON" },
	{ "[{\"node_key\":\"" KEY_A "\",\"nodeKey\":\"" KEY_B "\"}]", 0,
	    "node 1 has a node_key and another nodeKey" },
	{ "{}", 0, "is neither a list of nodes nor" },
	{ "{\"nodes\":{}}", 0, "is neither a list of nodes nor" },
	{ "[{\"node_key\":\"" KEY_A "\"},7]", 0, "node 2 is not an object" },
	{ "[{\"id\":1,\"name\":\"alice\"}]", 0, "node 1 has no node_key" },
	{ "[{\"node_key\":5}]", 0, "node 1 has no node_key" },
	{ "[{\"machine_key\":\"" KEY_A "\",\"disco_key\":\"" KEY_A "\"}]", 0,
	    "node 1 has no node_key" },
	{ "[{\"machineKey\":\"mkey:" HEX_A "\"}]", 0,
	    "node 1 has no node_key" },
	{ "[{\"node_key\":\"nodekey:12\"}]", 0, "node 1 has a bad node key" },
	{ "[{\"node_key\":\"mkey:" HEX_A "\"}]", 0,
	    "node 1 has a bad node key" },
	{ "[{\"nodeKey\":\"discokey:" HEX_A "\"}]", 0,
	    "node 1 has a bad node key" },
	{ "[{\"node_key\":\"" HEX_A "\"}]", 0, "node 1 has a bad node key" },
	{ "[{\"node_key\":\"" KEY_A "\",\"expiry\":5}]", 0, "not a time" },
	{ "[{\"node_key\":\"" KEY_A "\",\"expiry\":\"soon\"}]", 0,
	    "not a time" },
	{ "[{\"node_key\":\"" KEY_A "\",\"expiry\":\"2026-13-01T00:00:00Z\"}]",
	    0, "not a time" },
	{ "[{\"node_key\":\"" KEY_A "\",\"expiry\":\"2026-11-23T00:00:00\"}]",
	    0, "not a time" },
	{ "[{\"node_key\":\"" KEY_A "\",\"expiry\":\"2026-11-23T00:00:00.Z\"}]",
	    0, "not a time" },
	{ "[{\"node_key\":\"" KEY_A
	  "\",\"expiry\":\"2026-11-23T00:00:00+1:00\"}]",
	    0, "not a time" },
	{ "[{\"node_key\":\"" KEY_A "\",\"expiry\":{\"seconds\":\"5\"}}]", 0,
	    "not a time" },
	{ "{\"BackendState\":\"NeedsLogin\",\"Self\":{\"PublicKey\":\"" KEY_A
	  "\"}}",
	    0, "not connected to its tailnet (its state is NeedsLogin)" },
	{ "{\"BackendState\":\"Running\"}", 0, "Self is not an object" },
	{ "{\"BackendState\":\"Running\",\"Self\":{}}", 0,
	    "Self has no PublicKey or Key" },
	{ "{\"BackendState\":\"Running\",\"Self\":{\"PublicKey\":\"" KEY_A
	  "\"},\"Peer\":[]}",
	    0, "a Peer that is not an object" },
	{ "{\"BackendState\":\"Running\",\"Self\":{\"PublicKey\":\"" KEY_A
	  "\"},\"Peer\":{\"x\":{\"PublicKey\":\"x\"}}}",
	    0, "peer x has a bad node key" },
	{ "{\"BackendState\":\"Running\",\"Self\":{\"PublicKey\":\"" KEY_A
	  "\",\"KeyExpiry\":7}}",
	    0, "Self has a KeyExpiry that is not a time" },
	{ "{\"devices\":{}}", 0, "is neither a list of nodes nor" },
	{ "{\"devices\":[7]}", 0, "node 1 is not an object" },
	{ "{\"devices\":[{\"id\":\"1\"}]}", 0, "node 1 has no nodeKey" },
	{ "{\"devices\":[{\"nodeKey\":\"nodekey:0123\"}]}", 0,
	    "node 1 has a bad node key" },
	{ "{\"devices\":[{\"nodeKey\":\"" KEY_A "\",\"expires\":\"x\"}]}", 0,
	    "node 1 has an expires that is not a time" },
};

static void
verify_document_says_where_a_list_is_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct fail why = { 0 };

		if (tell(slice_str(bad[i].text), &why) != NULL)
			fail_msg("accepted: %s", bad[i].text);
		if (strstr(why.text, bad[i].why) == NULL ||
		    why.line != bad[i].line)
			fail_msg(
			    "%s: line %u: %s", bad[i].text, why.line, why.text);
	}
}

/* The whole file, owned. */
static struct slice
read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	uint8_t *bytes = malloc(65536);
	size_t n;

	if (f == NULL)
		fail_msg("cannot open %s", path);
	assert_non_null(bytes);
	n = fread(bytes, 1, 65536, f);
	fclose(f);
	return slice_of(bytes, n);
}

static void
check_file(const char *path, const char *want)
{
	struct slice text = read_file(path);
	struct fail why = { 0 };

	check_text(tell(text, &why), want);
	check_text(why.text, "");
	free((void *)text.p);
}

static void
verify_document_reads_what_headscale_writes(void **state)
{
	const char *want = "81c1 never node-a\n570b never node-b\n"
			   "0359 2026-11-24T02:43:23Z node-c\n";

	(void)state;
	check_file(
	    TESTS_DIR "/unit/verify/data/headscale-0.29.2-list.json", want);
	check_file(
	    TESTS_DIR "/unit/verify/data/headscale-0.29.2-rest.json", want);
}

/* Nodes that are plain, expired, tagged and ephemeral, in all the shapes that
 * were recorded of one tailnet; and a daemon that is not in any. */
static void
verify_document_reads_every_kind_of_node(void **state)
{
	struct fail why = { 0 };
	struct slice text;

	(void)state;
	check_file(TESTS_DIR
	    "/unit/verify/data/headscale-0.29.2-list-kinds.json",
	    "2e01 never node-a\nafe8 never node-b\n"
	    "981c 2026-11-28T22:10:38Z node-c\n02c1 never node-d\n"
	    "ef8a never node-e\n");
	check_file(TESTS_DIR
	    "/unit/verify/data/headscale-0.29.2-rest-kinds.json",
	    "2e01 never node-a\nafe8 never node-b\n"
	    "981c 2026-11-28T22:10:38Z node-c\n02c1 never node-d\n"
	    "ef8a never node-e\n");
	check_file(TESTS_DIR "/unit/verify/data/tailscaled-1.102.5-status.json",
	    "2e01 never node-a\n02c1 never node-d\n"
	    "981c 1970-01-01T00:00:00Z node-c\nafe8 never node-b\n"
	    "ef8a never node-e\n");
	text = read_file(TESTS_DIR
	    "/unit/verify/data/tailscaled-1.102.5-status-stopped.json");
	check_null(tell(text, &why));
	check_contains(why.text, "its state is Stopped");
	free((void *)text.p);
	why = (struct fail){ 0 };
	text = read_file(TESTS_DIR
	    "/unit/verify/data/tailscaled-1.102.5-status-needslogin.json");
	check_null(tell(text, &why));
	check_contains(why.text, "its state is NeedsLogin");
	free((void *)text.p);
}

static void
verify_document_reads_the_examples(void **state)
{
	(void)state;
	check_file(TESTS_DIR "/../examples/nodes.txt",
	    "9f2c never node-a\n1b7e never node-b\n");
	check_file(TESTS_DIR "/../examples/nodes.json",
	    "9f2c never node-a\n1b7e 2027-01-01T00:00:00Z node-b\n");
}

static void
verify_nodes_expire_by_the_clock(void **state)
{
	const struct verify_node now = { .expires_s = 1000 };
	const struct verify_node never = { .expires_s = VERIFY_NODES_NEVER };

	(void)state;
	check(!verify_nodes_is_expired(&now, 999));
	check(verify_nodes_is_expired(&now, 1000));
	check(!verify_nodes_is_expired(&never, INT64_MAX - 1));
}

static void
verify_document_bounds_its_input(void **state)
{
	char *text = malloc(VERIFY_DOCUMENT_BYTES_MAX + 2);
	struct fail why = { 0 };
	size_t n = 0;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', VERIFY_DOCUMENT_BYTES_MAX + 1);
	check_text(tell(slice_of(text, VERIFY_DOCUMENT_BYTES_MAX), &why), "");
	check_null(tell(slice_of(text, VERIFY_DOCUMENT_BYTES_MAX + 1), &why));
	check_text(why.text, "larger than 32 MiB");

	for (unsigned i = 1; i <= VERIFY_NODES_MAX + 1; i++)
		n += (size_t)snprintf(text + n, 66, "%064x\n", i);
	why = (struct fail){ 0 };
	check_null(tell(slice_of(text, n), &why));
	check_text(why.text, "more than 100000 nodes");
	check_int(why.line, VERIFY_NODES_MAX + 1);
	free(text);
}

static void
verify_document_survives_deep_json(void **state)
{
	char deep[8192];
	struct fail why = { 0 };

	(void)state;
	memset(deep, '[', sizeof deep);
	check_null(tell(slice_of(deep, sizeof deep), &why));
	check_contains(why.text, "bad JSON");
}

static void
verify_document_survives_failed_allocations(void **state)
{
	const char *const texts[] = {
		KEY_A " a\n" KEY_B " b\n",
		"[{\"node_key\":\"" KEY_A "\",\"name\":\"a\"},"
		"{\"nodeKey\":\"" KEY_B "\",\"expiry\":null}]",
	};

	(void)state;
	json_set_alloc_funcs(fake_alloc_malloc, free);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		for (size_t n = 1;; n++) {
			struct fail why = { 0 };
			struct verify_nodes *list;

			fake_alloc_fail_at(n);
			list = verify_document_parse(slice_str(texts[i]), &why);
			if (!fake_alloc_failed()) {
				check(n > 4);
				check_size(verify_nodes_count(list), 2);
				verify_nodes_free(list);
				break;
			}
			check_null(list);
			check(why.text[0] != '\0');
		}
	}
	json_set_alloc_funcs(malloc, free);
}

/* A server's answer is never plain lines: not even an empty one. */
static void
verify_document_reads_only_json_from_servers(void **state)
{
	const char *const texts[] = { "", "\n", KEY_A, "# none" };
	struct fail why = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		check_null(
		    verify_document_parse_json(slice_str(texts[i]), &why));
	check_contains(why.text, "bad JSON");
	verify_nodes_free(
	    verify_document_parse_json(slice_str("{\"nodes\":[]}"), NULL));
}

static void
verify_nodes_parses_keys_of_people(void **state)
{
	struct derp_key a, b;
	struct fail why = { 0 };

	(void)state;
	check_int(verify_nodes_parse_key(slice_str(KEY_A), &a, NULL), 0);
	check_int(verify_nodes_parse_key(slice_str(HEX_A), &b, NULL), 0);
	check(derp_key_eq(&a, &b));
	check_int(verify_nodes_parse_key(slice_str(""), &a, &why), -1);
	check_int(verify_nodes_parse_key(slice_str(HEX_0), &a, NULL), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verify_document_reads_all_shapes),
		cmocka_unit_test(verify_document_says_where_a_list_is_bad),
		cmocka_unit_test(verify_document_reads_what_headscale_writes),
		cmocka_unit_test(verify_document_reads_every_kind_of_node),
		cmocka_unit_test(verify_document_reads_the_examples),
		cmocka_unit_test(verify_nodes_expire_by_the_clock),
		cmocka_unit_test(verify_document_bounds_its_input),
		cmocka_unit_test(verify_document_survives_deep_json),
		cmocka_unit_test(verify_document_survives_failed_allocations),
		cmocka_unit_test(verify_document_reads_only_json_from_servers),
		cmocka_unit_test(verify_nodes_parses_keys_of_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
