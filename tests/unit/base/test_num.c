/* num: Go's syntax, ranges and durations. */
#include "check.h"

#include "num.h"

#include <string.h>

static void
num_hex_digit_knows_22_bytes(void **state)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	(void)state;
	for (int c = 0; c < 256; c++) {
		const char *at = c == 0 ? NULL : strchr(digits, c);
		int want = at == NULL ? -1 : (int)(at - digits);

		check_int(
		    num_hex_digit((uint8_t)c), want > 15 ? want - 6 : want);
	}
}

static void
num_parses_ints_as_go(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} good[] = { { "0", 0 }, { "-0", 0 }, { "+7", 7 }, { "-12", -12 },
		{ "017", 15 }, { "00", 0 }, { "0o17", 15 }, { "0O17", 15 },
		{ "0x1F", 31 }, { "0Xff", 255 }, { "0b101", 5 },
		{ "-0x10", -16 }, { "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
		{ "-0x8000000000000000", INT64_MIN } };
	static const char *const bad[] = { "", "-", "+", "--1", "+-1", "1 ",
		" 1", "1.0", "1e3", "abc", "08", "0o8", "0x", "0xg", "0b2",
		"0b", "9223372036854775808", "-9223372036854775809",
		"18446744073709551616", "99999999999999999999999" };
	int64_t n;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		check_int(num_parse_int(slice_str(good[i].text), INT64_MIN,
			      INT64_MAX, &n),
		    0);
		check_int(n, good[i].want);
	}
	n = 42;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (num_parse_int(
			slice_str(bad[i]), INT64_MIN, INT64_MAX, &n) == 0)
			fail_msg("accepted: %s", bad[i]);
	check_int(n, 42);
}

static void
num_keeps_ranges(void **state)
{
	uint64_t u = 1;
	int64_t n = 1;

	(void)state;
	check_int(num_parse_int(slice_str("-1"), 0, 9, &n), -1);
	check_int(num_parse_int(slice_str("10"), 0, 9, &n), -1);
	check_int(n, 1);
	check_int(num_parse_int(slice_str("0"), 0, 9, &n), 0);
	check_int(num_parse_int(slice_str("9"), 0, 9, &n), 0);
	check_int(n, 9);
	check_int(num_parse_decimal(slice_str("65536"), 65535, &u), -1);
	check_size(u, 1);
	check_int(num_parse_decimal(slice_str("065535"), 65535, &u), 0);
	check_size(u, 65535);
	check_int(num_parse_decimal(
		      slice_str("18446744073709551615"), UINT64_MAX, &u),
	    0);
	check_size(u, UINT64_MAX);
	check_int(num_parse_decimal(
		      slice_str("18446744073709551616"), UINT64_MAX, &u),
	    -1);
}

static void
num_parses_decimals_of_digits_only(void **state)
{
	static const char *const bad[] = { "", "+1", "-1", " 1", "1 ", "0x1",
		"1a", "a" };
	uint64_t u;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (num_parse_decimal(slice_str(bad[i]), UINT64_MAX, &u) == 0)
			fail_msg("accepted: %s", bad[i]);
}

static void
num_parses_bools_as_go(void **state)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE",
		"True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE",
		"False" };
	static const char *const bad[] = { "", "tRUE", "yes", "on", "2",
		"true " };
	bool b;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		b = false;
		check_int(num_parse_bool(slice_str(yes[i]), &b), 0);
		check(b);
		check_int(num_parse_bool(slice_str(no[i]), &b), 0);
		check(!b);
		check_int(num_parse_bool(slice_str(bad[i]), &b), -1);
	}
}

static void
num_parses_durations_as_go(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} good[] = { { "0", 0 }, { "+0", 0 }, { "0s", 0 }, { "300ms", 300 },
		{ "1.5h", 5400000 }, { "2h45m", 9900000 }, { "2s", 2000 },
		{ "+3s", 3000 }, { ".5s", 500 }, { "1.s", 1000 },
		{ "1h0.5s", 3600500 }, { "1500us", 1 }, { "999\u00b5s", 0 },
		{ "2000\u03bcs", 2 }, { "1999999ns", 1 }, { "1m1s1ms", 61001 },
		{ "0.001s", 1 }, { "1.0009s", 1000 },
		{ "9223372036854775807ns", 9223372036854 } };
	static const char *const bad[] = { "", "+", "-1s", "-0s", "1", "1.5",
		"s", ".s", ".", "1x", "1 s", " 1s", "1s ", "1..5s", "1.5.5s",
		"1S", "1s5", "9223372036854775808ns", "99999999999999999999s",
		"2562048h", "5124095h0.9h", "5124095.9h", "3000000h3000000h" };
	uint64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		ms = 99;
		if (num_parse_duration_ms(slice_str(good[i].text), &ms) == -1)
			fail_msg("rejected: %s", good[i].text);
		check_size(ms, good[i].want);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (num_parse_duration_ms(slice_str(bad[i]), &ms) == 0)
			fail_msg("accepted: %s", bad[i]);
}

static void
num_parses_negative_durations(void **state)
{
	int64_t ns = 99;

	(void)state;
	check_int(num_parse_duration_ns(slice_str("-1.5s"), &ns), 0);
	check_int(ns, -1500000000);
	check_int(num_parse_duration_ns(slice_str("3h1ns"), &ns), 0);
	check_int(ns, 10800000000001);
	check_int(num_parse_duration_ns(slice_str("-0"), &ns), 0);
	check_int(ns, 0);
	ns = 99;
	check_int(num_parse_duration_ns(slice_str("-"), &ns), -1);
	check_int(num_parse_duration_ns(slice_str("--1s"), &ns), -1);
	check_int(num_parse_duration_ns(slice_str("1s0"), &ns), -1);
	check_int(ns, 99);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(num_hex_digit_knows_22_bytes),
		cmocka_unit_test(num_parses_ints_as_go),
		cmocka_unit_test(num_keeps_ranges),
		cmocka_unit_test(num_parses_decimals_of_digits_only),
		cmocka_unit_test(num_parses_bools_as_go),
		cmocka_unit_test(num_parses_durations_as_go),
		cmocka_unit_test(num_parses_negative_durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
