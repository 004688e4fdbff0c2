/* Unit tests of verify/engine/verify_settings, verify_describe and
 * verify_last_good: what people and programs write, and what is wrong in it. */
#include "unit/verify/engine.h"

#include "verify_describe.h"
#include "verify_last_good.h"
#include "verify_settings.h"

static void
settings_read_a_whole_file(void **state)
{
	static const char text[] = "policy: any\n"
				   "timeout: 4s\n"
				   "cache-allow: 1m\n"
				   "cache-deny: 250ms\n"
				   "allow-empty: true\n"
				   "last-good-folder: /var/lib/derper\n"
				   "sources:\n"
				   "  - url: https://h.example/verify\n"
				   "    outage: last-known-good\n"
				   "    ca-file: roots.pem\n"
				   "  - nodes: a\n"
				   "    refresh: 2s\n"
				   "    shrink: 20\n"
				   "    allow-expired: true\n"
				   "  - nodes: \"b\"\n"
				   "    deny: true\n"
				   "  - tailscaled:\n"
				   "    follow: false\n"
				   "    recheck: 0s\n";
	struct verify_config c = { 0 };
	struct fail why = { 0 };

	(void)state;
	if (verify_settings_parse(&c, slice_str(text), "f", &why) == -1)
		fail_msg("%s", why.text);
	check_int(c.policy, VERIFY_POLICY_ANY);
	check_size(c.ask_ms, 4000);
	check_size(c.cache_allow_ms, 60000);
	check_size(c.cache_deny_ms, 250);
	check(c.context.allow_empty);
	check_text(c.context.last_good, "/var/lib/derper");
	check_size(c.source_count, 4);
	check_text(c.sources[0].argument, "https://h.example/verify");
	check_int(c.sources[0].outage, VERIFY_OUTAGE_LAST_GOOD);
	check_size(c.sources[0].outage_ms, 24 * 3600000);
	check_size(c.sources[0].recheck_ms, 300000);
	check_text(c.sources[0].ca_file, "roots.pem");
	check(c.sources[0].follow);
	check_size(c.sources[1].refresh_ms, 2000);
	/* the outage of its kind is last-known-good */
	check_size(c.sources[1].outage_ms, 24 * 3600000);
	check_int(c.sources[1].shrink_part, 20);
	check(c.sources[1].allow_expired);
	check_int(c.sources[2].role, VERIFY_ROLE_DENY);
	check_text(c.sources[3].argument, "");
	check(!c.sources[3].follow);
	check_size(c.sources[3].recheck_ms, 0);
	check_size(c.sources[3].outage_ms, 0);
	verify_config_clear(&c);
	verify_config_clear(&c);
}

static const struct {
	const char *text, *why;
} wrong[] = {
	{ "", "f:1:1: expected \"sources:\"" },
	{ "- a\n", "f:1:1: expected \"sources:\"" },
	{ "policy: any\n", "f:1:1: sources: names none" },
	{ "sources: []\n", "f:1:10: expected a list of sources" },
	{ "polcy: any\nsources: [{nodes: a}]\n",
	    "f:1:1: \"polcy\" is not known; is it \"policy\"?" },
	{ "policy: some\n", "f:1:9: \"some\" is not any or all" },
	{ "policy: any\npolicy: all\n",
	    "f:2:1: \"policy\" is set a second time" },
	{ "timeout: 5\n", "f:1:10: \"5\" is not a time" },
	{ "sources:\n  - refresh: 1s\n",
	    "f:2:5: the kind of this source is missing" },
	{ "sources:\n  - nodes: \n",
	    "f:2:11: source nodes: the FILE is empty" },
	{ "sources:\n  - url: htps://a/verify\n",
	    "f:2:10: URL htps://a/verify: has the scheme \"htps\"" },
	{ "sources:\n  - url: a/verify\n",
	    "f:2:10: URL a/verify: has no scheme" },
	{ "sources:\n  - headscale: run/sock\n",
	    "f:2:16: run: is neither a URL (http:// or https://) nor the "
	    "path of a unix socket, which begins with /" },
	{ "sources:\n  - tailscale-api: api\n",
	    "f:2:20: URL api: has no scheme" },
	{ "sources:\n  - nodes: [a]\n", "f:2:12: expected a single value" },
	{ "sources:\n  - nodes: a\n    outage: open\n",
	    "f:2:5: source nodes cannot fail open" },
	{ "sources:\n  - nodes: a\n    outage: ajar\n",
	    "f:3:13: \"ajar\" is not closed, open or last-known-good" },
	{ "sources:\n  - nodes: a\n    ca-file: b\n",
	    "f:2:5: source nodes does not use a ca-file" },
	{ "sources:\n  - url: http://a/b\n    outage-for: 1h\n",
	    "f:2:5: outage-for has no effect with outage: closed" },
	{ "sources:\n  - nodes: a\n    deny: yes\n",
	    "f:3:11: \"yes\" is neither true nor false" },
	{ "sources:\n  - nodes: a\n    shrink: 0\n",
	    "f:3:13: \"0\" is not a number from 1 to 100" },
	{ "sources:\n  - nodes: a\n    nodes: b\n",
	    "f:3:5: \"nodes\" is set a second time" },
	{ "sources:\n  - command: headscale nodes list\n",
	    "f:2:14: expected a list of words, as in [headscale," },
	{ "sources:\n  - command: []\n", "f:2:14: expected a list of words" },
	{ "sources:\n  - command: [a, \"\"]\n",
	    "f:2:18: a word of a command is empty" },
	{ "sources:\n  - command: [a, [b]]\n",
	    "f:2:18: expected a single value" },
	{ "sources:\n  - command: "
	  "[a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"
	  "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"
	  "a,a,a,a,a,a,a,a]\n",
	    "f:2:14: a command has at most 64 words" },
	{ "sources:\n  - command: [a]\n    outage: open\n",
	    "f:2:5: source command cannot fail open" },
	{ "sources: {\n", "f:" },
};

static void
settings_say_where_they_are_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct verify_config c = { 0 };
		struct fail why = { 0 };

		if (verify_settings_parse(
			&c, slice_str(wrong[i].text), "f", &why) != -1)
			fail_msg("accepted: %s", wrong[i].text);
		check_contains(why.text, wrong[i].why);
		check(why.line > 0);
		check_null(c.arena);
	}
}

static void
settings_are_told_in_words(void **state)
{
	static const char text[] =
	    "policy: any\nsources:\n"
	    "- url: http://u:SECRET@a/SECRET\n  outage: open\n"
	    "- nodes: b\n  deny: true\n"
	    "- nodes: c\n"
	    "- command: [headscale, nodes, list, -o, json, \"a b\"]\n";
	struct verify_config c = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	check_int(verify_settings_parse(&c, slice_str(text), "f", NULL), 0);
	check_int(verify_describe(&c, &out), 0);
	check_int(buf_append(&out, "", 1), 0);
	check_text((const char *)buf_slice(&out).p,
	    "admitted is whom any of these sources allows:\n"
	    "- url http://a\n"
	    "  while it is away: EVERYBODY is admitted by it\n"
	    "- node list b: its keys are denied, whatever other sources say\n"
	    "- node list c\n"
	    "  while it is away: whom it last admitted is still admitted, "
	    "for 24h\n"
	    "- command headscale\n"
	    "  while it is away: whom it last admitted is still admitted, "
	    "for 24h\n"
	    "  derper does not take this source: its system call filter "
	    "forbids it to run programs; it can ask derpverify serve (url:), "
	    "or read a file that a timer writes (nodes:)\n");
	buf_clear(&out);
	verify_config_clear(&c);
}

/* Two tailnets on one server have a file each; a deny list does not become
 * a list of members. */
static void
last_good_has_a_file_for_each_source(void **state)
{
	static const char text[] =
	    "sources:\n"
	    "- headscale: http://h\n  key-file: a\n"
	    "- headscale: http://h\n  key-file: b\n"
	    "- headscale: http://h\n  key-variable: b\n"
	    "- tailscale-api: http://h\n  key-file: a\n"
	    "- tailscale-api: http://h\n  key-file: a\n  client-id: c\n"
	    "- nodes: n\n"
	    "- nodes: n\n  deny: true\n";
	char paths[7][PATH_MAX], again[PATH_MAX];
	struct verify_config c = { 0 };

	(void)state;
	check_int(verify_settings_parse(&c, slice_str(text), "f", NULL), 0);
	check_size(c.source_count, 7);
	for (size_t i = 0; i < 7; i++) {
		check_int(
		    verify_last_good_path("d", &c.sources[i], paths[i]), 0);
		check_int(verify_last_good_path("d", &c.sources[i], again), 0);
		check_text(again, paths[i]);
		for (size_t j = 0; j < i; j++)
			if (strcmp(paths[i], paths[j]) == 0)
				fail_msg("%zu and %zu: %s", i, j, paths[i]);
	}
	verify_config_clear(&c);
}

/* What is written is read again; what is damaged is not used. */
static void
last_good_comes_back_whole_or_not(void **state)
{
	static const char *const damaged[] = {
		"",
		"derpkit-last-good 2 5 0\n",
		"derpkit-last-good 1 5 1\n",
		"derpkit-last-good 1 5 0\n11 5 0\n",
		"derpkit-last-good 1 x 0\n",
		"derpkit-last-good 1 -1 0\n",
		"derpkit-last-good 1 9223372036854775807 0\n",
	};
	struct verify_set *set = verify_set_new();
	struct verify_config config = { 0 };
	struct verify_set_node node;
	struct fail why = { 0 };
	char path[PATH_MAX];
	int64_t true_s;

	(void)state;
	check_null(verify_last_good_load("/nonexistent/x", &true_s, &why));
	check_text(why.text, "");
	for (unsigned n = 1; n <= 100; n++)
		verify_set_add(set,
		    &(struct verify_set_node){ .key = engine_key(n),
			.name = n % 2 == 0 ? "a name" : "",
			.expires_s = n % 3 == 0 ? VERIFY_SET_NEVER : (int)n,
			.flags = n % 16 },
		    NULL);
	verify_set_seal(set);
	check_int(verify_last_good_path(
		      engine_dir(), engine_add(&config, "nodes", "x"), path),
	    0);
	check_int(verify_last_good_save(path, set, 12345, &why), 0);
	verify_set_drop(set);
	set = verify_last_good_load(path, &true_s, &why);
	assert_non_null(set);
	check_int(true_s, 12345);
	check_size(verify_set_count(set), 100);
	for (unsigned n = 1; n <= 100; n++) {
		const struct derp_key key = engine_key(n);

		check(verify_set_find(set, &key, &node));
		check_text(node.name, n % 2 == 0 ? "a name" : "");
		check(
		    node.expires_s == (n % 3 == 0 ? VERIFY_SET_NEVER : (int)n));
		check_int(node.flags, n % 16);
	}
	verify_set_drop(set);
	for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
		struct fail reason = { 0 };

		check_null(verify_last_good_parse(
		    slice_str(damaged[i]), &true_s, &reason));
		check_text(reason.text, "is damaged");
	}
	check_int(unlink(path), 0);
}

static int
end(void **state)
{
	(void)state;
	return engine_remove((const char *const[]){ NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_read_a_whole_file),
		cmocka_unit_test(settings_say_where_they_are_wrong),
		cmocka_unit_test(settings_are_told_in_words),
		cmocka_unit_test(last_good_has_a_file_for_each_source),
		cmocka_unit_test(last_good_comes_back_whole_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
