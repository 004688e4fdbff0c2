/* Unit tests of lib/http/fetch, against a server that says what it is told. */
#include "fetch.h"

#include "clock.h"
#include "unit/http/http_stub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define SOON_MS 300     /* a time-out that a test waits for */
#define PLENTY_MS 20000 /* one that it does not */

/* What came out of one fetch. */
struct outcome {
	enum fetch_result result;
	unsigned status;
	char status_line[128];
	char body[4096];
	size_t body_len;
	bool cut;
	struct fail why;
};

static void
run(const struct fetch_request *request, struct outcome *o)
{
	struct fetch_client *c = fetch_client_new(4);
	struct fetch_response response;

	memset(o, 0, sizeof *o);
	assert_non_null(c);
	o->result = fetch(c, request, &response, &o->why);
	o->status = response.status;
	memcpy(o->status_line, response.status_line, sizeof o->status_line);
	o->body_len = response.body_len;
	o->cut = response.body_cut;
	assert_true(o->body_len < sizeof o->body);
	if (o->body_len > 0)
		memcpy(o->body, response.body, o->body_len);
	fetch_response_clear(&response);
	fetch_client_free(c);
	if (o->result != FETCH_OK)
		assert_string_not_equal(o->why.text, "");
}

/* Gets PATH of a stub that answers `reply`. */
static void
get(const struct http_stub_reply *reply, uint64_t timeout_ms, struct outcome *o)
{
	struct http_stub stub = { .reply = *reply };

	http_stub_open(&stub);
	run(
	    &(struct fetch_request){
		.url = stub.url, .timeout_ms = timeout_ms, .body_max = 1000 },
	    o);
	http_stub_close(&stub);
}

static void
fetch_says_what_go_says(void **state)
{
	struct http_stub stub = {
		.reply = { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: "
				    "2\r\n\r\nhi" },
	};
	char url[128], want[512], host[64] = "";
	struct outcome o;

	(void)state;
	http_stub_open(&stub);
	snprintf(url, sizeof url, "%s/a?b=c%%3Ad", stub.url);
	run(
	    &(struct fetch_request){
		.url = url, .timeout_ms = PLENTY_MS, .body_max = 100 },
	    &o);
	assert_int_equal(o.result, FETCH_OK);
	assert_int_equal(o.status, 200);
	assert_string_equal(o.status_line, "200 OK");
	assert_string_equal(o.body, "hi");
	assert_false(o.cut);
	memcpy(host, stub.url + strlen("http://"),
	    strlen(stub.url) - strlen("http://"));
	snprintf(want, sizeof want,
	    "GET /a?b=c%%3Ad HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n",
	    host);
	assert_string_equal(stub.last, want);
	http_stub_close(&stub);
}

static void
fetch_posts_without_type_or_expect(void **state)
{
	static const char *const headers[] = { "Content-Type:", "X-Own: 1",
		NULL };
	struct http_stub stub = {
		.reply = { .bytes = "HTTP/1.1 200 OK\r\n\r\n{}" },
	};
	const struct slice body = slice_str("{\"a\":1}");
	struct outcome o;

	(void)state;
	http_stub_open(&stub);
	run(&(struct fetch_request){ .url = stub.url,
		.timeout_ms = PLENTY_MS,
		.headers = headers,
		.post = &body,
		.body_max = 100 },
	    &o);
	assert_int_equal(o.result, FETCH_OK);
	assert_string_equal(o.body, "{}");
	assert_ptr_equal(strstr(stub.last, "POST / HTTP/1.1\r\n"), stub.last);
	assert_non_null(strstr(stub.last, "\r\nContent-Length: 7\r\n"));
	assert_non_null(strstr(stub.last, "\r\nX-Own: 1\r\n"));
	assert_non_null(strstr(stub.last, "\r\n\r\n{\"a\":1}"));
	assert_null(strstr(stub.last, "Content-Type"));
	assert_null(strstr(stub.last, "Expect"));
	assert_null(strstr(stub.last, "Accept:"));
	http_stub_close(&stub);
}

/* One answer, and what comes of it. */
struct answer_case {
	const char *name;
	struct http_stub_reply reply;
	enum fetch_result result;
	const char *status_line;
	const char *body;
	bool cut;
};

/* gzip of "hello" */
#define GZIP_HELLO                                                             \
	"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00" \
	"\x86\xa6\x10\x36\x05\x00\x00\x00"
#define GZIP_HEAD                                                         \
	"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25" \
	"\r\n\r\n"

static const struct answer_case answers[] = {
	{ "chunked",
	    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
		0, STUB_HANG },
	    FETCH_OK, "200 OK", "abcde", false },
	{ "until close", { "HTTP/1.0 200 OK\r\n\r\nabc", 0, STUB_CLOSE },
	    FETCH_OK, "200 OK", "abc", false },
	{ "gzip",
	    { GZIP_HEAD GZIP_HELLO, sizeof GZIP_HEAD GZIP_HELLO - 1,
		STUB_HANG },
	    FETCH_OK, "200 OK", "hello", false },
	{ "status",
	    { "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 0,
		STUB_HANG },
	    FETCH_OK, "403 Forbidden", "", false },
	{ "own phrase",
	    { "HTTP/1.1 500 Out Of Luck\r\nContent-Length: 0\r\n\r\n", 0,
		STUB_HANG },
	    FETCH_OK, "500 Out Of Luck", "", false },
	{ "no phrase",
	    { "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", 0, STUB_HANG },
	    FETCH_OK, "404 Not Found", "", false },
	{ "continue first",
	    { "HTTP/1.1 100 Continue\r\n\r\n"
	      "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
		0, STUB_HANG },
	    FETCH_OK, "201 Created", "", false },
	{ "redirect without place",
	    { "HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\n\r\n", 0,
		STUB_HANG },
	    FETCH_OK, "301 Moved Permanently", "", false },
	{ "closed at once", { "", 0, STUB_CLOSE }, FETCH_UNREACHABLE, "", "",
	    false },
	{ "no HTTP", { "SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, STUB_CLOSE },
	    FETCH_UNREACHABLE, "", "", false },
	{ "half a head", { "HTTP/1.1 200 OK\r\nContent-", 0, STUB_CLOSE },
	    FETCH_UNREACHABLE, NULL, "", false },
	{ "continue, then nothing",
	    { "HTTP/1.1 100 Continue\r\n\r\n", 0, STUB_CLOSE },
	    FETCH_UNREACHABLE, NULL, "", false },
	{ "short body",
	    { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 0,
		STUB_CLOSE },
	    FETCH_BROKEN, "200 OK", "", false },
	{ "bad chunk",
	    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 0,
		STUB_CLOSE },
	    FETCH_BROKEN, "200 OK", "", false },
	{ "redirect to nowhere",
	    { "HTTP/1.1 307 Temporary Redirect\r\n"
	      "Location: http://127.0.0.1:1/\r\n\r\n",
		0, STUB_CLOSE },
	    FETCH_UNREACHABLE, NULL, "", false },
	{ "redirect to a file",
	    { "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n", 0,
		STUB_CLOSE },
	    FETCH_UNTRUSTED, NULL, "", false },
};

static void
fetch_tells_answers_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		const struct answer_case *a = &answers[i];
		struct outcome o;

		get(&a->reply, PLENTY_MS, &o);
		if (o.result != a->result)
			fail_msg("%s: result %d, not %d (%s)", a->name,
			    (int)o.result, (int)a->result, o.why.text);
		if (a->status_line != NULL &&
		    strcmp(o.status_line, a->status_line) != 0)
			fail_msg("%s: status \"%s\", not \"%s\"", a->name,
			    o.status_line, a->status_line);
		if (strcmp(o.body, a->body) != 0)
			fail_msg("%s: body \"%s\", not \"%s\"", a->name, o.body,
			    a->body);
		assert_int_equal(o.cut, a->cut);
	}
}

static void
fetch_cuts_long_bodies(void **state)
{
	char reply[3000];
	struct outcome o;
	int n = snprintf(reply, sizeof reply,
	    "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n%02000d", 7);

	(void)state;
	/* the other side hangs before the end, and that does not matter */
	get(&(struct http_stub_reply){ reply, (size_t)n - 1, STUB_HANG },
	    PLENTY_MS, &o);
	assert_int_equal(o.result, FETCH_OK);
	assert_int_equal(o.body_len, 1000);
	assert_true(o.cut);
}

static void
fetch_times_out_before_and_after_the_head(void **state)
{
	static const struct {
		const char *bytes;
		enum fetch_result result;
	} cases[] = {
		{ NULL, FETCH_UNREACHABLE },
		{ "HTTP/1.1 200 OK\r\n", FETCH_UNREACHABLE },
		{ "HTTP/1.1 200 OK\r\n\r\n{\"Allow\":", FETCH_BROKEN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const uint64_t start_ms = clock_now_ms();
		struct outcome o;

		get(&(struct http_stub_reply){ cases[i].bytes, 0, STUB_HANG },
		    SOON_MS, &o);
		assert_int_equal(o.result, cases[i].result);
		assert_true(clock_now_ms() - start_ms >= SOON_MS - 5);
		assert_true(clock_now_ms() - start_ms < PLENTY_MS / 2);
	}
}

static void
fetch_names_what_hinders_a_connect(void **state)
{
	struct outcome o;
	char url[64];

	(void)state;
	snprintf(
	    url, sizeof url, "http://127.0.0.1:%d/", http_stub_dead_port());
	run(&(struct fetch_request){ .url = url, .timeout_ms = PLENTY_MS }, &o);
	assert_int_equal(o.result, FETCH_UNREACHABLE);
	assert_non_null(strstr(o.why.text, "connection refused"));

	run(&(struct fetch_request){ .url = "http://x/",
		.unix_socket = "/nonexistent/socket",
		.timeout_ms = PLENTY_MS },
	    &o);
	assert_int_equal(o.result, FETCH_UNREACHABLE);
	assert_string_equal(o.why.text,
	    "cannot connect to /nonexistent/socket: "
	    "no such file or directory");

	run(&(struct fetch_request){ .url = "ftp://127.0.0.1/",
		.timeout_ms = PLENTY_MS },
	    &o);
	assert_int_equal(o.result, FETCH_UNTRUSTED);
}

static void
fetch_goes_through_unix_sockets(void **state)
{
	struct http_stub stub = {
		.reply = { .bytes = "HTTP/1.1 200 OK\r\n\r\nby socket" },
	};
	char path[64];
	struct outcome o;

	(void)state;
	snprintf(path, sizeof path, "/tmp/derpkit-fetch-%d", (int)getpid());
	http_stub_open_unix(&stub, path);
	run(&(struct fetch_request){ .url = "http://some.host/x",
		.unix_socket = path,
		.timeout_ms = PLENTY_MS,
		.body_max = 100 },
	    &o);
	assert_int_equal(o.result, FETCH_OK);
	assert_string_equal(o.body, "by socket");
	assert_non_null(strstr(stub.last, "\r\nHost: some.host\r\n"));
	http_stub_close(&stub);
}

/* A chain: /N sends to /N-1 with the status in ctx, /0 answers. */
struct chain {
	int status;
	char methods[32]; /* first letters of the methods, in order */
	char bodies[32];  /* b where a body came along */
};

static void
answer_chain(
    struct http_stub *s, const char *request, struct http_stub_reply *reply)
{
	static _Thread_local char bytes[256];
	struct chain *chain = s->ctx;
	const long n = strtol(strchr(request, '/') + 1, NULL, 10);
	const size_t at = strlen(chain->methods);

	chain->methods[at] = request[0];
	chain->bodies[at] = strstr(request, "\r\n\r\nbody") != NULL ? 'b' : '-';
	if (n == 0)
		snprintf(bytes, sizeof bytes,
		    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere");
	else
		snprintf(bytes, sizeof bytes,
		    "HTTP/1.1 %d Moved\r\nLocation: /%ld\r\n"
		    "Content-Length: 4\r\n\r\ngone",
		    chain->status, n - 1);
	*reply = (struct http_stub_reply){ bytes, 0, STUB_KEEP };
}

static void
follow_chain(struct chain *chain, int length, struct outcome *o)
{
	struct http_stub stub = { .answer = answer_chain, .ctx = chain };
	const struct slice body = slice_str("body");
	char url[128];

	http_stub_open(&stub);
	snprintf(url, sizeof url, "%s/%d", stub.url, length);
	run(&(struct fetch_request){ .url = url,
		.timeout_ms = PLENTY_MS,
		.post = &body,
		.body_max = 100 },
	    o);
	http_stub_close(&stub);
}

static void
fetch_redirects_as_go_does(void **state)
{
	static const struct {
		int status;
		const char *methods, *bodies;
	} cases[] = {
		{ 301, "PGG", "b--" },
		{ 302, "PGG", "b--" },
		{ 303, "PGG", "b--" },
		{ 307, "PPP", "bbb" },
		{ 308, "PPP", "bbb" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct chain chain = { .status = cases[i].status };
		struct outcome o;

		follow_chain(&chain, 2, &o);
		assert_int_equal(o.result, FETCH_OK);
		assert_string_equal(o.body, "here");
		assert_string_equal(chain.methods, cases[i].methods);
		assert_string_equal(chain.bodies, cases[i].bodies);
	}
}

static void
fetch_stops_after_ten_requests(void **state)
{
	struct chain chain = { .status = 307 };
	struct outcome o;

	(void)state;
	follow_chain(&chain, 9, &o);
	assert_int_equal(o.result, FETCH_OK);
	assert_int_equal(strlen(chain.methods), 10);

	chain = (struct chain){ .status = 307 };
	follow_chain(&chain, 10, &o);
	assert_int_equal(o.result, FETCH_UNREACHABLE);
	assert_string_equal(o.why.text, "stopped after 10 redirects");
	assert_int_equal(strlen(chain.methods), 10);
}

static void
fetch_keeps_connections(void **state)
{
	struct http_stub stub = {
		.reply = { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0,
		    STUB_KEEP },
	};
	struct fetch_client *c = fetch_client_new(4);

	(void)state;
	http_stub_open(&stub);
	for (int i = 0; i < 3; i++) {
		struct fetch_response response;
		const struct fetch_request request = {
			.url = stub.url,
			.timeout_ms = PLENTY_MS,
		};

		assert_int_equal(fetch(c, &request, &response, NULL), FETCH_OK);
		fetch_response_clear(&response);
	}
	assert_int_equal(atomic_load(&stub.requests), 3);
	assert_int_equal(atomic_load(&stub.connections), 1);
	fetch_client_free(c);
	http_stub_close(&stub);
}

static void
answer_and_stop(
    struct http_stub *s, const char *request, struct http_stub_reply *reply)
{
	(void)request, (void)reply;
	atomic_store((atomic_bool *)s->ctx, true);
}

static void
fetch_gives_up_when_told(void **state)
{
	atomic_bool stop = false;
	struct http_stub stub = {
		.reply = { NULL, 0, STUB_HANG },
		.answer = answer_and_stop,
		.ctx = &stop,
	};
	struct outcome o;

	(void)state;
	http_stub_open(&stub);
	run(
	    &(struct fetch_request){
		.url = stub.url, .timeout_ms = 60000, .stop = &stop },
	    &o);
	assert_int_equal(o.result, FETCH_UNREACHABLE);
	http_stub_close(&stub);
}

static void
fetch_uses_proxies_but_not_for_loopback(void **state)
{
	struct http_stub stub = {
		.reply = { .bytes = "HTTP/1.1 200 OK\r\n\r\nproxied" },
	};
	struct outcome o;

	(void)state;
	http_stub_open(&stub);
	setenv("HTTP_PROXY", stub.url, 1);
	run(&(struct fetch_request){ .url = "http://relay.invalid/x",
		.timeout_ms = PLENTY_MS,
		.body_max = 100 },
	    &o);
	assert_int_equal(o.result, FETCH_OK);
	assert_string_equal(o.body, "proxied");
	assert_ptr_equal(
	    strstr(stub.last, "GET http://relay.invalid/x HTTP/1.1\r\n"),
	    stub.last);

	setenv("HTTP_PROXY", "http://127.0.0.1:1", 1);
	run(
	    &(struct fetch_request){
		.url = stub.url, .timeout_ms = PLENTY_MS, .body_max = 100 },
	    &o);
	assert_int_equal(o.result, FETCH_OK);
	assert_ptr_equal(strstr(stub.last, "GET / HTTP/1.1\r\n"), stub.last);
	unsetenv("HTTP_PROXY");
	http_stub_close(&stub);
}

static int
start(void **state)
{
	(void)state;
	unsetenv("HTTP_PROXY");
	unsetenv("http_proxy");
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
	return fetch_global_init();
}

/* A redirect could lead a secret to anybody. */
static void
fetch_takes_no_secret_along(void **state)
{
	struct http_stub stub = {
		.reply = { .bytes = "HTTP/1.1 307 Go\r\nLocation: /b\r\n"
				    "Content-Length: 0\r\n\r\n" },
	};
	struct outcome o;

	(void)state;
	http_stub_open(&stub);
	run(&(struct fetch_request){ .url = stub.url,
		.timeout_ms = PLENTY_MS,
		.body_max = 100,
		.has_secret = true },
	    &o);
	assert_int_equal(o.result, FETCH_UNTRUSTED);
	assert_non_null(strstr(o.why.text, "is not followed with a secret"));
	assert_int_equal(stub.requests, 1);
	http_stub_close(&stub);
}

static void
fetch_reads_when_to_come_back(void **state)
{
	static const struct {
		const char *value;
		unsigned want;
	} rows[] = {
		{ "7", 7 },
		{ " 86400 ", 86400 },
		{ "122400", 86400 },
		{ "-1", 0 },
		{ "Fri, 31 Dec 1999 23:59:59 GMT", 0 },
		{ "soon", 0 },
	};
	struct fetch_response response;
	struct fail why = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct http_stub stub = { .reply = { .bytes = NULL } };
		struct fetch_client *c = fetch_client_new(1);
		char bytes[256];

		snprintf(bytes, sizeof bytes,
		    "HTTP/1.1 429 No\r\nretry-after: %s\r\n"
		    "Content-Length: 0\r\n\r\n",
		    rows[i].value);
		stub.reply.bytes = bytes;
		http_stub_open(&stub);
		assert_int_equal(fetch(c,
				     &(struct fetch_request){ .url = stub.url,
					 .timeout_ms = PLENTY_MS },
				     &response, &why),
		    FETCH_OK);
		assert_int_equal(response.retry_after_s, rows[i].want);
		fetch_response_clear(&response);
		http_stub_close(&stub);
		fetch_client_free(c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetch_says_what_go_says),
		cmocka_unit_test(fetch_posts_without_type_or_expect),
		cmocka_unit_test(fetch_tells_answers_apart),
		cmocka_unit_test(fetch_cuts_long_bodies),
		cmocka_unit_test(fetch_times_out_before_and_after_the_head),
		cmocka_unit_test(fetch_names_what_hinders_a_connect),
		cmocka_unit_test(fetch_goes_through_unix_sockets),
		cmocka_unit_test(fetch_redirects_as_go_does),
		cmocka_unit_test(fetch_stops_after_ten_requests),
		cmocka_unit_test(fetch_keeps_connections),
		cmocka_unit_test(fetch_gives_up_when_told),
		cmocka_unit_test(fetch_uses_proxies_but_not_for_loopback),
		cmocka_unit_test(fetch_takes_no_secret_along),
		cmocka_unit_test(fetch_reads_when_to_come_back),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
