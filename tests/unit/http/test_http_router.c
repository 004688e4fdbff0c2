/* Unit tests of lib/http/http_router. */
#include "http_router.h"

#include "http_owner.h"

#define HOST " HTTP/1.1\r\nHost: h\r\n"

enum { MAIN = 1, PLAIN = 2 }; /* listeners */

static void
say(struct http_server *s, const char *text, struct slice body)
{
	char whole[64];
	struct writer w = writer_of(whole, sizeof whole);

	writer_printf(&w, "%s:", text);
	writer_bytes(&w, body.p, body.n);
	http_server_answer(s,
	    &(struct http_server_answer){
		.status = 200, .body = writer_slice(&w) });
}

#define HANDLER(name)                                           \
	static void name(void *ctx, struct http_server *s,      \
	    const struct http1_request *req, struct slice body) \
	{                                                       \
		check_ptr(&((struct owner *)ctx)->server, s);   \
		check(req->path.n > 0);                         \
		say(s, #name, body);                            \
	}

HANDLER(home)
HANDLER(derp)
HANDLER(below)
HANDLER(deeper)
HANDLER(verify)
HANDLER(plain)

static const struct http_route routes[] = {
	{ .path = "/", .handle = home, .listeners = MAIN },
	{ .path = "/derp", .handle = derp },
	{ .path = "/debug/", .handle = below },
	{ .path = "/debug/vars/", .handle = deeper },
	{ .path = "/verify",
	    .handle = verify,
	    .methods = "POST, PUT",
	    .body_max = 8 },
	{ .path = "/plain", .handle = plain, .listeners = PLAIN },
};
static const struct http_router router = { routes,
	sizeof routes / sizeof routes[0] };

static unsigned listener;

static void
handle(struct owner *o, const struct http1_request *req, struct slice body)
{
	if (!http_router_clean(&o->server, req) &&
	    !http_router_handle(&router, listener, o, &o->server, req, body))
		http_server_error(&o->server, 404, "nothing there");
}

/* The answer to a request on the main listener holds both texts. */
static void
asks(const char *request, const char *head, const char *body)
{
	struct owner *o = owner_open(handle);

	o->body_max = 8;
	owner_feed(o, request);
	check_size(o->requests, 1);
	check_contains(owner_text(o), head);
	check_contains(owner_text(o), body);
	check_size(owner_count(o, "HTTP/1.1"), 1);
	owner_close(o);
}

static void
http_router_finds_the_longest_row(void **state)
{
	(void)state;
	listener = MAIN;
	asks("GET /" HOST "\r\n", "200 OK", "home:");
	asks("GET /x" HOST "\r\n", "200 OK", "home:");
	asks("GET /derp" HOST "\r\n", "200 OK", "derp:");
	asks("GET /derp/" HOST "\r\n", "200 OK", "home:");
	asks("GET /debug" HOST "\r\n", "200 OK", "home:");
	asks("GET /debug/" HOST "\r\n", "200 OK", "below:");
	asks("GET /debug/x/y" HOST "\r\n", "200 OK", "below:");
	asks("GET /debug/vars" HOST "\r\n", "200 OK", "below:");
	asks("GET /debug/vars/" HOST "\r\n", "200 OK", "deeper:");
	asks("GET /plain" HOST "\r\n", "200 OK", "home:");
	check_null(http_router_find(&router, slice_str("*"), MAIN));
	check_size(
	    http_router_find(&router, slice_str("/verify"), MAIN)->body_max, 8);
}

static void
http_router_tells_listeners_apart(void **state)
{
	(void)state;
	listener = PLAIN;
	asks("GET /" HOST "\r\n", "404 Not Found", "nothing there\n");
	asks("GET /derp" HOST "\r\n", "200 OK", "derp:");
	asks("GET /plain" HOST "\r\n", "200 OK", "plain:");
}

static void
http_router_checks_methods(void **state)
{
	(void)state;
	listener = MAIN;
	asks("POST /verify" HOST "Content-Length: 2\r\n\r\nab", "200 OK",
	    "verify:ab");
	asks("PUT /verify" HOST "\r\n", "200 OK", "verify:");
	asks("GET /verify" HOST "\r\n", "405 Method Not Allowed",
	    "\r\nAllow: POST, PUT\r\n");
	asks("post /verify" HOST "\r\n", "405 Method Not Allowed",
	    "\r\n\r\nMethod Not Allowed\n");
	asks("DELETE /derp" HOST "\r\n", "200 OK", "derp:");
}

static void
http_router_cleans_paths(void **state)
{
	static const char *const cases[][2] = {
		{ "//derp", "/derp" },
		{ "/a/../derp/./probe", "/derp/probe" },
		{ "/../../", "/" },
		{ "/..", "/" },
		{ "/.", "/" },
		{ "/a/b/../../c/", "/c/" },
		{ "/a//", "/a/" },
		{ "//derp?x=1&y", "/derp?x=1&y" },
		{ "//derp?/../", "/derp?/../" },
	};
	char request[128], location[128];

	(void)state;
	listener = MAIN;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(
		    request, sizeof request, "GET %s" HOST "\r\n", cases[i][0]);
		snprintf(location, sizeof location, "\r\nLocation: %s\r\n",
		    cases[i][1]);
		asks(request, "301 Moved Permanently", location);
	}
	asks("GET /...//x" HOST "\r\n", "301 Moved", "Location: /.../x\r\n");
	asks("GET /.../x" HOST "\r\n", "200 OK", "home:");
	asks("GET /a/b..c/.d" HOST "\r\n", "200 OK", "home:");
}

static void
http_router_limits_what_it_cleans(void **state)
{
	static char request[12000];
	struct writer w = writer_of(request, sizeof request - 1);

	(void)state;
	listener = MAIN;
	/* too long to be cleaned: as it is */
	writer_printf(&w, "GET //");
	while (w.n < 5000)
		writer_u8(&w, 'a');
	writer_printf(&w, HOST "\r\n");
	asks(request, "200 OK", "home:");
	/* too long for a redirect */
	memset(request, 0, sizeof request);
	w = writer_of(request, sizeof request - 1);
	writer_printf(&w, "GET //a?");
	while (w.n < 9000)
		writer_u8(&w, 'a');
	writer_printf(&w, HOST "\r\n");
	asks(request, "414 Request URI Too Long", "URI Too Long\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_router_finds_the_longest_row),
		cmocka_unit_test(http_router_tells_listeners_apart),
		cmocka_unit_test(http_router_checks_methods),
		cmocka_unit_test(http_router_cleans_paths),
		cmocka_unit_test(http_router_limits_what_it_cleans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
