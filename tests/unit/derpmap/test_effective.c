/* effective: casts of settings, where they come from, short memory. */
#include "check.h"
#include "fake_alloc.h"

#include "effective.h"
#include "lint.h"

#include <stdio.h>

static const struct environment no_environment;

static void
read_config(struct headscale_config *c, const char *text)
{
	struct fail why = { .text = "" };

	check_int(
	    headscale_config_text(c, "c.yaml", slice_str(text), &no_environment,
		headscale_version_at(HEADSCALE_0_29), &why),
	    0);
}

static void
headscale_config_casts_as_viper(void **state)
{
	static const struct {
		const char *id;
		int64_t want;
		bool fits;
	} samples[] = {
		{ "900", 900, true },
		{ "0777", 511, true },
		{ "\"0x10\"", 16, true },
		{ "\"9_00\"", 900, true },
		{ "\"9__00\"", 0, false },
		{ "\"_900\"", 0, false },
		{ "\"900_\"", 0, false },
		{ "900.9", 900, true },
		{ "\"900.9\"", 900, true },
		{ "\"-.5\"", 0, true },
		{ "\"9.x\"", 0, false },
		{ "true", 1, true },
		{ "~", 0, true },
		{ "\"\"", 0, true },
		{ "abc", 0, false },
		{ "[1]", 0, false },
		{ "2020-01-01", 0, false },
		{ ".nan", INT64_MIN, true },
	};
	struct headscale_config c;
	char text[100];

	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		snprintf(text, sizeof text, "derp: {server: {region_id: %s}}\n",
		    samples[i].id);
		read_config(&c, text);
		check_int(c.region_id.v, samples[i].want);
		check_int(c.region_id.fits, samples[i].fits);
		headscale_config_close(&c);
	}
}

static void
headscale_config_keeps_places(void **state)
{
	struct headscale_config c;

	(void)state;
	read_config(&c, "server_url: http://a\nderp:\n  paths: [a]\n  urls:\n");
	check_int(headscale_config_place(&c.paths.from).line, 3);
	check_int(headscale_config_place(&c.paths.from).column, 10);
	check_int(c.urls.from.source, VIPER_UNSET);
	check_int(c.update_frequency.from.source, VIPER_DEFAULT);
	check_int(headscale_config_place(&c.update_frequency.from).line, 0);
	check_null(c.error.text);
	headscale_config_close(&c);
	headscale_config_close(&c);
	read_config(&c, "server_url: http://a\nderp: {a: 1, a: 2}\n");
	check_contains(c.error.text, "While parsing config");
	check_int(c.error.at.line, 2);
	check_int(c.error.at.column, 14);
	headscale_config_close(&c);
}

/* The rules, with the n-th allocation failing. */
static void
check_lint(const struct effective *e, size_t n)
{
	struct arena *arena = arena_new(1 << 20);
	struct findings list;

	findings_init(&list, arena);
	fake_alloc_fail_at(n);
	lint_config(e, NULL, &list);
	/* as every allocation of findings comes from the arena */
	check(!fake_alloc_failed() || list.failed || list.count > 0);
	check_text(list.failed ? "c" : list.first->file, "c");
	arena_free(arena);
}

/* The whole way with each allocation failing once. */
static void
effective_survives_short_memory(void **state)
{
	const char *text =
	    "server_url: https://a.b\n"
	    "derp: {urls: ['http://a/'], paths: [/dev/null], server: {enabled: "
	    "1, region_id: 9, stun_listen_addr: ':1', private_key_path: k}}\n";
	const struct headscale_version *version =
	    headscale_version_at(HEADSCALE_0_29);
	struct fail why = { .text = "" };
	struct headscale_config c;
	struct effective e;

	(void)state;
	for (size_t n = 1;; n++) {
		int result;

		fake_alloc_fail_at(n);
		result = headscale_config_text(
		    &c, "c", slice_str(text), &no_environment, version, &why);
		if (result == 0 && effective_make(&e, &c, NULL, &why) == 0) {
			bool failed = fake_alloc_failed();

			/* a part is never reported as the whole */
			check(failed || e.start == EFFECTIVE_DEPENDS);
			check(failed || e.map.region_count == 1);
			check_lint(&e, n);
			effective_clear(&e);
			effective_clear(&e);
			headscale_config_close(&c);
			if (!failed)
				break;
			continue;
		}
		check(fake_alloc_failed());
		check_contains(why.text, "not enough memory");
		if (result == 0)
			headscale_config_close(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headscale_config_casts_as_viper),
		cmocka_unit_test(headscale_config_keeps_places),
		cmocka_unit_test(effective_survives_short_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
