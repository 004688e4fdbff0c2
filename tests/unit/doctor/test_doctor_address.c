/* doctor_address: where listeners of all kinds are found. */
#include "check.h"

#include "doctor_address.h"

static const struct {
	const char *listener, *from_here;
	bool has_v4, has_v6;
} rows[] = {
	{ ":443", "127.0.0.1:443", true, true },
	{ "0.0.0.0:443", "127.0.0.1:443", true, false },
	{ "[::]:443", "[::1]:443", true, true },
	{ "192.0.2.1:443", "192.0.2.1:443", true, false },
	{ "[2001:db8::1]:443", "[2001:db8::1]:443", false, true },
};

static void
doctor_address_knows_listeners(void **state)
{
	struct netaddr listener, from_here;
	char text[NETADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		print_message("%s\n", rows[i].listener);
		check_int(netaddr_parse_listen(
			      &listener, slice_str(rows[i].listener)),
		    0);
		from_here = doctor_address_from_here(&listener);
		netaddr_format(&from_here, text);
		check_text(text, rows[i].from_here);
		check_int(
		    doctor_address_has_family(&listener, true), rows[i].has_v4);
		check_int(doctor_address_has_family(&listener, false),
		    rows[i].has_v6);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doctor_address_knows_listeners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
