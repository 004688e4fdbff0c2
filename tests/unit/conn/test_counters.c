/* counters: sums and text. */
#include "check.h"

#include "counters.h"

static void
counters_add_adds_every_field(void **state)
{
	struct counters one, sum;
	uint64_t *a = (uint64_t *)&one, *b = (uint64_t *)&sum;
	const size_t fields = sizeof one / sizeof(uint64_t);

	(void)state;
	for (size_t i = 0; i < fields; i++) {
		a[i] = i + 1;
		b[i] = 1000;
	}
	counters_add(&sum, &one);
	for (size_t i = 0; i < fields; i++) {
		check_size(b[i], 1001 + i);
		check_size(a[i], i + 1);
	}
}

static void
counters_format_names_what_is_not_zero(void **state)
{
	struct counters c = {
		.accepts = 1, .packets_sent = UINT64_MAX, .current_home = 3
	};
	char text[256];

	(void)state;
	counters_format(&c, text, sizeof text);
	check_text(
	    text, "accepts=1 packets_sent=18446744073709551615 current_home=3");
	counters_format(&(struct counters){ 0 }, text, sizeof text);
	check_text(text, "");
}

/* Cut, whatever the size, and never behind the end. */
static void
counters_format_is_cut_at_the_size(void **state)
{
	struct counters c = { .accepts = 12, .connections = 3456 };
	const char *const whole = "accepts=12 connections=3456";
	char text[64];

	(void)state;
	for (size_t cap = 1; cap <= strlen(whole) + 1; cap++) {
		memset(text, '#', sizeof text);
		counters_format(&c, text, cap);
		check(strlen(text) < cap);
		check_int(memcmp(text, whole, strlen(text)), 0);
		check_int(text[cap], '#');
	}
	check_text(text, whole);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_add_adds_every_field),
		cmocka_unit_test(counters_format_names_what_is_not_zero),
		cmocka_unit_test(counters_format_is_cut_at_the_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
