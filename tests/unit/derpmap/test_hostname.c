/* Tests of host names. */
#include "check.h"

#include "hostname.h"

#include <string.h>

#define LABEL_63 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *text;
	unsigned faults;
	enum hostname_fault first;
} cases[] = {
	{ "derp.example.org", 0, 0 },
	{ "derp", 0, 0 },
	{ "4.example", 0, 0 },
	{ "xn--a-1", 0, 0 },
	{ LABEL_63 ".se", 0, 0 },
	{ "", HOSTNAME_EMPTY, HOSTNAME_EMPTY },
	{ "a" LABEL_63 ".se", HOSTNAME_LABEL_LONG, HOSTNAME_LABEL_LONG },
	{ "a.b.", HOSTNAME_LAST_DOT, HOSTNAME_LAST_DOT },
	{ "a..b", HOSTNAME_LABEL_EMPTY, HOSTNAME_LABEL_EMPTY },
	{ ".a", HOSTNAME_LABEL_EMPTY, HOSTNAME_LABEL_EMPTY },
	{ ".", HOSTNAME_LABEL_EMPTY | HOSTNAME_NUMERIC, HOSTNAME_LABEL_EMPTY },
	{ "-a.b", HOSTNAME_LABEL_DASH, HOSTNAME_LABEL_DASH },
	{ "a.b-", HOSTNAME_LABEL_DASH, HOSTNAME_LABEL_DASH },
	{ "a.B", HOSTNAME_UPPER, HOSTNAME_UPPER },
	{ "\xc3\xa4.se", HOSTNAME_NOT_ASCII, HOSTNAME_NOT_ASCII },
	{ "a_b", HOSTNAME_UNDERSCORE, HOSTNAME_UNDERSCORE },
	{ "A_b..c", HOSTNAME_UPPER | HOSTNAME_UNDERSCORE | HOSTNAME_LABEL_EMPTY,
	    HOSTNAME_UPPER },
	{ "a b", HOSTNAME_CHARACTER, HOSTNAME_CHARACTER },
	{ "a.b\xc2\xa0", HOSTNAME_CHARACTER, HOSTNAME_CHARACTER },
	{ "\xe2\x80\x98"
	  "a.b",
	    HOSTNAME_CHARACTER, HOSTNAME_CHARACTER },
	{ "a\xe2\x80\x8b.b", HOSTNAME_CHARACTER, HOSTNAME_CHARACTER },
	{ "a\xe3\x80\x82"
	  "b",
	    HOSTNAME_CHARACTER, HOSTNAME_CHARACTER },
	{ "a\xef\xbc\x8e"
	  "b",
	    HOSTNAME_CHARACTER, HOSTNAME_CHARACTER },
	{ "a\xff", HOSTNAME_CHARACTER, HOSTNAME_CHARACTER },
	/* a joiner between letters of Sinhala, as in its name of Sri Lanka */
	{ "\xe0\xb7\x81\xe0\xb7\x8a\xe2\x80\x8d\xe0\xb6\xbb.lk",
	    HOSTNAME_NOT_ASCII, HOSTNAME_NOT_ASCII },
	{ "\xe5\xb9\xbf.cn", HOSTNAME_NOT_ASCII, HOSTNAME_NOT_ASCII },
	{ "300.1.2.3", HOSTNAME_NUMERIC, HOSTNAME_NUMERIC },
	{ "1.2.3", HOSTNAME_NUMERIC, HOSTNAME_NUMERIC },
};

static void
hostname_finds_each_fault(void **state)
{
	struct hostname h;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		hostname_check(&h, slice_str(cases[i].text));
		check(!h.is_address);
		check_int((int)h.faults, (int)cases[i].faults);
		check_int((int)h.first, (int)cases[i].first);
	}
}

static void
hostname_counts_all_bytes(void **state)
{
	char text[HOSTNAME_MAX + 2];
	struct hostname h;

	(void)state;
	memset(text, 'a', sizeof text);
	for (size_t i = 50; i < sizeof text; i += 50)
		text[i] = '.';
	hostname_check(&h, slice_of(text, HOSTNAME_MAX));
	check_int((int)h.faults, 0);
	hostname_check(&h, slice_of(text, HOSTNAME_MAX + 1));
	check_int((int)h.faults, HOSTNAME_LONG);
}

static void
hostname_names_the_first_bad_character(void **state)
{
	struct hostname h;

	(void)state;
	hostname_check(&h, slice_str("a_b/c:d"));
	check_int(h.character, '/');
	check_int((int)h.first, HOSTNAME_UNDERSCORE);
}

static void
hostname_shows_characters_that_cannot_be_seen(void **state)
{
	static const struct {
		const char *text, *shown;
	} wanted[] = {
		{ "a/b", "the character '/'" },
		{ "a b", "a blank" },
		{ "ab\n", "a line break" },
		{ "ab\x01", "the character U+0001" },
		{ "ab\xc2\xa0", "a no-break space (U+00A0)" },
		{ "ab\xe2\x80\x83", "the character U+2003" },
	};
	char shown[HOSTNAME_SHOWN];
	struct hostname h;

	(void)state;
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		hostname_check(&h, slice_str(wanted[i].text));
		hostname_show(shown, h.character);
		check_text(shown, wanted[i].shown);
	}
}

static void
hostname_may_be_an_address(void **state)
{
	struct hostname h;

	(void)state;
	hostname_check(&h, slice_str("192.0.2.1"));
	check(h.is_address && h.address.is_v4 && h.faults == 0);
	hostname_check(&h, slice_str("2001:db8::1"));
	check(h.is_address && !h.address.is_v4 && h.faults == 0);
	hostname_check(&h, slice_str("[2001:db8::1]"));
	check(!h.is_address && h.faults == HOSTNAME_CHARACTER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostname_finds_each_fault),
		cmocka_unit_test(hostname_counts_all_bytes),
		cmocka_unit_test(hostname_names_the_first_bad_character),
		cmocka_unit_test(hostname_shows_characters_that_cannot_be_seen),
		cmocka_unit_test(hostname_may_be_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
