/* tunnel_sources: how many each address may have. */
#include "check.h"

#include "tunnel_sources.h"

#include <stdio.h>

static struct netaddr
address(const char *text)
{
	struct netaddr a;

	check_int(netaddr_parse_ip(&a, slice_str(text)), 0);
	return a;
}

static void
tunnel_sources_limit_each(void **state)
{
	struct tunnel_sources s = { 0 };
	const struct netaddr one = address("2001:db8::1"),
			     same = address("2001:db8::2"), /* of one /64 */
	    other = address("2001:db8:0:1::1");

	(void)state;
	for (int i = 0; i < TUNNEL_PER_SOURCE; i++)
		check(tunnel_sources_enter(&s, i % 2 == 0 ? &one : &same));
	check(!tunnel_sources_enter(&s, &one));
	check(!tunnel_sources_enter(&s, &same));
	check(tunnel_sources_enter(&s, &other));
	tunnel_sources_leave(&s, &same);
	check(tunnel_sources_enter(&s, &one));
	check(!tunnel_sources_enter(&s, &same));
}

static void
tunnel_sources_limit_all(void **state)
{
	struct tunnel_sources s = { 0 };
	struct netaddr a[TUNNEL_MAX + 1];
	char text[32];

	(void)state;
	for (int i = 0; i <= TUNNEL_MAX; i++) {
		snprintf(text, sizeof text, "192.0.2.%d", i);
		a[i] = address(text);
		check_int(tunnel_sources_enter(&s, &a[i]), i < TUNNEL_MAX);
	}
	/* who is not in it does not leave it */
	tunnel_sources_leave(&s, &a[TUNNEL_MAX]);
	check(!tunnel_sources_enter(&s, &a[TUNNEL_MAX]));
	for (int i = 0; i < TUNNEL_MAX; i++)
		tunnel_sources_leave(&s, &a[i]);
	check_size(s.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tunnel_sources_limit_each),
		cmocka_unit_test(tunnel_sources_limit_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
