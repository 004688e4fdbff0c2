/* go_url: what Go's url.Parse takes and rejects, hosts and ports. */
#include "check.h"

#include "go_url.h"

struct sample {
	const char *text, *scheme, *host;
};

static void
go_url_parses_as_go(void **state)
{
	static const struct sample good[] = {
		{ "", "", "" },
		{ "*", "", "" },
		{ "/etc/derp.yaml", "", "" },
		{ "derp.yaml", "", "" },
		{ "a/b:c", "", "" },
		{ "HTTPS://A.b/c?d#e", "https", "A.b" },
		{ "http://u:p@a:80/", "http", "a:80" },
		{ "http://[2001:db8::1]:8443/x", "http", "[2001:db8::1]:8443" },
		{ "http://[fe80::1%25eth0]/", "http", "[fe80::1%eth0]" },
		{ "http://a:/", "http", "a:" },
		{ "http://%C3%A9.net", "http", "\303\251.net" },
		{ "http:///b", "http", "" },
		{ "mailto:a", "mailto", "" },
		{ "//a/b", "", "a" },
		{ "///a", "", "" },
		{ "x+1.-:/b", "x+1.-", "" },
		{ "x://a:1:2", "x", "a:1:2" },
	};
	static const char *const bad[] = { ":x", "a:b@:c d\x7f", "1:b",
		"http://a b/", "http://a:b/", "http://[::1", "http://[::1]x/",
		"http://x[::1]/", "http://[1.2.3.4]/", "http://[x]/",
		"http://a%41/", "http://a/%z", "http://a/%4", "http://a#%zz",
		"http://u ser@a/", "http://a:1:2/", "%zz", "http://[::1%25]/",
		"http://[::1%25%41%00]/", "a\nb" };
	struct arena *a = arena_new(1 << 20);
	struct fail why = { .text = "" };
	struct go_url u;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		why.text[0] = '\0';
		if (go_url_parse(&u, a, slice_str(good[i].text), &why) == -1)
			fail_msg("rejected: %s: %s", good[i].text, why.text);
		check_slice_text(u.scheme, good[i].scheme);
		check_slice_text(u.host, good[i].host);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		why.text[0] = '\0';
		if (go_url_parse(&u, a, slice_str(bad[i]), &why) == 0)
			fail_msg("accepted: %s", bad[i]);
		check(why.text[0] != '\0');
	}
	arena_free(a);
}

static void
go_url_splits_host_and_port_as_go(void **state)
{
	static const struct sample good[] = {
		{ "a:1", "a", "1" },
		{ ":3478", "", "3478" },
		{ "[::1]:domain", "::1", "domain" },
		{ "a:", "a", "" },
	};
	static const char *const bad[] = { "", "a", "::1:3", "[::1]", "[::1",
		"[::1]x:1", "[::1]:1:2", "a]:1", "[a:1", "[[a]:1", "[a]:]" };
	struct slice host, port;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		check_int(go_url_split_host_port(
			      slice_str(good[i].text), &host, &port, NULL),
		    0);
		check_slice_text(host, good[i].scheme);
		check_slice_text(port, good[i].host);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (go_url_split_host_port(
			slice_str(bad[i]), &host, &port, NULL) == 0)
			fail_msg("accepted: %s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_url_parses_as_go),
		cmocka_unit_test(go_url_splits_host_and_port_as_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
