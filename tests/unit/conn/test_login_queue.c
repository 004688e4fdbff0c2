/* login_queue: a few a turn, addresses served in turn. */
#include "check.h"
#include "fake_alloc.h"

#include "login_queue.h"

#include <sodium.h>
#include <stdlib.h>

enum { PER_TURN = 2, SOURCES = 8, MANY = 50 };

struct waiter {
	struct login_entry entry; /* first member */
	int number;
};

static struct netaddr
addr_of(const char *text)
{
	struct netaddr a;

	check_int(netaddr_parse_ip(&a, slice_str(text)), 0);
	return a;
}

static int
setup(void **state)
{
	*state = login_queue_new(PER_TURN, SOURCES);
	return *state != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	login_queue_free(*state);
	return 0;
}

/* Uses up the turn, so that whoever comes next waits. */
static void
use_up_turn(struct login_queue *q)
{
	const struct netaddr a = addr_of("198.51.100.1");

	for (int i = 0; i < PER_TURN; i++) {
		struct login_entry entry = { 0 };

		check(login_queue_enter(q, &entry, &a));
		check(!login_queue_waits(&entry));
	}
}

static void
enter(struct login_queue *q, struct waiter *w, int number, const char *from)
{
	const struct netaddr a = addr_of(from);

	*w = (struct waiter){ .number = number };
	check(!login_queue_enter(q, &w->entry, &a));
	check(login_queue_waits(&w->entry));
}

/* The number of the next one; turns begin as needed. */
static int
take(struct login_queue *q)
{
	struct login_entry *entry = login_queue_take(q);

	if (entry == NULL && login_queue_new_turn(q) > 0)
		entry = login_queue_take(q);
	if (entry == NULL)
		return -1;
	check(!login_queue_waits(entry));
	return ((struct waiter *)entry)->number;
}

static void
login_queue_limits_a_turn(void **state)
{
	struct login_queue *q = *state;
	const struct netaddr a = addr_of("192.0.2.1");
	struct waiter w[3];

	use_up_turn(q);
	for (int i = 0; i < 3; i++)
		enter(q, &w[i], i, "192.0.2.1");
	/* a second time changes nothing */
	check(!login_queue_enter(q, &w[1].entry, &a));
	check(login_queue_take(q) == NULL);
	check_size(login_queue_new_turn(q), 3);
	check_ptr(login_queue_take(q), &w[0].entry);
	check_ptr(login_queue_take(q), &w[1].entry);
	check(login_queue_take(q) == NULL);
	check_size(login_queue_new_turn(q), 1);
	/* room in the turn, but somebody was there before */
	enter(q, &w[0], 0, "192.0.2.1");
	check_ptr(login_queue_take(q), &w[2].entry);
	check_ptr(login_queue_take(q), &w[0].entry);
	check_size(login_queue_new_turn(q), 0);
}

/* An address with many connections delays another by one step. */
static void
login_queue_serves_addresses_in_turn(void **state)
{
	struct login_queue *q = *state;
	struct waiter many[MANY], one, two, six[2];

	use_up_turn(q);
	for (int i = 0; i < MANY; i++)
		enter(q, &many[i], i, "192.0.2.1");
	enter(q, &one, 1000, "192.0.2.2");
	enter(q, &two, 2000, "192.0.2.3");
	/* a /64 is one address */
	enter(q, &six[0], 3000, "2001:db8:0:1::1");
	enter(q, &six[1], 3001, "2001:db8:0:1:ffff::2");
	check_int(take(q), 0);
	check_int(take(q), 1000);
	check_int(take(q), 2000);
	check_int(take(q), 3000);
	check_int(take(q), 1);
	check_int(take(q), 3001);
	/* who comes meanwhile goes after those who are there already */
	enter(q, &one, 1001, "192.0.2.2");
	enter(q, &two, 4000, "2001:db8:0:2::1");
	check_int(take(q), 2);
	check_int(take(q), 1001);
	check_int(take(q), 4000);
	for (int i = 3; i < MANY; i++)
		check_int(take(q), i);
	check_int(take(q), -1);
}

static void
login_queue_forgets_who_is_removed(void **state)
{
	struct login_queue *q = *state;
	struct waiter w[6];

	use_up_turn(q);
	for (int i = 0; i < 5; i++)
		enter(q, &w[i], i, i < 4 ? "192.0.2.1" : "192.0.2.2");
	login_queue_remove(
	    q, &w[0].entry); /* the first, the middle, the last */
	login_queue_remove(q, &w[2].entry);
	login_queue_remove(q, &w[3].entry);
	login_queue_remove(q, &w[3].entry); /* again: nothing */
	check(!login_queue_waits(&w[2].entry));
	enter(q, &w[5], 5, "192.0.2.1");
	check_size(login_queue_new_turn(q), 3);
	check_int(take(q), 1);
	check_int(take(q), 4);
	check_int(take(q), 5);
	check_int(take(q), -1);
	/* the one whose turn it is */
	use_up_turn(q);
	enter(q, &w[0], 0, "192.0.2.1");
	enter(q, &w[1], 1, "192.0.2.2");
	login_queue_remove(q, &w[0].entry);
	check_int(take(q), 1);
	check_int(take(q), -1);
}

/* More addresses than have queues of their own, or no memory for one: they wait
 * together, and all come. */
static void
login_queue_shares_beyond_its_limit(void **state)
{
	struct login_queue *q = *state;
	struct waiter w[SOURCES + 20];
	char text[32];
	bool seen[SOURCES + 20] = { false };

	use_up_turn(q);
	for (int i = 0; i < SOURCES + 20; i++) {
		snprintf(text, sizeof text, "192.0.2.%d", i);
		if (i == 3)
			fake_alloc_fail_at(1);
		enter(q, &w[i], i, text);
		check(i != 3 || fake_alloc_failed());
	}
	for (int i = 0; i < SOURCES + 20; i++) {
		int number = take(q);

		check(number >= 0 && !seen[number]);
		seen[number] = true;
	}
	check_int(take(q), -1);
}

static void
login_queue_is_freed_with_waiters(void **state)
{
	struct login_queue *q = NULL;
	struct waiter w[2];

	(void)state;
	for (size_t n = 1; q == NULL; n++) {
		fake_alloc_fail_at(n);
		q = login_queue_new(PER_TURN, SOURCES);
		check(fake_alloc_failed() == (q == NULL));
	}
	use_up_turn(q);
	enter(q, &w[0], 0, "192.0.2.1");
	enter(q, &w[1], 1, "192.0.2.2");
	login_queue_free(q);
	check(!login_queue_waits(&w[0].entry));
	login_queue_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(login_queue_limits_a_turn),
		TEST(login_queue_serves_addresses_in_turn),
		TEST(login_queue_forgets_who_is_removed),
		TEST(login_queue_shares_beyond_its_limit),
		cmocka_unit_test(login_queue_is_freed_with_waiters),
	};

	return sodium_init() == -1 ? 1
				   : cmocka_run_group_tests(tests, NULL, NULL);
}
