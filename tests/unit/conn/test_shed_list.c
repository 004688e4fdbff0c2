/* shed_list: the oldest goes, of all or of the address that has too many. */
#include "check.h"
#include "fake_alloc.h"

#include "shed_list.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { TOTAL = 6, EACH = 3 };

static struct netaddr
addr_of(const char *text)
{
	struct netaddr a;

	check_int(netaddr_parse_ip(&a, slice_str(text)), 0);
	return a;
}

/* Enters, and returns who has to go. */
static struct shed_entry *
enter(struct shed_list *l, struct shed_entry *entry, const char *from)
{
	const struct netaddr a = addr_of(from);
	struct shed_entry *shed;

	check_int(shed_list_enter(l, entry, &a, 5, &shed), 0);
	return shed;
}

static int
setup(void **state)
{
	*state = shed_list_new(TOTAL, EACH);
	return *state != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	shed_list_free(*state);
	return 0;
}

static void
shed_list_sheds_the_oldest_of_all(void **state)
{
	static struct shed_entry e[TOTAL + 2];
	struct shed_list *l = *state;
	char from[32];

	for (size_t i = 0; i < TOTAL + 2; i++) {
		struct shed_entry *shed;

		snprintf(from, sizeof from, "192.0.2.%zu", i);
		shed = enter(l, &e[i], from);
		check_ptr(shed, i < TOTAL ? NULL : &e[i - TOTAL]);
		if (shed != NULL)
			shed_list_leave(l, shed);
		check_size(shed_list_count(l), i < TOTAL ? i + 1 : TOTAL);
		check_int(shed_list_full(l), i + 1 >= TOTAL);
		check_size(e[i].since_ms, 5);
	}
	check_ptr(shed_list_oldest(l), &e[2]);
}

/* An address with too many pays itself, though others are older. */
static void
shed_list_sheds_within_an_address(void **state)
{
	static struct shed_entry old, e[EACH + 1];
	struct shed_list *l = *state;

	check_ptr(enter(l, &old, "192.0.2.1"), NULL);
	for (size_t i = 0; i < EACH; i++)
		check_ptr(enter(l, &e[i], "192.0.2.2"), NULL);
	check_ptr(enter(l, &e[EACH], "192.0.2.2"), &e[0]);
	shed_list_leave(l, &e[0]);
	check_ptr(shed_list_oldest(l), &old);
	/* from the middle of both lists */
	shed_list_leave(l, &e[2]);
	check_ptr(enter(l, &e[0], "192.0.2.2"), NULL);
	check_ptr(enter(l, &e[2], "192.0.2.2"), &e[1]);
}

/* Who has an IPv6 address has a /64 of them. */
static void
shed_list_counts_an_ipv6_prefix(void **state)
{
	static struct shed_entry e[EACH + 2];
	struct shed_list *l = *state;

	check_ptr(enter(l, &e[0], "2001:db8:0:1::1"), NULL);
	check_ptr(enter(l, &e[1], "2001:db8:0:1::2"), NULL);
	check_ptr(enter(l, &e[2], "2001:db8:0:1:ffff::"), NULL);
	check_ptr(enter(l, &e[3], "2001:db8:0:2::1"), NULL);
	check_ptr(enter(l, &e[4], "2001:db8:0:1::1"), &e[0]);
}

static void
shed_list_forgets_who_left(void **state)
{
	struct shed_list *l = *state;
	char from[32];

	for (unsigned i = 0; i < 1000; i++) {
		struct shed_entry e = { 0 };

		snprintf(from, sizeof from, "10.0.%u.%u", i / 250, i % 250);
		check_ptr(enter(l, &e, from), NULL);
		shed_list_leave(l, &e);
		shed_list_leave(l, &e); /* once more does nothing */
	}
	check_size(shed_list_count(l), 0);
	check_ptr(shed_list_oldest(l), NULL);
}

static void
shed_list_frees_its_entries(void **state)
{
	struct shed_list *l = shed_list_new(TOTAL, EACH);
	struct shed_entry e = { 0 };

	(void)state;
	check_ptr(enter(l, &e, "192.0.2.1"), NULL);
	shed_list_free(l);
	check_ptr(e.source, NULL);
	shed_list_free(NULL);
}

static void
shed_list_works_without_memory(void **state)
{
	struct shed_entry e = { 0 }, *shed;
	const struct netaddr a = addr_of("192.0.2.1");
	struct shed_list *l = NULL;

	(void)state;
	for (size_t n = 1; l == NULL; n++) {
		fake_alloc_fail_at(n);
		l = shed_list_new(TOTAL, EACH);
		check(fake_alloc_failed() == (l == NULL));
	}
	fake_alloc_fail_at(1);
	check_int(shed_list_enter(l, &e, &a, 5, &shed), -1);
	check(fake_alloc_failed());
	check_ptr(e.source, NULL);
	check_size(shed_list_count(l), 0);
	check_ptr(enter(l, &e, "192.0.2.1"), NULL);
	shed_list_free(l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shed_list_sheds_the_oldest_of_all),
		TEST(shed_list_sheds_within_an_address),
		TEST(shed_list_counts_an_ipv6_prefix),
		TEST(shed_list_forgets_who_left),
		TEST(shed_list_frees_its_entries),
		TEST(shed_list_works_without_memory),
	};

	if (sodium_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
