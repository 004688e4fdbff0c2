/* http1: what real clients send, every split of it, and what is refused. */
#include "check.h"

#include "http1.h"

#include <stdio.h>

#define GO_CLIENT                            \
	"GET /derp HTTP/1.1\r\n"             \
	"Host: derp.example.com:8443\r\n"    \
	"User-Agent: Go-http-client/1.1\r\n" \
	"Connection: Upgrade\r\n"            \
	"Derp-Fast-Start: 1\r\n"             \
	"Ideal-Node: 900a\r\n"               \
	"Upgrade: DERP\r\n"                  \
	"\r\n"

#define BROWSER                                                           \
	"GET /derp/probe?x=%20y HTTP/1.1\r\n"                             \
	"Host: [2001:db8::1]:443\r\n"                                     \
	"Connection: keep-alive, Upgrade\r\n"                             \
	"sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\n" \
	"Accept: text/html,*/*;q=0.8\r\n"                                 \
	"Cookie: a=\"b\\c\"; d={e}\r\n"                                   \
	"Referer: https://example.com/?q=\xc3\xa9\r\n"                    \
	"X-Empty:\r\n"                                                    \
	"X-Blank: \t \r\n"                                                \
	"\r\n"

static enum http1_result
parse(const char *text, struct http1_request *req, size_t *used)
{
	return http1_request_parse(slice_str(text), req, used);
}

static struct slice
header(const struct http1_request *req, const char *name)
{
	return http1_header(req->headers, req->header_count, name);
}

static void
http1_reads_the_go_client(void **state)
{
	struct http1_request req;
	size_t used;

	(void)state;
	check_int(parse(GO_CLIENT "\x02\n", &req, &used), HTTP1_OK);
	check_size(used, strlen(GO_CLIENT));
	check_slice_text(req.method, "GET");
	check_slice_text(req.target, "/derp");
	check_slice_text(req.path, "/derp");
	check_size(req.query.n, 0);
	check_int(req.minor, 1);
	check_size(req.header_count, 6);
	check_slice_text(header(&req, "upgrade"), "DERP");
	check_slice_text(header(&req, "DERP-FAST-START"), "1");
	check_slice_text(req.headers[1].name, "User-Agent");
	check_null(header(&req, "Cookie").p);
}

static void
http1_reads_a_browser(void **state)
{
	struct http1_request req;
	size_t used;

	(void)state;
	check_int(parse(BROWSER, &req, &used), HTTP1_OK);
	check_slice_text(req.path, "/derp/probe");
	check_slice_text(req.query, "x=%20y");
	check_slice_text(header(&req, "host"), "[2001:db8::1]:443");
	check_slice_text(
	    header(&req, "referer"), "https://example.com/?q=\xc3\xa9");
	check_size(header(&req, "x-empty").n, 0);
	check(header(&req, "x-empty").p != NULL);
	check_size(header(&req, "x-blank").n, 0);
	check(http1_has_token(header(&req, "connection"), "upgrade"));
}

static void
http1_accepts_every_split(void **state)
{
	static const char *const heads[] = { GO_CLIENT, BROWSER,
		"GET / HTTP/1.0\n\n", "\r\nGET / HTTP/1.1\nHost: a\r\n\n" };

	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		struct http1_request req;
		size_t n = strlen(heads[i]), used;

		for (size_t cut = 0; cut < n; cut++) {
			check_int(http1_request_parse(
				      slice_of(heads[i], cut), &req, &used),
			    HTTP1_MORE);
			check_size(used, 0);
		}
		check_int(parse(heads[i], &req, &used), HTTP1_OK);
		check_size(used, n);
	}
}

static void
http1_tells_the_forms_of_targets(void **state)
{
	static const struct {
		const char *method, *target, *path, *query, *authority;
	} cases[] = {
		{ "GET", "/", "/", "", "" },
		{ "GET", "/?", "/", "", "" },
		{ "GET", "/a?b?c", "/a", "b?c", "" },
		{ "GET", "//a/../b", "//a/../b", "", "" },
		{ "GET", "/%64erp%2F", "/%64erp%2F", "", "" },
		{ "GET", "/a?%zz", "/a", "%zz", "" },
		{ "GET", "/\xc3\xa9", "/\xc3\xa9", "", "" },
		{ "GET", "http://h", "/", "", "h" },
		{ "GET", "http://h:80/", "/", "", "h:80" },
		{ "GET", "HTTPS://h/derp?x", "/derp", "x", "h" },
		{ "GET", "http://h?x", "/", "x", "h" },
		{ "OPTIONS", "*", "*", "", "" },
		{ "CONNECT", "h.example.com:443", "h.example.com:443", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct http1_request req;
		char text[200];
		size_t used;

		snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: h\r\n\r\n",
		    cases[i].method, cases[i].target);
		check_int(parse(text, &req, &used), HTTP1_OK);
		check_slice_text(req.target, cases[i].target);
		check_slice_text(req.path, cases[i].path);
		check_slice_text(req.query, cases[i].query);
		check_slice_text(req.authority, cases[i].authority);
	}
}

static void
http1_takes_unusual_but_right_heads(void **state)
{
	static const char *const good[] = {
		"GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.1\nHost:a\n\n",
		"GET / HTTP/1.9\r\nHost: a\r\n\r\n",
		"M-SEARCH /x HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
		"content-length: 5\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n"
		"\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX!#$%&'*+.^_`|~-1: y\tz\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct http1_request req;
		size_t used;

		if (parse(good[i], &req, &used) != HTTP1_OK)
			fail_msg("refused: %s", good[i]);
	}
}

#define LINE "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"

static const char *const malformed[] = {
	/* request lines */
	"GET /\r\n\r\n",
	"GET / HTTP/2.0\r\n" HOST "\r\n",
	"GET / HTTP/1.1 \r\n" HOST "\r\n",
	"GET / HTTP/1.10\r\n" HOST "\r\n",
	"GET / HTTP/1.01\r\n" HOST "\r\n",
	"GET /% HTTP/1.1\r\n" HOST "\r\n",
	"GET /a%2 HTTP/1.1\r\n" HOST "\r\n",
	"GET /a%2g HTTP/1.1\r\n" HOST "\r\n",
	"GET http://h#/a HTTP/1.1\r\n" HOST "\r\n",
	"GET http://u@h/a HTTP/1.1\r\n" HOST "\r\n",
	"CONNECT h/x HTTP/1.1\r\n" HOST "\r\n",
	"GET / HTTP/1.x\r\n" HOST "\r\n",
	"GET / HTTP/1.\r\n" HOST "\r\n",
	"GET / http/1.1\r\n" HOST "\r\n",
	"GET  / HTTP/1.1\r\n" HOST "\r\n",
	"GET / x HTTP/1.1\r\n" HOST "\r\n",
	"GET /\tx HTTP/1.1\r\n" HOST "\r\n",
	"GET /\x01 HTTP/1.1\r\n" HOST "\r\n",
	"GET /\x7f HTTP/1.1\r\n" HOST "\r\n",
	"GET /\rx HTTP/1.1\r\n" HOST "\r\n",
	"GET derp HTTP/1.1\r\n" HOST "\r\n",
	"GET * x HTTP/1.1\r\n" HOST "\r\n",
	"GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n",
	"GET http:///a HTTP/1.1\r\n" HOST "\r\n",
	"GET http:// HTTP/1.1\r\n" HOST "\r\n",
	"GET http:/a HTTP/1.1\r\n" HOST "\r\n",
	"G(T / HTTP/1.1\r\n" HOST "\r\n",
	" GET / HTTP/1.1\r\n" HOST "\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"\r\n\r\n",
	"\n\n\nGET / HTTP/1.0\r\n\r\n",
	/* header lines */
	LINE "Host : a\r\n\r\n",
	LINE HOST "X\r\n\r\n",
	LINE HOST ": x\r\n\r\n",
	LINE HOST " X: y\r\n\r\n",
	LINE HOST "X: y\r\n z\r\n\r\n",
	LINE HOST "X: y\r\n\tz\r\n\r\n",
	LINE HOST "X\xc3\xa9: y\r\n\r\n",
	LINE HOST "X(: y\r\n\r\n",
	LINE HOST "X: y\rz\r\n\r\n",
	LINE HOST "X: y\r\r\n\r\n",
	LINE HOST "X: y\x01\r\n\r\n",
	LINE HOST "X: y\x7f\r\n\r\n",
	LINE HOST "\r\r\n\r\n",
	/* hosts */
	LINE "\r\n",
	LINE HOST HOST "\r\n",
	LINE "Host: a b\r\n\r\n",
	LINE "Host: a/b\r\n\r\n",
	LINE "Host: a\"b\r\n\r\n",
	LINE "Host: <a>\r\n\r\n",
	LINE "Host: u@a\r\n\r\n",
	/* where the body ends */
	LINE HOST "Content-Length: \r\n\r\n",
	LINE HOST "Content-Length: +5\r\n\r\n",
	LINE HOST "Content-Length: -5\r\n\r\n",
	LINE HOST "Content-Length: 0x5\r\n\r\n",
	LINE HOST "Content-Length: 5 5\r\n\r\n",
	LINE HOST "Content-Length: 5, 5\r\n\r\n",
	LINE HOST "Content-Length: 9223372036854775808\r\n\r\n",
	LINE HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
	LINE HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
		  "\r\n",
	LINE HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
	LINE HOST "Transfer-Encoding: xchunked\r\n\r\n",
	LINE HOST "Transfer-Encoding: chunked\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n",
	"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
	/* not HTTP: said at once */
	"\x16\x03\x01",
	"\x80",
	" ",
};

static void
http1_refuses_malformed_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
		struct http1_request req;
		size_t used;

		if (parse(malformed[i], &req, &used) != HTTP1_BAD)
			fail_msg("not refused: %s", malformed[i]);
	}
}

static void
http1_refuses_nul(void **state)
{
	static const char name[] = "GET / HTTP/1.0\r\nX\0: y\r\n\r\n";
	static const char value[] = "GET / HTTP/1.0\r\nX: y\0\r\n\r\n";
	static const char host[] = "GET / HTTP/1.1\r\nHost: y\0\r\n\r\n";
	static const char target[] = "GET /\0 HTTP/1.0\r\n\r\n";
	static const char method[] = "GET\0 / HTTP/1.0\r\n\r\n";
	const struct slice bad[] = { slice_of(name, sizeof name - 1),
		slice_of(value, sizeof value - 1),
		slice_of(host, sizeof host - 1),
		slice_of(target, sizeof target - 1),
		slice_of(method, sizeof method - 1) };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct http1_request req;
		size_t used;

		check_int(http1_request_parse(bad[i], &req, &used), HTTP1_BAD);
	}
}

/* A head of exactly n bytes. */
static struct slice
head_of(char *p, size_t n)
{
	static const char start[] = "GET / HTTP/1.0\r\nX: ";

	memset(p, 'x', n);
	memcpy(p, start, sizeof start - 1);
	memcpy(p + n - 4, "\r\n\r\n", 4);
	return slice_of(p, n);
}

static void
http1_limits_the_size(void **state)
{
	static char p[HTTP1_HEAD_MAX + 100];
	struct http1_request req;
	struct slice head;
	size_t used;

	(void)state;
	check_int(
	    http1_request_parse(head_of(p, HTTP1_HEAD_MAX - 1), &req, &used),
	    HTTP1_OK);
	head = head_of(p, HTTP1_HEAD_MAX);
	check_int(http1_request_parse(head, &req, &used), HTTP1_OK);
	check_size(used, HTTP1_HEAD_MAX);
	check_int(
	    http1_request_parse(slice_of(head.p, head.n - 1), &req, &used),
	    HTTP1_MORE);
	/* what follows the head does not count */
	check_int(
	    http1_request_parse(slice_of(p, sizeof p), &req, &used), HTTP1_OK);
	head = head_of(p, HTTP1_HEAD_MAX + 1);
	check_int(http1_request_parse(head, &req, &used), HTTP1_TOO_LONG);
	check_int(
	    http1_request_parse(slice_of(head.p, HTTP1_HEAD_MAX), &req, &used),
	    HTTP1_TOO_LONG);
	check_int(http1_request_parse(
		      slice_of(head.p, HTTP1_HEAD_MAX - 1), &req, &used),
	    HTTP1_MORE);
}

static void
http1_limits_the_headers(void **state)
{
	(void)state;
	for (size_t count = 63; count <= 65; count++) {
		struct http1_request req;
		char text[1024];
		struct writer w = writer_of(text, sizeof text);
		size_t used;

		writer_printf(&w, "GET / HTTP/1.0\r\n");
		for (size_t i = 0; i < count; i++)
			writer_printf(&w, "a%zu: b\r\n", i);
		writer_printf(&w, "\r\n");
		check(!w.failed);
		check_int(http1_request_parse(writer_slice(&w), &req, &used),
		    count <= HTTP1_HEADERS_MAX ? HTTP1_OK : HTTP1_TOO_LONG);
		check_size(
		    req.header_count, count < 65 ? count : HTTP1_HEADERS_MAX);
	}
}

static void
http1_reads_responses(void **state)
{
	static const struct {
		const char *text;
		unsigned status, minor;
		const char *reason;
	} cases[] = {
		{ "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\n\r\n",
		    101, 1, "Switching Protocols" },
		{ "HTTP/1.0 200 OK\r\n\r\n", 200, 0, "OK" },
		{ "HTTP/1.1 200 \r\n\r\n", 200, 1, "" },
		{ "HTTP/1.1 200\r\n\r\n", 200, 1, "" },
		{ "HTTP/1.1 599 a b\tc\xc3\xa9\n\n", 599, 1, "a b\tc\xc3\xa9" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200,
		    1, "OK" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct slice in = slice_str(cases[i].text);
		struct http1_response res;
		size_t used;

		check_int(http1_response_parse(in, &res, &used), HTTP1_OK);
		check_size(used, in.n);
		check_int(res.status, cases[i].status);
		check_int(res.minor, cases[i].minor);
		check_slice_text(res.reason, cases[i].reason);
		for (size_t cut = 0; cut < in.n; cut++)
			check_int(http1_response_parse(
				      slice_of(in.p, cut), &res, &used),
			    HTTP1_MORE);
	}
}

static void
http1_refuses_malformed_responses(void **state)
{
	static const char *const bad[] = {
		"HTTP/2 200\r\n\r\n",
		"HTTP/1.1\r\n\r\n",
		"HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1 +20 OK\r\n\r\n",
		"HTTP/1.1 200 O\x01K\r\n\r\n",
		"HTTP/1.1 200 OK\r\n x: y\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\nContent-Length: 2\n\n",
		"<html>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct http1_response res;
		size_t used;

		if (http1_response_parse(slice_str(bad[i]), &res, &used) !=
		    HTTP1_BAD)
			fail_msg("not refused: %s", bad[i]);
	}
}

static void
http1_finds_tokens(void **state)
{
	(void)state;
	check(http1_has_token(slice_str("Upgrade"), "upgrade"));
	check(
	    http1_has_token(slice_str("keep-alive,\tUPGRADE , x"), "upgrade"));
	check(http1_has_token(slice_str(",,upgrade,"), "Upgrade"));
	check(!http1_has_token(slice_str("upgraded"), "upgrade"));
	check(!http1_has_token(slice_str("up grade"), "upgrade"));
	check(!http1_has_token(slice_str(""), "upgrade"));
	check(!http1_has_token(slice_of(NULL, 0), "upgrade"));
}

static void
http1_knows_reasons(void **state)
{
	(void)state;
	check_text(http1_reason(200), "OK");
	check_text(http1_reason(404), "Not Found");
	check_text(http1_reason(426), "Upgrade Required");
	check_text(http1_reason(431), "Request Header Fields Too Large");
	check_text(http1_reason(299), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http1_reads_the_go_client),
		cmocka_unit_test(http1_reads_a_browser),
		cmocka_unit_test(http1_accepts_every_split),
		cmocka_unit_test(http1_tells_the_forms_of_targets),
		cmocka_unit_test(http1_takes_unusual_but_right_heads),
		cmocka_unit_test(http1_refuses_malformed_heads),
		cmocka_unit_test(http1_refuses_nul),
		cmocka_unit_test(http1_limits_the_size),
		cmocka_unit_test(http1_limits_the_headers),
		cmocka_unit_test(http1_reads_responses),
		cmocka_unit_test(http1_refuses_malformed_responses),
		cmocka_unit_test(http1_finds_tokens),
		cmocka_unit_test(http1_knows_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
