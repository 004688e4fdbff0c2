/* Unit tests of lib/http/http_body. */
#include "http_body.h"

#include "check.h"

#define MAX 16 /* bytes of body that these tests accept */

static struct http1_request
request_of(const char *headers)
{
	static char text[256];
	struct http1_request req;
	struct writer w = writer_of(text, sizeof text);
	size_t used;

	writer_printf(&w, "POST / HTTP/1.1\r\nHost: h\r\n%s\r\n", headers);
	check_int(http1_request_parse(writer_slice(&w), &req, &used), HTTP1_OK);
	return req;
}

static enum http_body_result
find(const char *headers, const char *in, struct http_body *body)
{
	struct http1_request req = request_of(headers);

	return http_body_find(&req, slice_str(in), MAX, body);
}

#define CHUNKED "Transfer-Encoding: chunked\r\n"

static void
http_body_tells_whether_there_is_one(void **state)
{
	static const struct {
		const char *headers;
		bool follows;
	} cases[] = {
		{ "", false },
		{ "Content-Length: 0\r\n", false },
		{ "Content-Length: 1\r\n", true },
		{ CHUNKED, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct http1_request req = request_of(cases[i].headers);

		check_int(http_body_follows(&req), cases[i].follows);
	}
}

static void
http_body_goes_by_its_length(void **state)
{
	struct http_body body;

	(void)state;
	check_int(find("", "abc", &body), HTTP_BODY_OK);
	check_size(body.wire.n, 0);
	check_int(find("Content-Length: 3\r\n", "abcd", &body), HTTP_BODY_OK);
	check_slice_text(body.wire, "abc");
	check_size(body.len, 3);
	check_int(find("Content-Length: 5\r\n", "abcd", &body), HTTP_BODY_MORE);
	check_size(body.need, 5);
	check_int(
	    find("Content-Length: 17\r\n", "", &body), HTTP_BODY_TOO_LONG);
}

/* Found whole; found at no earlier byte; and what is in it. */
static void
holds(const char *in, const char *want)
{
	const struct http1_request req = request_of(CHUNKED);
	struct http_body body;
	char out[MAX];
	struct writer w = writer_of(out, sizeof out);
	size_t n = strlen(in);

	for (size_t cut = 0; cut < n; cut++) {
		check_int(http_body_find(&req, slice_of(in, cut), MAX, &body),
		    HTTP_BODY_MORE);
		check(body.need > cut && body.need <= n);
	}
	check_int(find(CHUNKED, in, &body), HTTP_BODY_OK);
	check_size(body.wire.n, n);
	check_size(body.len, strlen(want));
	http_body_copy(&body, &w);
	check_slice_text(writer_slice(&w), want);
}

static void
http_body_reads_chunks(void **state)
{
	struct http_body body;

	(void)state;
	holds("0\r\n\r\n", "");
	holds("3\r\nabc\r\n0\r\n\r\n", "abc");
	holds("0003\r\nabc\r\n000\r\n\r\n", "abc");
	holds(
	    "A\r\n0123456789\r\n6\r\nabcdef\r\n0\r\n\r\n", "0123456789abcdef");
	holds("a\r\n01234\r\n789\r\n0\r\n\r\n", "01234\r\n789");
	holds("1;a=b;c=\"d\"\r\nx\r\n0;e\r\nT: v\r\nU: w\r\n\r\n", "x");
	holds("1 \t;a\r\nx\r\n0\r\n\r\n", "x");
	/* what follows is somebody else's */
	check_int(
	    find(CHUNKED, "1\r\nx\r\n0\r\n\r\nGET /", &body), HTTP_BODY_OK);
	check_size(body.wire.n, 11);
}

static void
http_body_refuses_bad_chunks(void **state)
{
	static const char *const bad[] = { "\r\n", "x\r\n", "-1\r\nx\r\n",
		"+1\r\nx\r\n", "0x1\r\nx\r\n", " 1\r\nx\r\n", "1 2\r\nx\r\n",
		";a\r\nx\r\n", "1\nx\r\n", "1\r\nx\n0\r\n\r\n", "1\r\nxy\r\n",
		"1\r\nx0\r\n\r\n", "1\r\r\nx\r\n", "1\r;\nx\r\n", "0\r\n\n",
		"0\r\nT: v\n\r\n", "1\r\nxGET /" };
	struct http_body body;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		enum http_body_result got = find(CHUNKED, bad[i], &body);

		if (got != HTTP_BODY_BAD)
			print_error("case %zu\n", i);
		check_int(got, HTTP_BODY_BAD);
	}
}

static void
http_body_limits_chunks(void **state)
{
	static char in[2 * HTTP_BODY_FRAMING_MAX];
	const struct http1_request req = request_of(CHUNKED);
	struct http_body body;
	struct writer w = writer_of(in, sizeof in);

	(void)state;
	check_int(find(CHUNKED, "11\r\n", &body), HTTP_BODY_TOO_LONG);
	check_int(find(CHUNKED, "ffffffffffffffffffff\r\n", &body),
	    HTTP_BODY_TOO_LONG);
	check_int(
	    find(CHUNKED, "10000000000000000\r\n", &body), HTTP_BODY_TOO_LONG);
	check_int(find(CHUNKED, "f\r\n0123456789abcde\r\n2\r\n", &body),
	    HTTP_BODY_TOO_LONG);
	/* an extension without an end, and trailers without one */
	writer_printf(&w, "1;");
	while (w.n < HTTP_BODY_FRAMING_MAX - 1)
		writer_u8(&w, 'a');
	check_int(
	    http_body_find(&req, writer_slice(&w), MAX, &body), HTTP_BODY_MORE);
	writer_u8(&w, 'a');
	check_int(http_body_find(&req, writer_slice(&w), MAX, &body),
	    HTTP_BODY_TOO_LONG);
	w.n = 0;
	writer_printf(&w, "0\r\n");
	while (w.n < HTTP_BODY_FRAMING_MAX + 8)
		writer_printf(&w, "a: b\r\n");
	check_int(http_body_find(&req, writer_slice(&w), MAX, &body),
	    HTTP_BODY_TOO_LONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_body_tells_whether_there_is_one),
		cmocka_unit_test(http_body_goes_by_its_length),
		cmocka_unit_test(http_body_reads_chunks),
		cmocka_unit_test(http_body_refuses_bad_chunks),
		cmocka_unit_test(http_body_limits_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
