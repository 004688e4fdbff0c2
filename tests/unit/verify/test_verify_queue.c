/* Unit tests of verify/engine/verify_queue. */
#include "verify_queue.h"

#include "check.h"

#include <stddef.h>

struct item {
	struct verify_queue_entry entry; /* first */
	int n;
};

static struct netaddr
address(const char *text)
{
	struct netaddr a = { 0 };

	check_int(netaddr_parse_ip(&a, slice_str(text)), 0);
	return a;
}

static void
put(struct verify_queue *q, const char *from, struct item *item, int n)
{
	const struct netaddr a = address(from);

	item->n = n;
	check_int(verify_queue_put(q, &a, &item->entry), 0);
}

static int
take(struct verify_queue *q)
{
	struct verify_queue_entry *entry = verify_queue_take(q);

	return entry != NULL ? ((struct item *)entry)->n : -1;
}

static void
queue_takes_turns(void **state)
{
	static const int want[] = { 1, 11, 21, 2, 12, 3, 4, -1, -1 };
	struct verify_queue *q = verify_queue_new(10);
	struct item items[7];

	(void)state;
	for (int i = 0; i < 4; i++)
		put(q, "192.0.2.1", &items[i], i + 1);
	put(q, "192.0.2.2", &items[4], 11);
	put(q, "2001:db8::1", &items[5], 21);
	put(q, "192.0.2.2", &items[6], 12);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
		check_int(take(q), want[i]);
	/* and again from empty */
	put(q, "192.0.2.1", &items[0], 5);
	check_int(take(q), 5);
	verify_queue_free(q);
}

static void
queue_limits_each_source(void **state)
{
	struct verify_queue *q = verify_queue_new(2);
	const struct netaddr a = address("2001:db8::1"),
			     near = address("2001:db8::ffff:2"),
			     far = address("2001:db8:0:1::1"),
			     v4 = address("192.0.2.1"),
			     next = address("192.0.2.2");
	struct item items[8];

	(void)state;
	check_int(verify_queue_put(q, &a, &items[0].entry), 0);
	check_int(verify_queue_put(q, &near, &items[1].entry), 0);
	check_int(verify_queue_put(q, &a, &items[2].entry), -1); /* one /64 */
	check_int(verify_queue_put(q, &far, &items[2].entry), 0);
	check_int(verify_queue_put(q, &v4, &items[3].entry), 0);
	check_int(verify_queue_put(q, &v4, &items[4].entry), 0);
	check_int(verify_queue_put(q, &v4, &items[5].entry), -1);
	check_int(verify_queue_put(q, &next, &items[5].entry), 0);
	/* those whose address is not known have no limit */
	check_int(verify_queue_put(q, NULL, &items[6].entry), 0);
	check_int(verify_queue_put(q, NULL, &items[7].entry), 0);
	/* there is room again after a turn */
	check(verify_queue_take(q) == &items[0].entry);
	check_int(verify_queue_put(q, &near, &items[0].entry), 0);
	verify_queue_free(q);
	verify_queue_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_takes_turns),
		cmocka_unit_test(queue_limits_each_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
