/* http_server: requests: bodies, what is refused, limits. */
#include "http_owner.h"

#include "fake_alloc.h"

#define HOST " HTTP/1.1\r\nHost: h\r\n"

/* A body that nobody reads may look like a request: it must not be read as
 * one. */
static void
http_server_never_reads_a_body_as_a_request(void **state)
{
	static const char *const heads[] = {
		"POST /a" HOST "Content-Length: 24\r\n\r\n",
		"POST /a" HOST "Transfer-Encoding: chunked\r\n\r\n",
		"GET /a" HOST "Transfer-Encoding: Chunked\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		struct owner *o = owner_open(owner_echo);
		char text[256];

		snprintf(
		    text, sizeof text, "%sGET /hidden" HOST "\r\n", heads[i]);
		owner_feed(o, text);
		owner_feed(o, "GET /hidden" HOST "\r\n");
		check_size(o->requests, 1);
		check_contains(owner_text(o), "\r\nConnection: close\r\n");
		check_size(owner_count(o, "HTTP/1.1"), 1);
		check_size(o->in_n, 0);
		check(o->finished);
		owner_close(o);
	}
}

static void
http_server_reads_bodies_that_are_wanted(void **state)
{
	(void)state;
	owner_asks_body("POST /a" HOST
			"Content-Length: 8\r\n\r\n12345678GET /b" HOST "\r\n",
	    true, "POST /a 12345678HTTP", "GET /b ");
	owner_asks_body(
	    "POST /a" HOST "Transfer-Encoding: chunked\r\n\r\n"
	    "3\r\n123\r\n5;x=y\r\n45678\r\n0\r\nT: x\r\n\r\nGET /b" HOST "\r\n",
	    true, "POST /a 12345678HTTP", "GET /b ");
	owner_asks_body("POST /a" HOST
			"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    true, "POST /a ");
	owner_asks_body(
	    "POST /a" HOST "Content-Length: 0\r\n\r\n", true, "POST /a ");
	owner_asks_body("GET /a" HOST "\r\n", true, "GET /a ");
	owner_asks_body("POST /a" HOST "Content-Length: 9\r\n\r\n123456789",
	    false, "413 Request Entity Too Large", "\r\nConnection: close\r\n");
	owner_asks_body("POST /a" HOST "Transfer-Encoding: chunked\r\n\r\n"
			"8\r\n12345678\r\n1\r\n9\r\n0\r\n\r\n",
	    false, "413 Request Entity");
	owner_asks_body("POST /a" HOST "Transfer-Encoding: chunked\r\n\r\n"
			"GET /hidden" HOST "\r\n",
	    false, "HTTP/1.1 400 Bad Request\r\n", "close", "400 Bad Request");
}

/* Whatever the pieces a body comes in, the request is handled once. */
static void
http_server_takes_bodies_in_pieces(void **state)
{
	static const char *const requests[] = {
		"POST /a" HOST "Content-Length: 5\r\n\r\n12345",
		"POST /a" HOST "Transfer-Encoding: chunked\r\n\r\n"
		"2\r\n12\r\n3\r\n345\r\n0\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		struct owner *o = owner_open(owner_echo);
		const size_t n = strlen(requests[i]);

		o->body_max = 5;
		for (size_t k = 0; k < n; k++) {
			check_size(o->requests, 0);
			owner_feed_bytes(o, slice_of(requests[i] + k, 1));
		}
		check_size(o->requests, 1);
		check_contains(owner_text(o), "POST /a 12345");
		check(!o->finished);
		owner_close(o);
	}
}

static void
http_server_asks_for_a_body_once(void **state)
{
	struct owner *o = owner_open(owner_echo);

	(void)state;
	o->body_max = 8;
	owner_feed(o,
	    "POST /a" HOST "Content-Length: 2\r\n"
	    "Expect: 100-continue\r\n\r\n");
	check_text(owner_text(o), "HTTP/1.1 100 Continue\r\n\r\n");
	owner_feed(o, "1");
	owner_feed(o, "2");
	check_size(owner_count(o, "100 Continue"), 1);
	check_contains(owner_text(o), "POST /a 12");
	/* again for the next request, not where the body has come already */
	owner_read(o);
	owner_feed(o,
	    "POST /b" HOST "Content-Length: 1\r\n"
	    "Expect: 100-continue\r\n\r\n");
	check_size(owner_count(o, "100 Continue"), 1);
	owner_read(o);
	owner_feed(o,
	    "1POST /c" HOST "Content-Length: 1\r\n"
	    "Expect: 100-continue\r\n\r\n1");
	check_size(owner_count(o, "100 Continue"), 0);
	check_size(o->requests, 3);
	/* chunks, whose end is known late */
	owner_read(o);
	owner_feed(o,
	    "POST /d" HOST "Transfer-Encoding: chunked\r\n"
	    "Expect: 100-continue\r\n\r\n");
	owner_feed(o, "1\r\nx\r\n");
	owner_feed(o, "0\r\n");
	owner_feed(o, "\r\n");
	check_size(owner_count(o, "100 Continue"), 1);
	check_contains(owner_text(o), "POST /d x");
	owner_close(o);
}

static void
http_server_survives_shortage_of_memory(void **state)
{
	struct owner *o = owner_open(owner_echo);

	(void)state;
	o->body_max = 8;
	fake_alloc_fail_at(1);
	owner_feed(o,
	    "POST /a" HOST "Transfer-Encoding: chunked\r\n\r\n"
	    "1\r\n1\r\n0\r\n\r\n");
	check(fake_alloc_failed());
	check_text(o->aborted, "out of memory");
	check_size(o->out_n, 0);
	owner_feed(o, "GET /" HOST "\r\n");
	check_size(o->requests, 0);
	owner_close(o);
}

static void
http_server_refuses_what_is_no_request(void **state)
{
	struct owner *o = owner_open(owner_echo);

	(void)state;
	owner_feed(o, "garbage\r\n\r\nGET /" HOST "\r\n");
	check_text(owner_text(o),
	    "HTTP/1.1 400 Bad Request\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Connection: close\r\n\r\n400 Bad Request");
	check_size(o->refused_status, 400);
	check_text(o->refused, "not a valid HTTP request");
	check(o->finished);
	check_size(o->requests, 0);
	check_size(o->in_n, 0);
	owner_close(o);
}

static void
http_server_limits_heads(void **state)
{
	static char line[HTTP1_HEAD_MAX];
	struct owner *o = owner_open(owner_echo);

	(void)state;
	memset(line, 'a', sizeof line);
	owner_feed(o, "GET /" HOST "X: ");
	check_size(o->out_n, 0);
	owner_feed_bytes(o, slice_of(line, sizeof line));
	check_contains(
	    owner_text(o), "HTTP/1.1 431 Request Header Fields Too Large\r\n");
	check_size(o->refused_status, 431);
	check(o->finished);
	owner_close(o);
}

/* As if received, but not handed in yet. */
static void
put_requests(struct owner *o, unsigned count)
{
	static const char one[] = "GET /" HOST "\r\n";

	while (count-- > 0) {
		memcpy(o->in + o->in_n, one, sizeof one - 1);
		o->in_n += sizeof one - 1;
	}
}

static void
http_server_limits_requests_per_read(void **state)
{
	struct owner *o = owner_open(owner_echo);

	(void)state;
	/* one less than that many are fine, again and again */
	for (int k = 0; k < 3; k++) {
		put_requests(o, HTTP_SERVER_REQUESTS_MAX - 1);
		owner_run(o);
	}
	check_size(o->requests, 3 * (HTTP_SERVER_REQUESTS_MAX - 1));
	check(!o->finished);
	owner_close(o);
	o = owner_open(owner_echo);
	put_requests(o, HTTP_SERVER_REQUESTS_MAX + 8);
	owner_run(o);
	check_size(o->requests, HTTP_SERVER_REQUESTS_MAX);
	check_size(owner_count(o, "Connection: close\r\n"), 1);
	check(o->finished);
	check_size(o->in_n, 0);
	owner_close(o);
}

/* Who asks for pages and reads none is not served for ever. */
static void
http_server_limits_unread_answers(void **state)
{
	struct owner *o = owner_open(owner_echo);

	(void)state;
	o->unsent = HTTP_SERVER_UNREAD_MAX;
	owner_feed(o, "GET /" HOST "\r\n");
	check_size(o->writes, 1);
	o->unsent++;
	owner_feed(o, "GET /" HOST "\r\nGET /" HOST "\r\n");
	check_size(o->writes, 1);
	check_text(o->aborted, "the client reads no answers");
	check_size(o->requests, 2);
	owner_close(o);
}

static void
http_server_stops_when_writing_fails(void **state)
{
	struct owner *o = owner_open(owner_echo);

	(void)state;
	o->write_fails = true;
	owner_feed(o, "GET /" HOST "\r\nGET /" HOST "\r\n");
	check_size(o->requests, 1);
	check(!o->finished);
	check_text(o->aborted, "");
	owner_close(o);
	o = owner_open(owner_echo);
	o->close_in_write = true;
	owner_feed(o, "GET /" HOST "\r\nGET /" HOST "\r\n");
	check_size(o->requests, 1);
	check_size(o->writes, 1);
	check(!o->finished);
	owner_close(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_server_never_reads_a_body_as_a_request),
		cmocka_unit_test(http_server_reads_bodies_that_are_wanted),
		cmocka_unit_test(http_server_takes_bodies_in_pieces),
		cmocka_unit_test(http_server_asks_for_a_body_once),
		cmocka_unit_test(http_server_survives_shortage_of_memory),
		cmocka_unit_test(http_server_refuses_what_is_no_request),
		cmocka_unit_test(http_server_limits_heads),
		cmocka_unit_test(http_server_limits_requests_per_read),
		cmocka_unit_test(http_server_limits_unread_answers),
		cmocka_unit_test(http_server_stops_when_writing_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
