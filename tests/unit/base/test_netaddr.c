/* netaddr: Go's address syntax, there and back through sockaddrs. */
#include "check.h"

#include "netaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static void
netaddr_parses_and_formats_ips(void **state)
{
	static const struct {
		const char *text, *want;
		bool is_v4;
	} cases[] = { { "192.0.2.1", "192.0.2.1", true },
		{ "0.0.0.0", "0.0.0.0", true },
		{ "255.255.255.255", "255.255.255.255", true },
		{ "2001:DB8::1", "2001:db8::1", false }, { "::", "::", false },
		{ "::1", "::1", false },
		{ "::ffff:192.0.2.1", "::ffff:192.0.2.1", false },
		{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", false } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[NETADDR_TEXT];
		struct netaddr a;

		check_int(netaddr_parse_ip(&a, slice_str(cases[i].text)), 0);
		check(a.is_set);
		check_int(a.is_v4, cases[i].is_v4);
		netaddr_format_ip(&a, text);
		check_text(text, cases[i].want);
	}
}

static void
netaddr_rejects_other_ips(void **state)
{
	static const char *const bad[] = { "", " ", "1", "1.2.3", "1.2.3.4.5",
		"256.0.0.1", "01.2.3.4", "1.2.3.04", "1.2.3.4 ", " 1.2.3.4",
		"0x1.2.3.4", "1.2.3.-4", "1.2.3.4:80", "[::1]", "::1%eth0",
		":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::12345",
		"g::", "localhost", "::ffff:1.2.3.04",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000" };
	struct netaddr a;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (netaddr_parse_ip(&a, slice_str(bad[i])) == 0)
			fail_msg("accepted: %s", bad[i]);
	check_int(netaddr_parse_ip(&a, slice_of("1.2.3.4\0", 8)), -1);
	check_int(netaddr_parse_ip(&a, slice_of(NULL, 0)), -1);
}

static void
netaddr_parses_listen_addresses(void **state)
{
	static const struct {
		const char *text, *want;
		bool is_set;
	} cases[] = { { ":80", ":80", false }, { ":https", ":443", false },
		{ ":http", ":80", false }, { ":0", ":0", false },
		{ "127.0.0.1:65535", "127.0.0.1:65535", true },
		{ "[::1]:443", "[::1]:443", true },
		{ "[2001:db8::1]:https", "[2001:db8::1]:443", true } };
	static const char *const bad[] = { "", "80", "127.0.0.1", "::1:80",
		"[::1]", "[::1]80", "127.0.0.1:", ":65536", ":-1", ":+1",
		":0x50", ":ftp", "[::1:80", "::1]:80", "host:80", ":80 ",
		"1.2.3:80" };
	struct netaddr a;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[NETADDR_TEXT];

		check_int(
		    netaddr_parse_listen(&a, slice_str(cases[i].text)), 0);
		check_int(a.is_set, cases[i].is_set);
		netaddr_format(&a, text);
		check_text(text, cases[i].want);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (netaddr_parse_listen(&a, slice_str(bad[i])) == 0)
			fail_msg("accepted: %s", bad[i]);
}

static void
netaddr_goes_through_sockaddrs(void **state)
{
	static const char *const texts[] = { "192.0.2.1:80",
		"[2001:db8::1]:443" };
	struct sockaddr_storage s;
	struct netaddr a, b;
	char text[NETADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		netaddr_parse_listen(&a, slice_str(texts[i]));
		check_size(netaddr_to_sockaddr(&a, &s),
		    i == 0 ? sizeof(struct sockaddr_in)
			   : sizeof(struct sockaddr_in6));
		check_int(s.ss_family, i == 0 ? AF_INET : AF_INET6);
		netaddr_from_sockaddr(&b, &s);
		netaddr_format(&b, text);
		check_text(text, texts[i]);
	}
	/* the wildcard */
	netaddr_parse_listen(&a, slice_str(":7"));
	check_size(netaddr_to_sockaddr(&a, &s), sizeof(struct sockaddr_in6));
	netaddr_from_sockaddr(&b, &s);
	netaddr_format(&b, text);
	check_text(text, "[::]:7");
	s.ss_family = AF_UNIX;
	netaddr_from_sockaddr(&b, &s);
	check(!b.is_set);
}

static void
netaddr_unmaps_v4(void **state)
{
	struct sockaddr_in6 in = { .sin6_family = AF_INET6 };
	struct sockaddr_storage s = { 0 };
	char text[NETADDR_TEXT];
	struct netaddr a;

	(void)state;
	inet_pton(AF_INET6, "::ffff:192.0.2.7", &in.sin6_addr);
	in.sin6_port = htons(99);
	memcpy(&s, &in, sizeof in);
	netaddr_from_sockaddr(&a, &s);
	check(a.is_v4);
	netaddr_format(&a, text);
	check_text(text, "192.0.2.7:99");
	netaddr_from_ip16(&a, (const uint8_t *)&in.sin6_addr, 98);
	netaddr_format(&a, text);
	check_text(text, "192.0.2.7:98");
}

static void
netaddr_knows_prefixes(void **state)
{
	static const struct {
		const char *ip, *prefix;
		bool in;
	} cases[] = { { "10.255.0.1", "10.0.0.0/8", true },
		{ "11.0.0.0", "10.0.0.0/8", false },
		{ "100.64.0.1", "100.64.0.0/10", true },
		{ "100.127.255.255", "100.64.0.0/10", true },
		{ "100.128.0.0", "100.64.0.0/10", false },
		{ "100.63.255.255", "100.64.0.0/10", false },
		{ "127.0.0.1", "127.0.0.1/32", true },
		{ "127.0.0.2", "127.0.0.1/32", false },
		{ "1.2.3.4", "0.0.0.0/0", true },
		{ "fd7a:115c:a1e0::1", "fd7a:115c:a1e0::/48", true },
		{ "fd7a:115c:a1e1::1", "fd7a:115c:a1e0::/48", false },
		{ "::1", "::1/128", true }, { "::2", "::1/128", false },
		{ "::1", "0.0.0.0/0", false }, { "1.2.3.4", "::/0", false },
		{ "::ffff:10.0.0.1", "10.0.0.0/8", false } };
	struct netaddr unset = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct netaddr a;

		netaddr_parse_ip(&a, slice_str(cases[i].ip));
		if (netaddr_in(&a, cases[i].prefix) != cases[i].in)
			fail_msg("%s in %s", cases[i].ip, cases[i].prefix);
	}
	check(!netaddr_in(&unset, "::/0"));
}

static void
netaddr_knows_loopback(void **state)
{
	static const struct {
		const char *listen;
		bool is;
	} cases[] = { { "127.0.0.1:1", true }, { "127.255.0.9:1", true },
		{ "[::1]:1", true }, { "[::ffff:127.0.0.1]:1", true },
		{ ":1", false }, { "0.0.0.0:1", false }, { "[::]:1", false },
		{ "128.0.0.1:1", false }, { "[::2]:1", false },
		{ "[::ffff:10.0.0.1]:1", false } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct netaddr a;

		check_int(
		    netaddr_parse_listen(&a, slice_str(cases[i].listen)), 0);
		if (netaddr_is_loopback(&a) != cases[i].is)
			fail_msg("%s", cases[i].listen);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netaddr_parses_and_formats_ips),
		cmocka_unit_test(netaddr_rejects_other_ips),
		cmocka_unit_test(netaddr_parses_listen_addresses),
		cmocka_unit_test(netaddr_goes_through_sockaddrs),
		cmocka_unit_test(netaddr_unmaps_v4),
		cmocka_unit_test(netaddr_knows_prefixes),
		cmocka_unit_test(netaddr_knows_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
