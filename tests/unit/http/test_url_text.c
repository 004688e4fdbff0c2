/* url_text: what is shown of a URL. */
#include "check.h"

#include "url_text.h"

static void
check_shown(const char *url, const char *want)
{
	check_text(url_text_of(url).text, want);
}

static void
url_text_hides_secrets(void **state)
{
	(void)state;
	check_shown("https://h/verify", "https://h/verify");
	check_shown("https://relay:secret@h:8443/verify?token=x#y",
	    "https://h:8443/verify");
	check_shown("https://u@p@h/", "https://h/");
	check_shown("https://h?token=x/y", "https://h");
	check_shown("http://u:p@[::1]:80", "http://[::1]:80");
	check_shown("https://h/a@b/c", "https://h/a@b/c");
	check_shown("/etc/derper/nodes@host", "/etc/derper/nodes@host");
	check_shown("", "");
	check_shown("://", "://");
}

static void
check_origin(const char *url, const char *want)
{
	check_text(url_text_origin(url).text, want);
}

static void
url_text_origin_is_the_server_alone(void **state)
{
	(void)state;
	check_origin("https://h", "https://h");
	check_origin("https://h/verify/TOKEN", "https://h");
	check_origin("https://u:p@h:8443/verify?x=y", "https://h:8443");
	check_origin("http://[::1]:80/?a/b", "http://[::1]:80");
	check_origin("https://h?x=/y", "https://h");
	check_origin("/run/sock", "/run/sock");
}

/* What was typed without a scheme, or as a path, may hold a token all the same.
 */
static void
url_text_hides_what_is_not_a_url(void **state)
{
	static const char *const rows[][2] = {
		{ "h/verify/TOKEN", "h" },
		{ "h/verify", "h/verify" },
		{ "u:TOKEN@h/verify?t=TOKEN", "h/verify" },
		{ "h?TOKEN", "h" },
		{ "/TOKEN", "" },
		{ "htps://h/TOKEN", "htps://h" },
		{ "api", "api" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check_text(
		    url_text_unchecked(rows[i][0], "/verify").text, rows[i][1]);
}

static void
url_text_shows_a_known_path_only(void **state)
{
	(void)state;
	check_text(
	    url_text_with_path("https://u:p@h/verify?t=x", "/verify").text,
	    "https://h/verify");
	check_text(url_text_with_path("https://h/verify/TOKEN", "/verify").text,
	    "https://h");
	check_text(
	    url_text_with_path("https://h", "/verify").text, "https://h");
	check_text(
	    url_text_with_path("/run/sock", "/verify").text, "/run/sock");
}

static void
url_text_cuts(void **state)
{
	char url[2 * URL_TEXT_MAX] = "https://h/";

	(void)state;
	memset(url + 10, 'x', sizeof url - 11);
	check_size(strlen(url_text_of(url).text), URL_TEXT_MAX - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(url_text_hides_secrets),
		cmocka_unit_test(url_text_origin_is_the_server_alone),
		cmocka_unit_test(url_text_hides_what_is_not_a_url),
		cmocka_unit_test(url_text_shows_a_known_path_only),
		cmocka_unit_test(url_text_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
