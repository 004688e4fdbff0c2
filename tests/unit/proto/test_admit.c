/* admit: requests as the Go derper writes them, answers as it reads them. */
#include "check.h"

#include "admit.h"

#include <stdio.h>

#define HEX "7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f13"
#define UPPER "7B4E909BBE7FFE44C465A220037D608EE35897D31EF972F07F74892CB0F73F13"
#define KEY "\"nodekey:" HEX "\""

static struct derp_key
example_key(void)
{
	struct derp_key k;

	check_int(derp_key_parse_hex(&k, slice_str(HEX)), 0);
	return k;
}

static void
admit_request_is_written_as_go_does(void **state)
{
	static const struct {
		const char *ip, *want;
	} cases[] = {
		{ "192.0.2.1",
		    "{\"NodePublic\":" KEY ",\"Source\":\"192.0.2.1\"}" },
		{ "2001:db8::1",
		    "{\"NodePublic\":" KEY ",\"Source\":\"2001:db8::1\"}" },
	};
	struct derp_key key = example_key();
	char text[ADMIT_REQUEST_MAX];
	struct writer w;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct netaddr source;

		netaddr_parse_ip(&source, slice_str(cases[i].ip));
		w = writer_of(text, sizeof text);
		admit_request_put(&w, &key, &source);
		check_slice_text(writer_slice(&w), cases[i].want);
	}
	w = writer_of(text, sizeof text);
	admit_request_put(&w, &key, NULL);
	check_slice_text(
	    writer_slice(&w), "{\"NodePublic\":" KEY ",\"Source\":\"\"}");
	w = writer_of(text, sizeof text);
	admit_request_put(&w, &key, &(struct netaddr){ .port = 1 });
	check_slice_text(
	    writer_slice(&w), "{\"NodePublic\":" KEY ",\"Source\":\"\"}");
	w = writer_of(text, 20);
	admit_request_put(&w, &key, NULL);
	check(w.failed);
}

static void
admit_request_is_read_as_headscale_does(void **state)
{
	static const struct {
		const char *json, *source;
		bool has_key;
	} cases[] = {
		{ "{\"NodePublic\":" KEY ",\"Source\":\"192.0.2.1\"}",
		    "192.0.2.1", true },
		{ "{\"source\":\"2001:db8::1\",\"nodepublic\":\"nodekey:" UPPER
		  "\"}\n",
		    "2001:db8::1", true },
		{ "{\"NodePublic\":" KEY ",\"Source\":\"\"}", "", true },
		{ "{\"NodePublic\":" KEY "}", "", true },
		{ "{\"NodePublic\":null,\"Source\":null}", "", false },
		{ "{}", "", false },
		{ "null", "", false },
		{ "{\"Source\":\"fe80::1%eth0\",\"x\":[1]}", "fe80::1", false },
		{ "{\"Source\":\"::ffff:192.0.2.1\"}", "::ffff:192.0.2.1",
		    false },
		{ "{\"Source\":\"192.0.2.1\",\"source\":\"\"}", "", false },
	};
	struct derp_key want = example_key();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[NETADDR_TEXT];
		struct netaddr source;
		struct derp_key key;
		struct fail why = { 0 };

		if (admit_request_parse(
			slice_str(cases[i].json), &key, &source, &why) == -1)
			fail_msg("%s: %s", cases[i].json, why.text);
		netaddr_format_ip(&source, text);
		check_text(text, cases[i].source);
		check_int(derp_key_eq(&key, &want), cases[i].has_key);
		check_int(derp_key_is_zero(&key), !cases[i].has_key);
	}
}

static void
admit_request_rejects_others(void **state)
{
	static const struct {
		const char *json, *why;
	} cases[] = {
		{ "", "malformed JSON" },
		{ "{\"NodePublic\":" KEY, "malformed JSON" },
		{ "{} {}", "malformed JSON" },
		{ "[]", "not an object" },
		{ "\"" HEX "\"", "not an object" },
		{ "{\"NodePublic\":\"\"}", "NodePublic is not a node key" },
		{ "{\"NodePublic\":\"" HEX "\"}",
		    "NodePublic is not a node key" },
		{ "{\"NodePublic\":\"discokey:" HEX "\"}",
		    "NodePublic is not a node key" },
		{ "{\"NodePublic\":\"nodekey:" HEX "0\"}",
		    "NodePublic is not a node key" },
		{ "{\"NodePublic\":12}", "NodePublic is not a node key" },
		{ "{\"NodePublic\":\"\",\"NodePublic\":" KEY "}",
		    "NodePublic is not a node key" },
		{ "{\"Source\":1}", "Source is not an address" },
		{ "{\"Source\":\"localhost\"}", "Source is not an address" },
		{ "{\"Source\":\"192.0.2.1:80\"}", "Source is not an address" },
		{ "{\"Source\":\"192.0.2.1%eth0\"}",
		    "Source is not an address" },
		{ "{\"Source\":\"fe80::1%\"}", "Source is not an address" },
		{ "{\"Source\":\" \"}", "Source is not an address" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct netaddr source;
		struct derp_key key;
		struct fail why = { 0 };

		if (admit_request_parse(
			slice_str(cases[i].json), &key, &source, &why) == 0)
			fail_msg("accepted: %s", cases[i].json);
		check_contains(why.text, cases[i].why);
	}
}

static void
admit_response_both_ways(void **state)
{
	char text[32];
	bool allow;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct writer w = writer_of(text, sizeof text);

		admit_response_put(&w, i == 1);
		check_slice_text(writer_slice(&w),
		    i == 1 ? "{\"Allow\":true}\n" : "{\"Allow\":false}\n");
		check_int(
		    admit_response_parse(writer_slice(&w), &allow, NULL), 0);
		check_int(allow, i);
	}
}

static void
admit_response_takes_the_first_value(void **state)
{
	static const struct {
		const char *json;
		int result;
		bool allow;
	} cases[] = {
		{ "{\"Allow\":true}", 0, true },
		{ "{\"allow\":true} trailing", 0, true },
		{ "{\"ALLOW\":true}{\"Allow\":false}", 0, true },
		{ "{\"Allow\":true,\"Allow\":false}", 0, false },
		{ "{\"Allow\":false,\"allow\":true}", 0, true },
		{ "{\"Allow\":true,\"Allow\":null}", 0, true },
		{ "{\"Allow\":null}", 0, false },
		{ "{\"other\":{\"Allow\":true}}", 0, false },
		{ "{}", 0, false },
		{ "", -1, false },
		{ "null", -1, false },
		{ "true", -1, false },
		{ "[{\"Allow\":true}]", -1, false },
		{ "{\"Allow\":\"true\"}", -1, false },
		{ "{\"Allow\":1}", -1, false },
		{ "{\"Allow\":true", -1, false },
		{ "{\"Allow\":true,\"Allow\":1}", -1, false },
		{ "<html>", -1, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fail why = { 0 };
		bool allow = !cases[i].allow;
		int result = admit_response_parse(
		    slice_str(cases[i].json), &allow, &why);

		if (result != cases[i].result || allow != cases[i].allow)
			fail_msg("%s: %d %d", cases[i].json, result, allow);
		check_int(why.text[0] == '\0', result == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(admit_request_is_written_as_go_does),
		cmocka_unit_test(admit_request_is_read_as_headscale_does),
		cmocka_unit_test(admit_request_rejects_others),
		cmocka_unit_test(admit_response_both_ways),
		cmocka_unit_test(admit_response_takes_the_first_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
