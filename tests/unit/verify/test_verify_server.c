/* Unit tests of verify/engine/verify_server: mistakes are told at the start,
 * and a key that is replaced is the key. */
#include "unit/verify/engine.h"
#include "verify_kinds.h"
#include "verify_server.h"

#include <sys/stat.h>

static const char *
key_file(const char *text)
{
	static char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/key", engine_dir());
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	check_int(chmod(path, 0600), 0);
	return path;
}

/* Of a headscale, whose first options are these. */
static int
init(struct verify_server *s, const char *url, const char *file,
    const char *variable, const struct verify_source_context *context,
    struct fail *why)
{
	struct verify_config config = { 0 };
	struct verify_source_config *row =
	    engine_add(&config, "headscale", url);
	const char *settings[VERIFY_OPTIONS_MAX] = { file, variable };
	int rc;

	*why = (struct fail){ 0 };
	check_int(verify_config_set_all(row, settings, why), 0);
	rc = verify_server_init(s, url, row, context, why);
	verify_config_clear(&config);
	return rc;
}

static void
server_tells_mistakes(void **state)
{
	const char *file = key_file("k\n");
	const struct {
		const char *url, *file, *variable, *why;
	} rows[] = {
		{ "https://h.example", NULL, NULL, "a key is needed" },
		{ "https://h.example", file, "K", "not in both" },
		{ "https://h.example", "/nonexistent/k", NULL,
		    "secret in /nonexistent/k" },
		{ "https://h.example", NULL, "DERPKIT_TEST_UNSET",
		    "is not set" },
		{ "htps://h.example", file, NULL, "htps" },
		{ "h.example", file, NULL, "h.example" },
	};
	const struct verify_source_context context = { .notice = NULL };
	struct verify_server s;
	struct fail why;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		check_int(init(&s, rows[i].url, rows[i].file, rows[i].variable,
			      &context, &why),
		    -1);
		if (strstr(why.text, rows[i].why) == NULL)
			fail_msg("row %zu: %s", i, why.text);
		verify_server_clear(&s);
	}
}

static void
server_makes_urls_and_reads_its_key_again(void **state)
{
	const char *file = key_file("first\n");
	const struct verify_source_context context = { .notice = NULL };
	struct verify_server s;
	struct verify_secret key;
	struct fail why;
	char *url;

	(void)state;
	check_int(
	    init(&s, "https://h.example//", file, NULL, &context, &why), 0);
	url = verify_server_url(&s, "/api/v1/node");
	check_text(url, "https://h.example/api/v1/node");
	free(url);
	check_int(verify_server_key(&s, &key, &why), 0);
	check_text(key.text, "first");
	key_file("second\n");
	check_int(verify_server_key(&s, &key, &why), 0);
	check_text(key.text, "second");
	unlink(file);
	check_int(verify_server_key(&s, &key, &why), -1);
	verify_server_clear(&s);
	verify_server_clear(&s);
}

static void
server_warns_of_a_key_that_all_can_read(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	const struct verify_source_context context = { .notice = engine_notice,
		.notice_ctx = &notices };
	const char *file = key_file("k\n");
	struct verify_server s;
	struct fail why;

	(void)state;
	check_int(init(&s, "https://h.example", file, NULL, &context, &why), 0);
	check_text(notices.text, "");
	verify_server_clear(&s);
	check_int(chmod(file, 0644), 0);
	check_int(init(&s, "https://h.example", file, NULL, &context, &why), 0);
	check(
	    strstr(notices.text, "everybody on this host can read it") != NULL);
	verify_server_clear(&s);
}

static int
end(void **state)
{
	(void)state;
	return engine_remove((const char *const[]){ "key", NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_tells_mistakes),
		cmocka_unit_test(server_makes_urls_and_reads_its_key_again),
		cmocka_unit_test(server_warns_of_a_key_that_all_can_read),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
