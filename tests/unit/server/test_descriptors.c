/* descriptors: how many the relay needs; all that it may open is in the sum. */
#include "check.h"

#include "descriptors.h"
#include "proxy_wait.h"
#include "tunnel.h"
#include "tunnel_dial.h"

static struct config
config(void)
{
	return (struct config){ .max_connections = 1000,
		.workers = 4,
		.mesh_with = "",
		.use_tls = true,
		.http_port = 80 };
}

static void
descriptors_are_enough_for_connections_and_workers(void **state)
{
	struct config c = config();
	const uint64_t least = descriptors_needed(&c);

	(void)state;
	check(least > 1000 + 4 * 8);
	c.max_connections = 3000;
	check_int(descriptors_needed(&c), (int64_t)least + 2000);
	c.workers = 8;
	check(descriptors_needed(&c) > least + 2000);
}

/* A link that connects has more of them than one that is up. */
static void
descriptors_are_enough_for_the_mesh(void **state)
{
	struct config c = config();
	const uint64_t least = descriptors_needed(&c);
	uint64_t per_link;

	(void)state;
	c.mesh_with = "a";
	per_link = descriptors_needed(&c) - least;
	check(per_link >= 3);
	c.mesh_with = "a,b/10.0.0.2,c";
	check_int(descriptors_needed(&c), (int64_t)(least + 3 * per_link));
}

static void
descriptors_are_enough_for_waiting_proxies(void **state)
{
	struct config c = config();
	const uint64_t least = descriptors_needed(&c);

	(void)state;
	c.proxy_from_count = 1;
	check_int(
	    descriptors_needed(&c), (int64_t)least + 4 * 2 * PROXY_WAITS_MAX);
	c.http_port = -1;
	check_int(descriptors_needed(&c), (int64_t)least + 4 * PROXY_WAITS_MAX);
	c.http_port = 80;
	c.use_tls = false;
	check_int(descriptors_needed(&c), (int64_t)least + 4 * PROXY_WAITS_MAX);
}

static void
descriptors_are_enough_for_tunnels(void **state)
{
	struct config c = config();
	const uint64_t least = descriptors_needed(&c);

	(void)state;
	c.ace = true;
	check(descriptors_needed(&c) >=
	    least + 4 * TUNNEL_MAX + 3 * TUNNEL_DIALS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    descriptors_are_enough_for_connections_and_workers),
		cmocka_unit_test(descriptors_are_enough_for_the_mesh),
		cmocka_unit_test(descriptors_are_enough_for_waiting_proxies),
		cmocka_unit_test(descriptors_are_enough_for_tunnels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
