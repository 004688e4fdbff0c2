/* flags: values that are empty. */
#include "check.h"

#include "config.h"
#include "flags.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 4

/* Variables, as "NAME=value"; NULL ends them. */
static const char *environment[WORDS_MAX + 1];

static char *
env(const char *name)
{
	const size_t n = strlen(name);

	for (size_t i = 0; environment[i] != NULL; i++)
		if (strncmp(environment[i], name, n) == 0 &&
		    environment[i][n] == '=')
			return (char *)(uintptr_t)(environment[i] + n + 1);
	return NULL;
}

/* Parses -dev and two words, of which the second may be NULL. */
static enum flags_result
parse(struct config *c, struct fail *why, const char *one, const char *two)
{
	char *argv[] = { (char *)(uintptr_t) "derper",
		(char *)(uintptr_t) "-dev", (char *)(uintptr_t)one,
		(char *)(uintptr_t)two, NULL };

	*why = (struct fail){ 0 };
	return flags_parse(c, two != NULL ? 4 : 3, argv, env, why);
}

static void
refused(const char *one, const char *two, const char *flag)
{
	struct config c;
	struct fail why;
	char want[80];

	snprintf(want, sizeof want, "invalid value \"\" for flag %s: ", flag);
	check_int(parse(&c, &why, one, two), FLAGS_USAGE);
	check_contains(why.text, want);
}

/* How many values all flags of admission sources have. */
static size_t
sources(const struct config *c)
{
	size_t n = 0;

	for (size_t i = 0; i < VERIFY_KINDS_MAX; i++)
		n += c->verify_sources[i].n;
	return n;
}

/* Who may use the relay is not left to a variable that a script has not set,
 * whatever else is given. */
static void
flags_of_admission_have_values(void **state)
{
	static const char *const flags[] = { "-verify-nodes", "-verify-deny",
		"-verify-config", "-verify-client-url-ca", "-verify-headscale",
		"-verify-headscale-key-file" };
	char word[64], none[] = "";

	(void)state;
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		snprintf(word, sizeof word, "%s=", flags[i]);
		refused(word, NULL, flags[i]);
		refused(flags[i], none, flags[i]);
		refused("-verify-clients", word, flags[i]);
	}
	refused("-verify-nodes=/a", "-verify-nodes=", "-verify-nodes");
	environment[0] = "DERP_VERIFY_NODES=/a";
	environment[1] = "DERP_VERIFY_CONFIG=/b";
	refused("-verify-nodes=", NULL, "-verify-nodes");
	refused("-verify-config=", NULL, "-verify-config");
	environment[0] = NULL;
}

/* Variables that are empty count as not set, as compose files have them, and
 * flags of the Go derper are empty by default. */
static void
flags_of_others_may_be_empty(void **state)
{
	struct config c;
	struct fail why;

	(void)state;
	environment[0] = "DERP_VERIFY_NODES=";
	environment[1] = "DERP_VERIFY_CONFIG=";
	environment[2] = "DERP_VERIFY_DENY=";
	environment[3] = "DERP_VERIFY_CLIENT_URL=http://x";
	check_int(
	    parse(&c, &why, "-verify-client-url=", "-mesh-with="), FLAGS_OK);
	check_text(why.text, "");
	check_size(sources(&c), 0);
	check_size(c.verify_deny.n, 0);
	check_text(c.verify_config, "");
	check_text(c.verify_url, "");
	environment[0] = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_of_admission_have_values),
		cmocka_unit_test(flags_of_others_may_be_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
