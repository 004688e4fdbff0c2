/* spelling: what is near, what is not. */
#include "check.h"

#include "spelling.h"

static const char *
nearest(const char *word)
{
	static const char *const known[] = { "verify-clients",
		"verify-client-url", "stun", "stun-port", "a", "certdir" };
	struct spelling s = spelling_of(slice_str(word));

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		spelling_consider(&s, known[i]);
	return spelling_best(&s);
}

static void
spelling_finds_the_nearest(void **state)
{
	(void)state;
	check_text(nearest("verify-client"), "verify-clients");
	check_text(nearest("verfy-client-urls"), "verify-client-url");
	check_text(nearest("stum"), "stun");
	check_text(nearest("sutn"), "stun"); /* two letters swapped */
	check_text(nearest("stunport"), "stun-port");
	check_text(nearest("cert-dir"), "certdir");
	check_text(nearest("cretdir"), "certdir");
	check_text(nearest("stun"), "stun");
}

static void
spelling_does_not_guess(void **state)
{
	char longest[200];

	(void)state;
	check(nearest("") == NULL);
	check(nearest("b") == NULL);
	check(nearest("nope") == NULL);
	check(nearest("stunning-port") == NULL);
	check(nearest("rate-limit") == NULL);
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	check(nearest(longest) == NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spelling_finds_the_nearest),
		cmocka_unit_test(spelling_does_not_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
