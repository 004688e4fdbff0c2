/* own_address: which addresses this machine has. */
#include "check.h"

#include "own_address.h"

#include <sys/resource.h>

static enum own_address
ask(const char *text)
{
	struct netaddr a;

	check_int(netaddr_parse_ip(&a, slice_str(text)), 0);
	return own_address_ask(&a);
}

static void
own_address_knows_its_own(void **state)
{
	(void)state;
	check_int(ask("127.0.0.1"), OWN_ADDRESS_YES);
	/* documentation: nobody has them */
	check_int(ask("203.0.113.77"), OWN_ADDRESS_NO);
	check_int(ask("2001:db8::77"), OWN_ADDRESS_NO);
}

static void
own_address_says_when_it_cannot_be_asked(void **state)
{
	struct rlimit limit, none;
	enum own_address found;

	(void)state;
	check_int(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	check_int(setrlimit(RLIMIT_NOFILE, &none), 0);
	found = ask("203.0.113.77");
	check_int(setrlimit(RLIMIT_NOFILE, &limit), 0);
	check_int(found, OWN_ADDRESS_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_address_knows_its_own),
		cmocka_unit_test(own_address_says_when_it_cannot_be_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
