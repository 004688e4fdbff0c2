/* target_address: where tunnels may not lead. */
#include "check.h"

#include "target_address.h"

static bool
is_public(const char *text)
{
	struct netaddr a;

	check_int(netaddr_parse_ip(&a, slice_str(text)), 0);
	return target_address_is_public(&a);
}

static void
target_address_is_public_where_hosts_are(void **state)
{
	static const char *const hosts[] = { "192.200.0.101", "1.1.1.1",
		"9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
		"172.15.255.255", "172.32.0.0", "192.167.255.255",
		"192.169.0.0", "198.17.255.255", "198.20.0.0",
		"223.255.255.255", "2606:b740:49::1", "2001:4860:4860::8888",
		"2a00:1450::1", "64:ff9b::c0c8:65" };

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		if (!is_public(hosts[i]))
			fail_msg("%s is not public", hosts[i]);
}

static void
target_address_is_not_public_elsewhere(void **state)
{
	static const char *const others[] = { "0.0.0.0", "0.1.2.3", "10.0.0.1",
		"10.255.255.255", "100.64.0.1", "100.100.100.100",
		"100.127.255.255", "127.0.0.1", "127.255.0.9",
		"169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8",
		"192.0.2.1", "192.168.1.1", "198.18.0.1", "198.19.255.255",
		"198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
		"240.0.0.1", "255.255.255.255", "::", "::1",
		"::ffff:192.200.0.101", "::192.200.0.101", "64:ff9b::a00:1",
		"64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1",
		"2001:db8::1", "2002:c0a8:101::1", "3fff::1", "fc00::1",
		"fd7a:115c:a1e0::1", "fe80::1", "fec0::1", "ff02::1" };
	struct netaddr unset = { .is_set = false };

	(void)state;
	check(!target_address_is_public(&unset));
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (is_public(others[i]))
			fail_msg("%s is public", others[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(target_address_is_public_where_hosts_are),
		cmocka_unit_test(target_address_is_not_public_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
