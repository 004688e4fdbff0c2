/* Unit tests of verify/engine/verify_config, verify_kinds and the checks of
 * verify_sources_open. */
#include "unit/verify/engine.h"

#include "verify_kinds.h"

static void
config_adds_sources_of_every_kind(void **state)
{
	struct verify_config config = { 0 };
	const struct verify_source_kind *kind;
	struct fail why = { 0 };
	size_t n;

	(void)state;
	for (n = 0; (kind = verify_kinds_get(n)) != NULL; n++) {
		check(verify_kinds_find(kind->name) == kind);
		check(kind->tool_option != NULL && kind->tool_help != NULL);
		check(kind->relay_option == NULL || kind->relay_help != NULL);
		assert_non_null(
		    verify_config_add(&config, kind->name, "argument", &why));
		check(config.sources[n].kind == kind);
		check_text(config.sources[n].argument, "argument");
		check_int(config.sources[n].outage, VERIFY_OUTAGE_DEFAULT);
	}
	check_size(config.source_count, n);
	check_null(verify_kinds_get(n + 1));
}

static void
config_rejects_what_is_no_source(void **state)
{
	static const struct {
		const char *kind, *argument, *why;
	} cases[] = {
		{ "dns", "x", "\"dns\" is not a kind of source" },
		{ "url", "", "source url: the URL is empty" },
		{ "nodes", NULL, "source nodes: the FILE is empty" },
	};
	struct verify_config config = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fail why = { 0 };

		check_null(verify_config_add(
		    &config, cases[i].kind, cases[i].argument, &why));
		check_text(why.text, cases[i].why);
	}
	check_size(config.source_count, 0);
	assert_non_null(engine_add(&config, "tailscaled", NULL));
	check_text(config.sources[0].argument, "");
}

static void
config_bounds_the_number_of_sources(void **state)
{
	struct verify_config config = { 0 };
	struct fail why = { 0 };

	(void)state;
	for (int i = 0; i < VERIFY_SOURCES_MAX; i++)
		engine_add(&config, "nodes", "x");
	check_null(verify_config_add(&config, "nodes", "x", &why));
	check_text(why.text, "more than 64 verify sources");
	check_size(config.source_count, VERIFY_SOURCES_MAX);
}

/* A setting that a source would ignore is an error: nobody may believe that a
 * node list has an outage policy. */
static void
config_rejects_settings_that_a_source_lacks(void **state)
{
	struct verify_config open = { 0 }, roots = { 0 };
	struct fail why = { 0 };

	(void)state;
	engine_add(&open, "tailscaled", "x")->outage = VERIFY_OUTAGE_OPEN;
	check_null(verify_new(&open, &why));
	check_text(why.text, "source tailscaled cannot fail open");
	why = (struct fail){ 0 };
	engine_add(&roots, "nodes", "x")->ca_file = "roots.pem";
	check_null(verify_new(&roots, &why));
	check_text(why.text, "source nodes does not use a CA file");
}

static void
config_names_the_policies(void **state)
{
	(void)state;
	check_text(verify_config_policy_name(VERIFY_POLICY_ALL), "all");
	check_text(verify_config_policy_name(VERIFY_POLICY_ANY), "any");
	check_null(verify_config_policy_name(2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_adds_sources_of_every_kind),
		cmocka_unit_test(config_rejects_what_is_no_source),
		cmocka_unit_test(config_bounds_the_number_of_sources),
		cmocka_unit_test(config_rejects_settings_that_a_source_lacks),
		cmocka_unit_test(config_names_the_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
