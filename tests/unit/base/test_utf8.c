/* utf8: every code point there and back, and what RFC 3629 forbids. */
#include "check.h"

#include "utf8.h"

static void
utf8_round_trips_every_code_point(void **state)
{
	(void)state;
	for (uint32_t code = 0; code < 0x110000; code++) {
		bool surrogate = code >= 0xd800 && code < 0xe000;
		uint8_t b[4];
		uint32_t got = UINT32_MAX;
		size_t n = utf8_put(b, code);
		size_t used = utf8_next(slice_of(b, n), &got);

		if (used != (surrogate ? 0 : n) || (!surrogate && got != code))
			fail_msg(
			    "U+%04X: %zu of %zu, U+%04X", code, used, n, got);
		if (n > 1 && utf8_next(slice_of(b, n - 1), NULL) != 0)
			fail_msg("U+%04X cut short", code);
	}
}

static void
utf8_rejects_what_is_malformed(void **state)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80",
		"\xc1\xbf", "\xc3", "\xc3(", "\xe0\x80\x80", "\xe0\x9f\xbf",
		"\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80", "\xfe", "\xff", "ok\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		check(!utf8_valid(slice_str(bad[i])));
	check_size(utf8_next(slice_of(NULL, 0), NULL), 0);
	check(utf8_valid(slice_of(NULL, 0)));
	check(utf8_valid(slice_str("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")));
	check(utf8_valid(slice_of("\0", 1)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_round_trips_every_code_point),
		cmocka_unit_test(utf8_rejects_what_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
