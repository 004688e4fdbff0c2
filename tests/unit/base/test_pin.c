/* Tests of pins. */
#include "check.h"

#include "pin.h"

#include <string.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define COLONS                                                     \
	"01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45" \
	":67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF"

static void
pin_is_valid_in_one_spelling(void **state)
{
	static const char *const bad[] = { "", "sha256-raw:", HEX,
		"sha256:" HEX, "SHA256-RAW:" HEX, "sha256-raw:" HEX "0",
		"sha256-raw: " HEX, "sha256-raw:A" HEX, "sha256-raw:" COLONS };
	char text[PIN_TEXT + 1] = "sha256-raw:" HEX;

	(void)state;
	check(pin_is_valid(slice_str(text)));
	text[20] = 'A';
	check(!pin_is_valid(slice_str(text)));
	text[20] = 'g';
	check(!pin_is_valid(slice_str(text)));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		check(!pin_is_valid(slice_str(bad[i])));
}

static void
pin_is_meant_by_what_looks_like_one(void **state)
{
	static const char *const meant[] = { "sha256-raw:" HEX, "sha256:x",
		"SHA256 x", HEX, COLONS,
		"0123456789abcdef0123456789abcdef01234567" };
	static const char *const not_meant[] = { "", "sha25", "cafe",
		"derp.example.org", HEX "g",
		"0123456789abcdef0123456789abcdef0123456" };

	(void)state;
	for (size_t i = 0; i < sizeof meant / sizeof meant[0]; i++)
		check(pin_is_meant(slice_str(meant[i])));
	for (size_t i = 0; i < sizeof not_meant / sizeof not_meant[0]; i++)
		check(!pin_is_meant(slice_str(not_meant[i])));
	check(!pin_is_meant(slice_of(HEX, sizeof HEX))); /* a NUL at the end */
}

static void
pin_format_is_valid(void **state)
{
	char text[PIN_TEXT];

	(void)state;
	pin_format(text, HEX);
	check_text(text, "sha256-raw:" HEX);
	check_size(strlen(text) + 1, PIN_TEXT);
	check(pin_is_valid(slice_str(text)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pin_is_valid_in_one_spelling),
		cmocka_unit_test(pin_is_meant_by_what_looks_like_one),
		cmocka_unit_test(pin_format_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
