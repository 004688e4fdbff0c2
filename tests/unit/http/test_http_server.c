/* http_server: answers at once or later, what closes, what follows. Requests
 * are in test_http_requests.c, streams in test_http_stream.c. */
#include "http_owner.h"

#include <time.h>

#define HOST " HTTP/1.1\r\nHost: h\r\n"

static void
later(struct owner *o, const struct http1_request *req, struct slice body)
{
	const struct http_server_promise promise = owner_promise(o);

	(void)req;
	(void)body;
	http_server_later(&o->server, &promise);
}

static void
silent(struct owner *o, const struct http1_request *req, struct slice body)
{
	(void)o;
	(void)req;
	(void)body;
}

static void
upgrade(struct owner *o, const struct http1_request *req, struct slice body)
{
	(void)req;
	(void)body;
	http_server_upgrade(&o->server);
}

static void
answer_ok(struct owner *o)
{
	http_server_answer(&o->server,
	    &(struct http_server_answer){
		.status = 200, .body = slice_str("late") });
}

static void
http_server_answers(void **state)
{
	struct owner *o = owner_open(owner_echo);
	char date[64];
	struct tm tm = { 0 };
	time_t then;

	(void)state;
	check_size(o->deadline_ms, HTTP_SERVER_REQUEST_MS);
	o->deadline_ms = 0;
	owner_feed(o, "GET /a?b" HOST "\r\n");
	check_size(o->deadline_ms, HTTP_SERVER_REQUEST_MS);
	check_size(o->writes, 1);
	check_contains(owner_text(o),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-A: b\r\nDate: ");
	check_contains(
	    owner_text(o), "GMT\r\nContent-Length: 7\r\n\r\nGET /a ");
	snprintf(date, sizeof date, "%.29s",
	    strstr(owner_text(o), "Date: ") + strlen("Date: "));
	check(strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm) != NULL);
	then = timegm(&tm);
	check(time(NULL) - then >= 0 && time(NULL) - then < 100);
	owner_close(o);
}

static void
http_server_sends_no_body_to_head(void **state)
{
	struct owner *o = owner_open(owner_echo);
	const char *end;

	(void)state;
	owner_feed(o, "HEAD /a" HOST "\r\nGET /b" HOST "\r\n");
	end = strstr(owner_text(o), "\r\n\r\n");
	check_contains(owner_text(o), "\r\nContent-Length: 8\r\n");
	check_int(strncmp(end, "\r\n\r\nHTTP/1.1 200 OK\r\n", 21), 0);
	check_contains(end, "\r\n\r\nGET /b ");
	check(!o->finished);
	owner_close(o);
}

static void
no_content(struct owner *o, const struct http1_request *req, struct slice body)
{
	(void)req;
	(void)body;
	http_server_answer(
	    &o->server, &(struct http_server_answer){ .status = 204 });
}

static void
http_server_gives_204_no_length(void **state)
{
	struct owner *o = owner_open(no_content);

	(void)state;
	owner_feed(o, "GET /" HOST "\r\n");
	check_contains(owner_text(o), "HTTP/1.1 204 No Content\r\nDate: ");
	check_null(strstr(owner_text(o), "Content-Length"));
	owner_close(o);
}

/* Several requests in one read, and two byte by byte. */
static void
http_server_keeps_the_connection(void **state)
{
	static const char two[] = "GET /a" HOST "\r\nGET /b" HOST "\r\n";
	struct owner *o = owner_open(owner_echo);

	(void)state;
	owner_feed(o, two);
	check_contains(strstr(owner_text(o), "GET /a "), "GET /b ");
	for (size_t i = 0; i + 1 < sizeof two; i++)
		owner_feed_bytes(o, slice_of(two + i, 1));
	check_size(o->requests, 4);
	check_size(owner_count(o, "Content-Length: 7"), 4);
	check(!o->finished);
	owner_close(o);
}

static void
http_server_closes_when_it_must(void **state)
{
	(void)state;
	owner_asks(
	    "GET / HTTP/1.0\r\n\r\n", false, "\r\nConnection: close\r\n");
	owner_asks(
	    "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, "200");
	owner_asks("GET /" HOST "Connection: x, Close\r\n\r\n", false,
	    "\r\nConnection: close\r\n");
	owner_asks("GET /" HOST "Content-Length: 0\r\n\r\n", true, "200 OK");
}

static void
http_server_answers_later(void **state)
{
	struct owner *o = owner_open(later);

	(void)state;
	owner_feed(o, "GET /a" HOST "\r\nGET /b" HOST "\r\nGET /c");
	check_size(o->requests, 1);
	check_size(o->out_n, 0);
	check(o->paused);
	check(!http_server_idle(&o->server));
	check_size(o->deadline_ms, HTTP_SERVER_ANSWER_MS);
	/* what comes meanwhile waits with the owner */
	owner_feed(o, HOST "\r\n");
	check_size(o->requests, 1);
	o->deadline_ms = 0;
	answer_ok(o);
	check_contains(owner_text(o), "\r\nContent-Length: 4\r\n\r\nlate");
	check_size(o->deadline_ms, HTTP_SERVER_REQUEST_MS);
	check(!o->paused);
	o->handler = owner_echo;
	owner_run(o);
	check_size(o->requests, 3);
	check_contains(strstr(owner_text(o), "GET /b "), "GET /c ");
	/* a promise that was kept is over */
	http_server_close(&o->server);
	check_size(o->gones, 0);
	owner_close(o);
}

/* HEAD and Connection: close are not forgotten while the answer is waited
 * for. */
static void
http_server_remembers_what_was_asked(void **state)
{
	struct owner *o = owner_open(later);

	(void)state;
	owner_feed(o, "HEAD /a" HOST "Connection: close\r\n\r\nGET /b");
	answer_ok(o);
	check_contains(owner_text(o),
	    "\r\nContent-Length: 4\r\nConnection: close\r\n\r\n");
	check_null(strstr(owner_text(o), "late"));
	check(o->finished);
	check(!o->paused);
	owner_run(o);
	check_size(o->in_n, 0);
	/* a second answer is one too many */
	o->finished = false;
	answer_ok(o);
	check_size(o->writes, 1);
	owner_close(o);
}

static void
later_and_at_once(
    struct owner *o, const struct http1_request *req, struct slice body)
{
	later(o, req, body);
	answer_ok(o);
}

/* The promise may be kept before the handler returns: nothing is paused. */
static void
http_server_takes_an_early_answer(void **state)
{
	struct owner *o = owner_open(later_and_at_once);

	(void)state;
	owner_feed(o, "GET /a" HOST "\r\nGET /b" HOST "\r\n");
	check_size(o->requests, 2);
	check_size(owner_count(o, "late"), 2);
	check_size(o->pauses, 0);
	owner_close(o);
}

static void
http_server_tells_that_the_asker_is_gone(void **state)
{
	struct owner *o = owner_open(later);

	(void)state;
	owner_feed(o, "GET /" HOST "\r\n");
	http_server_close(&o->server);
	check_size(o->gones, 1);
	answer_ok(o);
	check_size(o->out_n, 0);
	http_server_close(&o->server);
	check_size(o->gones, 1);
	owner_close(o);
}

static void
http_server_gives_up_on_late_answers(void **state)
{
	struct owner *o = owner_open(later);

	(void)state;
	owner_feed(o, "GET /" HOST "\r\n");
	check_int(http_server_timed_out(&o->server), HTTP_SERVER_NO_ANSWER);
	check_size(o->gones, 1);
	check_contains(owner_text(o), "HTTP/1.1 503 Service Unavailable\r\n");
	check_contains(owner_text(o), "\r\n\r\nno answer in time\n");
	check_contains(owner_text(o), "\r\nConnection: close\r\n");
	check(o->finished);
	answer_ok(o);
	check_size(owner_count(o, "HTTP/1.1"), 1);
	owner_close(o);
}

static void
http_server_tells_idle_from_slow(void **state)
{
	struct owner *o = owner_open(owner_echo);

	(void)state;
	check(http_server_idle(&o->server));
	check_int(http_server_timed_out(&o->server), HTTP_SERVER_NO_REQUEST);
	owner_feed(o, "GET /" HOST "\r\n");
	check(http_server_idle(&o->server));
	check_int(http_server_timed_out(&o->server), HTTP_SERVER_IDLE);
	owner_feed(o, "G");
	check(!http_server_idle(&o->server));
	check_int(http_server_timed_out(&o->server), HTTP_SERVER_NO_REQUEST);
	check_size(o->writes, 1);
	owner_close(o);
}

static void
http_server_answers_for_a_silent_handler(void **state)
{
	struct owner *o = owner_open(silent);

	(void)state;
	owner_feed(o, "GET /" HOST "\r\n");
	check_contains(owner_text(o), "HTTP/1.1 500 Internal Server Error\r\n");
	check(!o->finished);
	owner_close(o);
}

static void
http_server_leaves_the_rest_to_the_next_protocol(void **state)
{
	struct owner *o = owner_open(upgrade);

	(void)state;
	owner_feed(o, "GET /derp" HOST "\r\nrest");
	check(http_server_upgraded(&o->server));
	check_bytes(o->in, "rest", 4);
	check_size(o->in_n, 4);
	check_size(o->writes, 0);
	check(!o->paused && !o->finished);
	owner_close(o);
	/* also when it took a while to decide */
	o = owner_open(later);
	owner_feed(o, "GET /derp" HOST "\r\nrest");
	check(o->paused);
	http_server_upgrade(&o->server);
	check(!o->paused && http_server_upgraded(&o->server));
	owner_run(o);
	check_size(o->in_n, 4);
	http_server_close(&o->server);
	check_size(o->gones, 0);
	owner_close(o);
}

static void
big(struct owner *o, const struct http1_request *req, struct slice body)
{
	static uint8_t bytes[40000];

	(void)body;
	memset(bytes, 'x', sizeof bytes);
	http_server_answer(&o->server,
	    &(struct http_server_answer){ .status = 200,
		.body =
		    slice_of(bytes, slice_is(req->path, "/a") ? 40000 : 10) });
}

static void
http_server_sends_big_bodies(void **state)
{
	struct owner *o = owner_open(big);

	(void)state;
	owner_feed(o, "GET /a" HOST "\r\nGET /b" HOST "\r\n");
	check_contains(owner_text(o), "\r\nContent-Length: 40000\r\n\r\nxxx");
	check_contains(owner_text(o), "xxxHTTP/1.1 200 OK\r\n");
	check_size(o->writes, 3);
	owner_close(o);
}

static void
quote_head(struct owner *o, const struct http1_request *req, struct slice body)
{
	static char long_header[HTTP_SERVER_HEADERS_MAX + 2000] = "X: ";

	(void)body;
	if (slice_is(req->path, "/redirect")) {
		http_server_redirect(&o->server, 302, req->query);
		return;
	}
	memset(long_header + 3, 'a', sizeof long_header - 4);
	http_server_answer(&o->server,
	    &(struct http_server_answer){
		.status = 200, .headers = long_header });
}

static void
http_server_redirects(void **state)
{
	static char line[9000];
	struct owner *o = owner_open(quote_head);

	(void)state;
	owner_feed(o, "GET /redirect?/a?b=\"<c>&'" HOST "\r\n");
	check_contains(owner_text(o),
	    "HTTP/1.1 302 Found\r\nContent-Type: text/html; charset=utf-8\r\n"
	    "Location: /a?b=\"<c>&'\r\n");
	check_contains(owner_text(o),
	    "\r\n\r\n<a href=\"/a?b=&#34;&lt;c&gt;&amp;&#39;\">Found</a>.\n\n");
	owner_read(o);
	memset(line, 'a', sizeof line);
	owner_feed(o, "GET /redirect?");
	owner_feed_bytes(o, slice_of(line, sizeof line));
	owner_feed(o, HOST "\r\n");
	check_contains(owner_text(o), "HTTP/1.1 414 ");
	check_contains(owner_text(o), "\r\n\r\nURI Too Long\n");
	owner_read(o);
	owner_feed(o, "GET /long" HOST "\r\n");
	check_contains(owner_text(o), "HTTP/1.1 500 ");
	check(!o->finished);
	owner_close(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_server_answers),
		cmocka_unit_test(http_server_sends_no_body_to_head),
		cmocka_unit_test(http_server_gives_204_no_length),
		cmocka_unit_test(http_server_keeps_the_connection),
		cmocka_unit_test(http_server_closes_when_it_must),
		cmocka_unit_test(http_server_answers_later),
		cmocka_unit_test(http_server_remembers_what_was_asked),
		cmocka_unit_test(http_server_takes_an_early_answer),
		cmocka_unit_test(http_server_tells_that_the_asker_is_gone),
		cmocka_unit_test(http_server_gives_up_on_late_answers),
		cmocka_unit_test(http_server_tells_idle_from_slow),
		cmocka_unit_test(http_server_answers_for_a_silent_handler),
		cmocka_unit_test(
		    http_server_leaves_the_rest_to_the_next_protocol),
		cmocka_unit_test(http_server_sends_big_bodies),
		cmocka_unit_test(http_server_redirects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
