/* yaml_scalar and yaml_date: every row was measured with yaml.v3. */
#include "check.h"

#include "yaml_date.h"
#include "yaml_scalar.h"

#include <math.h>

static const struct {
	const char *text;
	enum yaml_type type;
	double value; /* of numbers and booleans */
} guesses[] = {
	{ "", YAML_NULL, 0 },
	{ "~", YAML_NULL, 0 },
	{ "null", YAML_NULL, 0 },
	{ "Null", YAML_NULL, 0 },
	{ "nULL", YAML_TEXT, 0 },
	{ "true", YAML_BOOL, 1 },
	{ "False", YAML_BOOL, 0 },
	{ "tRUE", YAML_TEXT, 0 },
	{ "yes", YAML_TEXT, 0 },
	{ "<<", YAML_TEXT, 0 },
	{ "0", YAML_INT, 0 },
	{ "443", YAML_INT, 443 },
	{ "+443", YAML_INT, 443 },
	{ "-0", YAML_INT, 0 },
	{ "0443", YAML_INT, 291 },
	{ "-0443", YAML_INT, -291 },
	{ "0_443", YAML_INT, 291 },
	{ "08", YAML_FLOAT, 8 },
	{ "0900", YAML_FLOAT, 900 },
	{ "0x1bb", YAML_INT, 443 },
	{ "0X1F", YAML_INT, 31 },
	{ "+0x10", YAML_INT, 16 },
	{ "0x", YAML_TEXT, 0 },
	{ "0xg", YAML_TEXT, 0 },
	{ "0b11", YAML_INT, 3 },
	{ "0b2", YAML_TEXT, 0 },
	{ "0o17", YAML_INT, 15 },
	{ "0O17", YAML_INT, 15 },
	{ "-0o17", YAML_INT, -15 },
	{ "0o8", YAML_TEXT, 0 },
	{ "0b-1", YAML_INT, -1 },
	{ "0o+7", YAML_INT, 7 },
	{ "-0b-1", YAML_TEXT, 0 },
	{ "0O+7", YAML_TEXT, 0 },
	{ "1_", YAML_INT, 1 },
	{ "1__0", YAML_INT, 10 },
	{ "_1", YAML_TEXT, 0 },
	{ "-_1", YAML_INT, -1 },
	{ "+", YAML_TEXT, 0 },
	{ "-", YAML_TEXT, 0 },
	{ "--1", YAML_TEXT, 0 },
	{ "1a", YAML_TEXT, 0 },
	{ "3:30", YAML_TEXT, 0 },
	{ "1.", YAML_FLOAT, 1 },
	{ "1.5", YAML_FLOAT, 1.5 },
	{ "-1.5e1", YAML_FLOAT, -15 },
	{ "1e3", YAML_FLOAT, 1000 },
	{ "1E+3", YAML_FLOAT, 1000 },
	{ "1e1_0", YAML_FLOAT, 1e10 },
	{ "1e", YAML_TEXT, 0 },
	{ "1e400", YAML_TEXT, 0 },
	{ "1e-400", YAML_FLOAT, 0 },
	{ ".5", YAML_FLOAT, 0.5 },
	{ "+.5", YAML_FLOAT, 0.5 },
	{ ".5_5", YAML_FLOAT, 0.55 },
	{ "._5", YAML_TEXT, 0 },
	{ ".5_", YAML_TEXT, 0 },
	{ ".", YAML_TEXT, 0 },
	{ ".e5", YAML_TEXT, 0 },
	{ "1.2.3", YAML_TEXT, 0 },
	{ "0x1p4", YAML_TEXT, 0 },
	{ "inf", YAML_TEXT, 0 },
	{ ".inf", YAML_FLOAT, HUGE_VAL },
	{ "+.INF", YAML_FLOAT, HUGE_VAL },
	{ "-.Inf", YAML_FLOAT, -HUGE_VAL },
	{ ".iNF", YAML_TEXT, 0 },
	{ "9223372036854775807", YAML_INT, 9223372036854775807.0 },
	{ "-9223372036854775808", YAML_INT, -9223372036854775808.0 },
	{ "9223372036854775808", YAML_UINT, 9223372036854775808.0 },
	{ "-9223372036854775809", YAML_FLOAT, -9223372036854775809.0 },
	{ "18446744073709551616", YAML_FLOAT, 18446744073709551616.0 },
	{ "+18446744073709551615", YAML_FLOAT, 18446744073709551615.0 },
	{ "2020-01-01", YAML_DATE, 0 },
	{ "2020-13-01", YAML_TEXT, 0 },
};

static void
yaml_scalar_guesses_types(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++) {
		struct yaml_value v;
		double got;

		yaml_scalar_guess(&v, slice_str(guesses[i].text));
		got = v.type == YAML_BOOL  ? (double)v.b
		    : v.type == YAML_INT   ? (double)v.i
		    : v.type == YAML_UINT  ? (double)v.u
		    : v.type == YAML_FLOAT ? v.f
					   : 0;
		if (v.type != guesses[i].type || got != guesses[i].value)
			fail_msg("%s: got %d %g, want %d %g", guesses[i].text,
			    (int)v.type, got, (int)guesses[i].type,
			    guesses[i].value);
	}
}

static void
yaml_scalar_knows_nan(void **state)
{
	struct yaml_value v;

	(void)state;
	yaml_scalar_guess(&v, slice_str(".NaN"));
	check_int(v.type, YAML_FLOAT);
	check(isnan(v.f));
}

static void
yaml_scalar_knows_bool_words(void **state)
{
	static const char *const yes[] = { "y", "Y", "yes", "Yes", "YES", "on",
		"On", "ON" };
	static const char *const no[] = { "n", "N", "no", "No", "NO", "off",
		"Off", "OFF" };
	bool out;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		check_int(yaml_scalar_bool_word(slice_str(yes[i]), &out), 0);
		check(out);
		check_int(yaml_scalar_bool_word(slice_str(no[i]), &out), 0);
		check(!out);
	}
	check_int(yaml_scalar_bool_word(slice_str("yEs"), &out), -1);
	check_int(yaml_scalar_bool_word(slice_str("true"), &out), -1);
	check_int(yaml_scalar_bool_word(slice_str(""), &out), -1);
}

static void
yaml_date_is_as_lax_as_go(void **state)
{
	static const char *const dates[] = { "2020-01-01", "2020-1-1",
		"2020-02-29", "2000-02-29", "0000-01-01",
		"2020-01-01T10:00:00Z", "2020-1-1t1:2:3,5+01:30",
		"2020-01-01 10:0:0.123456789123", "2020-01-01    1:2:3",
		"2020-01-01T1:2:3-24:60" };
	static const char *const others[] = { "", "2020", "2020-", "2020-01",
		"2020-01-", "2020-13-01", "2020-00-01", "2020-01-32",
		"2021-02-29", "1900-02-29", "2020-04-31", "2020-001-01",
		"20200-01-01", "2020-01-01T10:00:00", "2020-01-01 10:00:00Z",
		"2020-01-01T24:00:00Z", "2020-01-01T10:60:00Z",
		"2020-01-01T10:00:60Z", "2020-01-01T10:00Z",
		"2020-01-01T10:00:00.Z", "2020-01-01T10:00:00+1:30",
		"2020-01-01T10:00:00+0130", "2020-01-01T10:00:00+25:00",
		"2020-01-01 ", "2020-01-01x", "2020-01-01T" };

	(void)state;
	for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++)
		if (!yaml_date_is(slice_str(dates[i])))
			fail_msg("%s is a date", dates[i]);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (yaml_date_is(slice_str(others[i])))
			fail_msg("%s is not a date", others[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_scalar_guesses_types),
		cmocka_unit_test(yaml_scalar_knows_nan),
		cmocka_unit_test(yaml_scalar_knows_bool_words),
		cmocka_unit_test(yaml_date_is_as_lax_as_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
