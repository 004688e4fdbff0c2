/* Unit tests of verify/engine/verify_secret and verify_token: what may go into
 * the head of a request, and what a secret is read from. */
#include "unit/verify/engine.h"
#include "verify_secret.h"
#include "verify_token.h"

#include <fcntl.h>
#include <sys/stat.h>

#define VARIABLE "DERPKIT_TEST_SECRET"

static const char *
secret_file(const char *bytes, size_t n)
{
	static char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/secret", engine_dir());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	check(fd != -1);
	check_int(write(fd, bytes, n), (int)n);
	close(fd);
	return path;
}

static int
load_bytes(
    const char *bytes, size_t n, struct verify_secret *secret, struct fail *why)
{
	const struct verify_secret_place place = { .file =
						       secret_file(bytes, n) };

	*why = (struct fail){ 0 };
	return verify_secret_load(&place, secret, why);
}

static void
secret_is_the_first_line(void **state)
{
	static const char *const files[] = { "tskey-1", "tskey-1\n",
		"tskey-1\r\n", "  tskey-1 \t\n", "tskey-1\nanother\n" };
	struct verify_secret secret;
	struct fail why;

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		check_int(
		    load_bytes(files[i], strlen(files[i]), &secret, &why), 0);
		check_text(secret.text, "tskey-1");
	}
}

static void
secret_refuses_what_no_header_may_have(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *why;
	} rows[] = {
		{ "", 0, "is empty" },
		{ "\n\ntskey", 7, "is empty" },
		{ "a b", 3, "not printable ASCII" },
		{ "a\rb\n", 4, "not printable ASCII" },
		{ "a\0b", 3, "not printable ASCII" },
		{ "\xc3\xa9", 2, "not printable ASCII" },
		{ "a\x7f", 2, "not printable ASCII" },
	};
	struct verify_secret secret = { "before" };
	struct fail why;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		check_int(
		    load_bytes(rows[i].bytes, rows[i].n, &secret, &why), -1);
		check_text(secret.text, "");
		if (strstr(why.text, rows[i].why) == NULL ||
		    strstr(why.text, "/secret: ") == NULL)
			fail_msg("row %zu: %s", i, why.text);
	}
}

static void
secret_has_a_limit(void **state)
{
	char text[VERIFY_SECRET_MAX + 8];
	struct verify_secret secret;
	struct fail why;

	(void)state;
	memset(text, 'x', sizeof text);
	check_int(load_bytes(text, VERIFY_SECRET_MAX, &secret, &why), 0);
	check_int(strlen(secret.text), VERIFY_SECRET_MAX);
	check_int(load_bytes(text, VERIFY_SECRET_MAX + 1, &secret, &why), -1);
	check(strstr(why.text, "is longer than 1024 bytes") != NULL);
	/* a longest one has room for its line end */
	memcpy(text + VERIFY_SECRET_MAX, "\r\n", 2);
	check_int(load_bytes(text, VERIFY_SECRET_MAX + 2, &secret, &why), 0);
	check_int(strlen(secret.text), VERIFY_SECRET_MAX);
}

static void
secret_is_not_read_from_what_may_block(void **state)
{
	char path[128];
	const struct verify_secret_place fifo = { .file = path },
					 folder = { .file = engine_dir() },
					 none = { .file = "/nonexistent/s" };
	struct verify_secret secret;
	struct fail why = { 0 };

	(void)state;
	snprintf(path, sizeof path, "%s/fifo", engine_dir());
	check_int(mkfifo(path, 0600), 0);
	check_int(verify_secret_load(&fifo, &secret, &why), -1);
	check(strstr(why.text, "is not a regular file") != NULL);
	why = (struct fail){ 0 };
	check_int(verify_secret_load(&folder, &secret, &why), -1);
	check(strstr(why.text, "is not a regular file") != NULL);
	why = (struct fail){ 0 };
	check_int(verify_secret_load(&none, &secret, &why), -1);
	check(strstr(why.text, "No such file") != NULL ||
	    strstr(why.text, "no such file") != NULL);
}

static void
secret_of_the_environment(void **state)
{
	const struct verify_secret_place place = { .variable = VARIABLE };
	struct verify_secret secret;
	struct fail why = { 0 };

	(void)state;
	unsetenv(VARIABLE);
	check_int(verify_secret_load(&place, &secret, &why), -1);
	check_text(why.text, "environment variable " VARIABLE ": is not set");
	setenv(VARIABLE, "tskey-2", 1);
	check_int(verify_secret_load(&place, &secret, &why), 0);
	check_text(secret.text, "tskey-2");
	check(!verify_secret_is_exposed(&place));
	verify_secret_wipe(&secret);
	check_text(secret.text, "");
	unsetenv(VARIABLE);
}

static void
secret_that_all_can_read_is_noticed(void **state)
{
	const struct verify_secret_place place = { .file =
						       secret_file("x", 1) };

	(void)state;
	check_int(chmod(place.file, 0640), 0);
	check(!verify_secret_is_exposed(&place));
	check_int(chmod(place.file, 0644), 0);
	check(verify_secret_is_exposed(&place));
}

/* The parser, row by row: what it takes, and for how long. */
static void
token_is_taken_or_refused(void **state)
{
	static const struct {
		const char *body, *token;
		uint64_t lasts_ms;
	} rows[] = {
		{ "{\"access_token\":\"t\",\"expires_in\":3600}", "t",
		    3600000 },
		{ "{\"access_token\":\"t\"}", "t", 0 },
		{ "{\"access_token\":\"t\",\"expires_in\":-5}", "t", 0 },
		{ "{\"access_token\":\"t\",\"expires_in\":\"5\"}", "t", 0 },
		{ "{\"access_token\":\"t\",\"expires_in\":9999999999}", "t",
		    86400000 },
		{ "{\"access_token\":\"\"}", NULL, 0 },
		{ "{\"access_token\":7}", NULL, 0 },
		{ "{\"access_token\":\"a b\"}", NULL, 0 },
		{ "{\"access_token\":\"a\\r\\nX: y\"}", NULL, 0 },
		{ "{\"access_token\":\"a\\u0000b\"}", NULL, 0 },
		{ "{\"access_token\":\"\\u00e9\"}", NULL, 0 },
		{ "{\"error\":\"invalid_client\"}", NULL, 0 },
		{ "[]", NULL, 0 },
		{ "", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct verify_secret token = { "before" };
		struct fail why = { 0 };
		uint64_t lasts_ms = 0;
		const int rc = verify_token_parse(
		    slice_str(rows[i].body), &token, &lasts_ms, &why);

		if (rc != (rows[i].token != NULL ? 0 : -1) ||
		    strcmp(token.text, rc == 0 ? rows[i].token : "before") !=
			0 ||
		    lasts_ms != rows[i].lasts_ms)
			fail_msg("%s: %d \"%s\" %u", rows[i].body, rc,
			    token.text, (unsigned)lasts_ms);
	}
}

static int
end(void **state)
{
	(void)state;
	return engine_remove((const char *const[]){ "secret", "fifo", NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_is_the_first_line),
		cmocka_unit_test(secret_refuses_what_no_header_may_have),
		cmocka_unit_test(secret_has_a_limit),
		cmocka_unit_test(secret_is_not_read_from_what_may_block),
		cmocka_unit_test(secret_of_the_environment),
		cmocka_unit_test(secret_that_all_can_read_is_noticed),
		cmocka_unit_test(token_is_taken_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
