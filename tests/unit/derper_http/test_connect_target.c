/* connect_target: who may be named. */
#include "check.h"

#include "connect_target.h"

#include <stdio.h>

static void
connect_target_takes_hosts_of_tailscale(void **state)
{
	struct connect_target t;

	(void)state;
	check_int(connect_target_parse(
		      &t, slice_str("controlplane.tailscale.com:443")),
	    0);
	check_text(t.host, "controlplane.tailscale.com");
	check_int(t.port, 443);
	check_int(
	    connect_target_parse(&t, slice_str("log.tailscale.com:80")), 0);
	check_int(t.port, 80);
}

static void
connect_target_refuses_all_else(void **state)
{
	static const char *const bad[] = {
		"",
		"controlplane.tailscale.com",
		"controlplane.tailscale.com:22",
		"controlplane.tailscale.com:443 ",
		"controlplane.tailscale.com:0443",
		"controlplane.tailscale.com:443:443",
		"derp1.tailscale.com:443",
		"DERP1.tailscale.com:443",
		"a.dErP.tailscale.com:443",
		"a.derp.tailscale.com:443",
		"tailscale.com:443",
		".tailscale.com:443",
		"x.TAILSCALE.com:443",
		"eviltailscale.com:443",
		"x.tailscale.com.evil.example:443",
		"192.0.2.1:443",
		"[::1]:443",
		"a/b.tailscale.com:443",
		"a@b.tailscale.com:443",
		"a\x01.tailscale.com:443",
	};
	struct connect_target t;
	char name[300];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		check_int(connect_target_parse(&t, slice_str(bad[i])), -1);
	check_int(
	    connect_target_parse(&t, slice_of("a\0.tailscale.com:443", 20)),
	    -1);
	snprintf(name, sizeof name, "%0*d.tailscale.com:443",
	    CONNECT_TARGET_HOST - 1 - 14, 0);
	check_int(connect_target_parse(&t, slice_str(name)), 0);
	snprintf(name, sizeof name, "%0*d.tailscale.com:443",
	    CONNECT_TARGET_HOST - 14, 0);
	check_int(connect_target_parse(&t, slice_str(name)), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connect_target_takes_hosts_of_tailscale),
		cmocka_unit_test(connect_target_refuses_all_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
