/* Unit tests of verify/engine/verify_tailscaled, through the engine. */
#include "unit/verify/engine.h"

#include "fetch.h"
#include "unit/http/http_stub.h"

#define HEAD(status) "HTTP/1.1 " status "\r\n\r\n"

static const char *
socket_path(void)
{
	static char path[108];

	snprintf(path, sizeof path, "%s/sock", engine_dir());
	return path;
}

static struct verify_answer
ask_stub_of(bool allow_expired, const char *reply, enum http_stub_then then,
    uint64_t ask_ms)
{
	struct verify_config config = {
		.context.interactive = true,
		.ask_ms = ask_ms,
	};
	struct http_stub stub = { .reply = { .bytes = reply } };
	struct verify_answer answer;
	struct verify *v;

	stub.reply.then = then;
	http_stub_open_unix(&stub, socket_path());
	engine_add(&config, "tailscaled", socket_path())->allow_expired =
	    allow_expired;
	v = engine_new(&config);
	answer = engine_check(v, 9);
	verify_free(v);
	http_stub_close(&stub);
	return answer;
}

/* As derper's flag has it asked. */
static struct verify_answer
ask_stub(const char *reply, enum http_stub_then then, uint64_t ask_ms)
{
	return ask_stub_of(true, reply, then, ask_ms);
}

#define KEY_9                                                              \
	"nodekey:11000000000000000000000000000000000000000000000000000000" \
	"00000009"
#define FAILED "failed to query local tailscaled status for " KEY_9 ": "

static const struct {
	const char *name, *reply;
	enum http_stub_then then;
	enum verify_verdict verdict;
	const char *reason;
} answers[] = {
	{ "known", HEAD("200 OK") "{\"Node\":{\"Name\":\"b.x.\"}}\n",
	    STUB_CLOSE, VERIFY_ALLOW, "b.x. known to local tailscaled" },
	{ "known, in chunks",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "b\r\n{\"Node\":{}}\r\n0\r\n\r\n",
	    STUB_HANG, VERIFY_ALLOW, "peer known to local tailscaled" },
	{ "expired",
	    HEAD("200 OK") "{\"Node\":{\"Name\":\"b.\",\"Expired\":true}}",
	    STUB_CLOSE, VERIFY_ALLOW,
	    "b. known to local tailscaled (its key has expired)" },
	{ "unknown", HEAD("404 Not Found") "no match for IP:port\n", STUB_CLOSE,
	    VERIFY_DENY,
	    "peer " KEY_9 " not authorized (not found in local tailscaled)" },
	{ "old daemon", HEAD("400 Bad Request") "invalid 'addr' parameter\n",
	    STUB_CLOSE, VERIFY_UNKNOWN,
	    "tailscaled version is too old (out of sync with derper binary)" },
	{ "bad key",
	    HEAD("400 Bad Request") "invalid nodekey in 'addr' "
				    "parameter\n",
	    STUB_CLOSE, VERIFY_UNKNOWN,
	    FAILED "400 Bad Request: invalid nodekey in 'addr' parameter" },
	{ "no permission", HEAD("403 Forbidden") "whois access denied\n",
	    STUB_CLOSE, VERIFY_UNKNOWN,
	    FAILED "403 Forbidden: whois access denied" },
	{ "server error", HEAD("500 Internal Server Error") "no backend",
	    STUB_CLOSE, VERIFY_UNKNOWN,
	    FAILED "500 Internal Server Error: no backend" },
	{ "no Node", HEAD("200 OK") "{}", STUB_CLOSE, VERIFY_UNKNOWN,
	    FAILED "its answer has no Node" },
	{ "not an object", HEAD("200 OK") "[]", STUB_CLOSE, VERIFY_UNKNOWN,
	    FAILED "its answer has no Node" },
	{ "a Node that is none", HEAD("200 OK") "{\"Node\":null}", STUB_CLOSE,
	    VERIFY_UNKNOWN, FAILED "its answer has no Node" },
	{ "no JSON", HEAD("200 OK") "fine", STUB_CLOSE, VERIFY_UNKNOWN,
	    FAILED "bad JSON in its answer: " },
	{ "control characters",
	    HEAD("503 Nope") "a\x1b[31m\xff"
			     "b\n",
	    STUB_CLOSE, VERIFY_UNKNOWN, FAILED "503 Nope: a?[31m?b" },
	{ "closed", NULL, STUB_CLOSE, VERIFY_UNKNOWN, FAILED },
	{ "broken off", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
	    STUB_CLOSE, VERIFY_UNKNOWN, FAILED },
	{ "hangs", NULL, STUB_HANG, VERIFY_UNKNOWN, FAILED },
	{ "hangs in the body", HEAD("200 OK") "{", STUB_HANG, VERIFY_UNKNOWN,
	    FAILED },
};

/* Whether the end of it is waited for in vain. */
static bool
is_endless(size_t i)
{
	return answers[i].then == STUB_HANG &&
	    answers[i].verdict == VERIFY_UNKNOWN;
}

static void
tailscaled_judges_every_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct verify_answer answer = ask_stub(answers[i].reply,
		    answers[i].then, is_endless(i) ? 300 : ENGINE_WAIT_MS);

		if (answer.verdict != answers[i].verdict ||
		    strncmp(answer.reason, answers[i].reason,
			strlen(answers[i].reason)) != 0)
			fail_msg("%s: %d %s", answers[i].name,
			    (int)answer.verdict, answer.reason);
		check(!answer.fail_open);
	}
}

static void
tailscaled_reads_a_real_answer(void **state)
{
	char reply[8192] = HEAD("200 OK");
	struct verify_answer answer = { 0 };
	size_t n = strlen(reply);
	FILE *f = fopen(TESTS_DIR
	    "/unit/verify/data/tailscaled-1.102.5-whois-expired.json",
	    "r");

	(void)state;
	assert_non_null(f);
	check(fread(reply + n, 1, sizeof reply - n - 1, f) > 0);
	fclose(f);
	answer = ask_stub(reply, STUB_CLOSE, ENGINE_WAIT_MS);
	check_int(answer.verdict, VERIFY_ALLOW);
	check_text(answer.reason,
	    "node-c.e2e.test. known to local tailscaled (its key has expired)");
	answer = ask_stub_of(false, reply, STUB_CLOSE, ENGINE_WAIT_MS);
	check_int(answer.verdict, VERIFY_DENY);
	check_text(answer.reason,
	    "peer " KEY_9
	    " not authorized (its key has expired, local tailscaled says)");
}

static void
tailscaled_request_is_as_upstreams(void **state)
{
	struct verify_config config = { 0 };
	struct http_stub stub = {
		.reply = { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: "
				    "11\r\n\r\n{\"Node\":{}}",
		    .then = STUB_KEEP },
	};
	struct verify *v;

	(void)state;
	http_stub_open_unix(&stub, socket_path());
	engine_add(&config, "tailscaled", socket_path());
	v = engine_new(&config);
	for (int i = 0; i < 3; i++)
		check_int(engine_check(v, 9).verdict, VERIFY_ALLOW);
	check_text(stub.last,
	    "GET /localapi/v0/whois?addr=nodekey%3A" /* the key's hex */
	    "110000000000000000000000000000000000000000000000000000000000"
	    "0009 HTTP/1.1\r\n"
	    "Host: local-tailscaled.sock\r\n"
	    "User-Agent: Go-http-client/1.1\r\n"
	    "Accept-Encoding: gzip\r\n"
	    "Tailscale-Cap: 142\r\n\r\n");
	/* nothing is reused, but for the connection */
	check_int(atomic_load(&stub.requests), 3);
	check_int(atomic_load(&stub.connections), 1);
	verify_free(v);
	http_stub_close(&stub);
}

static void
tailscaled_socket_may_be_something_else(void **state)
{
	struct verify_config config = { .context.interactive = true };
	struct verify_answer answer = { 0 };
	struct verify *v;

	(void)state;
	engine_add(&config, "tailscaled", engine_dir());
	v = engine_new(&config);
	answer = engine_check(v, 9);
	check_int(answer.verdict, VERIFY_UNKNOWN);
	check_contains(answer.reason, ": it is a directory, not a socket");
	verify_free(v);
}

static void
tailscaled_that_is_absent_is_named(void **state)
{
	struct verify_config config = { .context.interactive = true };
	struct verify_answer answer;
	struct verify *v;

	(void)state;
	engine_add(&config, "tailscaled", "/nonexistent/sock");
	v = engine_new(&config);
	answer = engine_check(v, 9);
	check_int(answer.verdict, VERIFY_UNKNOWN);
	check_text(answer.reason,
	    FAILED "cannot connect to /nonexistent/sock: no such file or "
		   "directory");
	verify_free(v);
}

static void *
open_later(void *ctx)
{
	usleep(400000);
	http_stub_open_unix(ctx, socket_path());
	return NULL;
}

static void
tailscaled_may_start_after_us(void **state)
{
	struct verify_config config = { .context.now_ms = engine_now_ms };
	struct engine_notices notices = ENGINE_NOTICES;
	struct http_stub stub = {
		.reply = { .bytes = HEAD("200 OK") "{\"Node\":{}}" },
	};
	struct verify *v;
	pthread_t thread;

	(void)state;
	config.context.notice = engine_notice;
	config.context.notice_ctx = &notices;
	engine_add(&config, "tailscaled", socket_path());
	v = engine_new(&config);
	engine_await_notice(
	    &notices, "No such file or directory; clients are rejected until");
	check_int(pthread_create(&thread, NULL, open_later, &stub), 0);
	check_int(engine_check(v, 9).verdict, VERIFY_ALLOW);
	pthread_join(thread, NULL);
	http_stub_close(&stub);
	/* later there is one try */
	engine_ms += 2000;
	check_int(engine_check(v, 9).verdict, VERIFY_UNKNOWN);
	verify_free(v);
}

static int
start(void **state)
{
	(void)state;
	return fetch_global_init();
}

static int
end(void **state)
{
	(void)state;
	return engine_remove((const char *const[]){ "sock", NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tailscaled_judges_every_answer),
		cmocka_unit_test(tailscaled_reads_a_real_answer),
		cmocka_unit_test(tailscaled_request_is_as_upstreams),
		cmocka_unit_test(tailscaled_that_is_absent_is_named),
		cmocka_unit_test(tailscaled_socket_may_be_something_else),
		cmocka_unit_test(tailscaled_may_start_after_us),
	};

	return cmocka_run_group_tests(tests, start, end);
}
