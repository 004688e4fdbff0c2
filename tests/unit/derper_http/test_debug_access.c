/* debug_access: by address, behind a proxy, by key. */
#include "check.h"

#include "debug_access.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *key_file, *allowed_ip, *trusted;

static char *
env(const char *name)
{
	const char *value = strcmp(name, "TS_DEBUG_KEY_PATH") == 0 ? key_file
	    : strcmp(name, "TS_ALLOW_DEBUG_IP") == 0               ? allowed_ip
	    : strcmp(name, "TS_DEBUG_TRUSTED_CIDRS") == 0          ? trusted
								   : NULL;

	return (char *)(uintptr_t)value;
}

static bool
allows(const char *ip, const char *request)
{
	struct debug_access access;
	struct http1_request req;
	struct netaddr peer;
	struct fail why = { 0 };
	size_t used;

	check_int(debug_access_init(&access, env, &why), 0);
	if (ip != NULL)
		check_int(netaddr_parse_ip(&peer, slice_str(ip)), 0);
	check_int(
	    http1_request_parse(slice_str(request), &req, &used), HTTP1_OK);
	return debug_access_allows(&access, &req, ip != NULL ? &peer : NULL);
}

#define PLAIN "GET /debug/ HTTP/1.1\r\nHost: h\r\n\r\n"
#define PROXIED "GET /debug/ HTTP/1.1\r\nHost: h\r\nx-forwarded-for: 1\r\n\r\n"

static int
setup(void **state)
{
	(void)state;
	key_file = allowed_ip = trusted = NULL;
	return 0;
}

static void
debug_access_goes_by_address(void **state)
{
	static const struct {
		const char *ip;
		bool allowed;
	} rows[] = {
		{ "127.0.0.1", true },
		{ "127.9.9.9", true },
		{ "::1", true },
		{ "100.64.0.1", true },
		{ "100.115.91.255", true },
		{ "100.115.92.1", false },
		{ "100.115.93.255", false },
		{ "100.115.94.0", true },
		{ "100.128.0.1", false },
		{ "fd7a:115c:a1e0::5", true },
		{ "fd7a:115c:a1e1::5", false },
		{ "10.0.0.1", false },
		{ "192.0.2.1", false },
		{ "2001:db8::1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (allows(rows[i].ip, PLAIN) != rows[i].allowed)
			fail_msg("%s", rows[i].ip);
	check(!allows(NULL, PLAIN)); /* nobody knows */
}

static void
debug_access_takes_the_environments_word(void **state)
{
	(void)state;
	allowed_ip = "192.0.2.1";
	trusted = "10.1.0.0/16, 2001:db8::/32,";
	check(allows("192.0.2.1", PLAIN));
	check(!allows("192.0.2.2", PLAIN));
	check(allows("10.1.255.1", PLAIN));
	check(!allows("10.2.0.1", PLAIN));
	check(allows("2001:db8::1", PLAIN));
}

static void
debug_access_trusts_no_address_behind_a_proxy(void **state)
{
	(void)state;
	allowed_ip = "192.0.2.1";
	check(!allows("127.0.0.1", PROXIED));
	check(!allows("192.0.2.1", PROXIED));
}

static void
debug_access_takes_a_key_from_anywhere(void **state)
{
	static const char good[] = "GET /debug/?debugkey=s3%20cret HTTP/1.1\r\n"
				   "Host: h\r\nX-Forwarded-For: 1\r\n\r\n";
	static const char head[] =
	    "HEAD /debug/?debugkey=s3%20cret HTTP/1.1\r\n"
	    "Host: h\r\n\r\n";
	char path[] = "/tmp/test_debug_access.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	check(fd != -1);
	check_int(write(fd, " s3 cret\n", 9), 9);
	check(!allows("192.0.2.1", good)); /* without a file no key is right */
	key_file = path;
	check(allows("192.0.2.1", good));
	check(!allows("192.0.2.1", head));
	/* for other pages nobody has the file read */
	check(!allows("192.0.2.1",
	    "GET /?debugkey=s3%20cret HTTP/1.1\r\nHost: h\r\n\r\n"));
	check(!allows("192.0.2.1",
	    "GET /debug/?debugkey=s3 HTTP/1.1\r\nHost: h\r\n\r\n"));
	/* an empty file is not a key */
	check_int(ftruncate(fd, 0), 0);
	check(!allows(
	    "192.0.2.1", "GET /debug/?debugkey= HTTP/1.1\r\nHost: h\r\n\r\n"));
	close(fd);
	unlink(path);
	check(!allows("192.0.2.1", good));
}

static void
debug_access_refuses_bad_prefixes(void **state)
{
	static const char *const bad[] = { "x", "10.0.0.0", "10.0.0.0/33",
		"::/129", "10.0.0.0/8,y/8", "10.0.0.0/-1", "/8" };
	struct debug_access access;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct fail why = { 0 };

		trusted = bad[i];
		check_int(debug_access_init(&access, env, &why), -1);
		check_contains(why.text, "is not a prefix");
	}
}

/* One more than there is room for. */
static void
debug_access_bounds_the_prefixes(void **state)
{
	char text[(DEBUG_ACCESS_PREFIXES_MAX + 1) * 8 + 1] = "";
	struct debug_access access;
	struct fail why = { 0 };

	(void)state;
	for (size_t i = 0; i < DEBUG_ACCESS_PREFIXES_MAX; i++)
		strcat(text, "::1/64,");
	trusted = text;
	check_int(debug_access_init(&access, env, &why), 0);
	strcat(text, "::1/64");
	check_int(debug_access_init(&access, env, &why), -1);
	check_contains(why.text, "more than");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(debug_access_goes_by_address, setup),
		cmocka_unit_test_setup(
		    debug_access_takes_the_environments_word, setup),
		cmocka_unit_test_setup(
		    debug_access_trusts_no_address_behind_a_proxy, setup),
		cmocka_unit_test_setup(
		    debug_access_takes_a_key_from_anywhere, setup),
		cmocka_unit_test_setup(
		    debug_access_refuses_bad_prefixes, setup),
		cmocka_unit_test_setup(debug_access_bounds_the_prefixes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
