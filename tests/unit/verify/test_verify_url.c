/* Unit tests of verify/engine/verify_url, through the engine. */
#include "unit/verify/engine.h"

#include "fetch.h"
#include "unit/http/http_stub.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ALLOW "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"Allow\":true}\n"
#define HEAD(status) "HTTP/1.1 " status "\r\n\r\n"

static struct verify_answer
ask_stub(struct http_stub *stub, bool fail_open, uint64_t ask_ms)
{
	struct verify_config config = { .ask_ms = ask_ms };
	struct verify_answer answer;
	struct verify *v;

	engine_add(&config, "url", stub->url)->outage =
	    fail_open ? VERIFY_OUTAGE_OPEN : VERIFY_OUTAGE_CLOSED;
	v = engine_new(&config);
	answer = engine_check(v, 7);
	verify_free(v);
	return answer;
}

static const struct {
	const char *name;
	const char *reply; /* NULL: none at all */
	enum http_stub_then then;
	enum verify_verdict closed, open; /* without and with fail-open */
	const char *reason;               /* without; part of it */
} answers[] = {
	{ "allow", ALLOW, STUB_CLOSE, VERIFY_ALLOW, VERIFY_ALLOW,
	    "allowed by the admission controller" },
	{ "allow in chunks",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "7\r\n{\"allow\r\n7\r\n\": true\r\n1\r\n}\r\n0\r\n\r\n",
	    STUB_HANG, VERIFY_ALLOW, VERIFY_ALLOW, "allowed" },
	{ "refuse", HEAD("200 OK") "{\"Allow\":false}\n", STUB_CLOSE,
	    VERIFY_DENY, VERIFY_DENY,
	    "admission controller: nodekey:110000000000000000000000000000000000"
	    "0000000000000000000000000007 not allowed" },
	{ "no Allow", HEAD("200 OK") "{}", STUB_CLOSE, VERIFY_DENY, VERIFY_DENY,
	    "not allowed" },
	{ "403", HEAD("403 Forbidden") "{\"Allow\":true}", STUB_CLOSE,
	    VERIFY_DENY, VERIFY_DENY, "admission controller: 403 Forbidden" },
	{ "400", HEAD("400 Bad Request"), STUB_CLOSE, VERIFY_UNKNOWN,
	    VERIFY_UNKNOWN,
	    "400 Bad Request (if it serves TLS on that port, its URL begins" },
	{ "401", HEAD("401 Unauthorized"), STUB_CLOSE, VERIFY_UNKNOWN,
	    VERIFY_UNKNOWN, "401 Unauthorized (it wants a token in the URL" },
	{ "404", HEAD("404 Not Found"), STUB_CLOSE, VERIFY_UNKNOWN,
	    VERIFY_UNKNOWN,
	    "admission controller: 404 Not Found (headscale 0.24 and newer "
	    "answer on /verify" },
	{ "405", HEAD("405 Method Not Allowed"), STUB_CLOSE, VERIFY_UNKNOWN,
	    VERIFY_UNKNOWN,
	    "405 Method Not Allowed (headscale 0.24 and newer answer on" },
	{ "500", HEAD("500 Internal Server Error"), STUB_CLOSE, VERIFY_UNKNOWN,
	    VERIFY_UNKNOWN, "admission controller: 500 Internal Server Error" },
	{ "201", HEAD("201 Created") "{\"Allow\":true}", STUB_CLOSE,
	    VERIFY_UNKNOWN, VERIFY_UNKNOWN, "admission controller: 201" },
	{ "204", HEAD("204 No Content"), STUB_CLOSE, VERIFY_UNKNOWN,
	    VERIFY_UNKNOWN, "admission controller: 204" },
	{ "bad JSON", HEAD("200 OK") "<html>", STUB_CLOSE, VERIFY_UNKNOWN,
	    VERIFY_UNKNOWN, "admission controller: bad answer" },
	{ "no body", HEAD("200 OK"), STUB_CLOSE, VERIFY_UNKNOWN, VERIFY_UNKNOWN,
	    "admission controller: bad answer" },
	{ "broken off",
	    "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Allow\":true}",
	    STUB_CLOSE, VERIFY_UNKNOWN, VERIFY_UNKNOWN, "incomplete response" },
	{ "hang after the head", HEAD("200 OK") "{\"Allow\":", STUB_HANG,
	    VERIFY_UNKNOWN, VERIFY_UNKNOWN, "incomplete response" },
	{ "hang before the head", NULL, STUB_HANG, VERIFY_UNKNOWN, VERIFY_ALLOW,
	    "admission controller unreachable: " },
	{ "garbage", "\x15\x03\x01\x02\x02\x02\r\n\r\n", STUB_CLOSE,
	    VERIFY_UNKNOWN, VERIFY_ALLOW, "unreachable" },
	{ "closed at once", NULL, STUB_CLOSE, VERIFY_UNKNOWN, VERIFY_ALLOW,
	    "unreachable" },
	{ "redirect to a dead port",
	    "HTTP/1.1 307 Temporary Redirect\r\nLocation: "
	    "http://127.0.0.1:1/\r\n\r\n",
	    STUB_CLOSE, VERIFY_UNKNOWN, VERIFY_ALLOW, "connection refused" },
};

static void
url_judges_every_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct http_stub stub = {
			.reply = { .bytes = answers[i].reply },
		};
		struct verify_answer closed, open;
		uint64_t ask_ms =
		    answers[i].then == STUB_HANG ? 300 : ENGINE_WAIT_MS;

		stub.reply.then = answers[i].then;
		http_stub_open(&stub);
		closed = ask_stub(&stub, false, ask_ms);
		open = ask_stub(&stub, true, ask_ms);
		http_stub_close(&stub);
		if (closed.verdict != answers[i].closed || closed.fail_open)
			fail_msg("%s, closed: %d (%s)", answers[i].name,
			    (int)closed.verdict, closed.reason);
		if (open.verdict != answers[i].open)
			fail_msg("%s, open: %d (%s)", answers[i].name,
			    (int)open.verdict, open.reason);
		/* open and closed differ just where open was what counted */
		check_int(open.fail_open, open.verdict != closed.verdict);
		check_contains(closed.reason, answers[i].reason);
	}
}

/* What can never work is fatal at the start, not found at the first login. */
static void
url_must_be_usable(void **state)
{
	static const struct {
		const char *url, *ca_file, *why;
	} cases[] = {
		{ "htps://h/verify", NULL, "the scheme \"htps\"" },
		{ "h.example/verify", NULL, "has no scheme" },
		{ "ftp://h/verify", NULL, "only http and https" },
		{ "https://", NULL, "is not a URL" },
		{ "https://h:99999/", NULL, "is not a URL" },
		{ "https://h/", "/nonexistent/ca.pem",
		    "CA file /nonexistent/ca.pem: " },
		{ "https://h/", "/etc/passwd", "CA file /etc/passwd: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct verify_config config = { 0 };
		struct fail why = { 0 };

		engine_add(&config, "url", cases[i].url)->ca_file =
		    cases[i].ca_file;
		if (verify_new(&config, &why) != NULL)
			fail_msg("%s: accepted", cases[i].url);
		check_contains(why.text, cases[i].why);
	}
}

static void
url_without_a_path_is_mentioned(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify_config config = {
		.context.notice = engine_notice,
		.context.notice_ctx = &notices,
	};

	(void)state;
	engine_add(&config, "url", "http://127.0.0.1:1");
	verify_free(engine_new(&config));
	engine_await_notice(&notices, "headscale answers on /verify");
}

/* As Go's HTTP server answers a TLS handshake. */
static void *
answer_in_plain_text(void *ctx)
{
	static const char text[] = "HTTP/1.0 400 Bad Request\r\n\r\n";
	char hello[4096];
	int fd = accept(*(int *)ctx, NULL, NULL);

	if (fd != -1 && recv(fd, hello, sizeof hello, 0) > 0)
		(void)send(fd, text, sizeof text - 1, MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

/* Somebody is there who speaks no TLS: that is not the controller's absence. */
static void
url_does_not_open_for_lack_of_tls(void **state)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t n = sizeof a;
	struct verify_config config = { .ask_ms = 10000, /* slow emulators */
		.context.now_ms = engine_now_ms };
	struct verify_answer answer = { 0 };
	struct verify *v;
	pthread_t thread;
	char url[80];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	check_int(bind(fd, (struct sockaddr *)&a, n), 0);
	check_int(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	check_int(listen(fd, 1), 0);
	check_int(pthread_create(&thread, NULL, answer_in_plain_text, &fd), 0);
	snprintf(
	    url, sizeof url, "https://127.0.0.1:%u/verify", ntohs(a.sin_port));
	engine_add(&config, "url", url)->outage = VERIFY_OUTAGE_OPEN;
	v = engine_new(&config);
	answer = engine_check(v, 7);
	pthread_join(thread, NULL);
	check_int(answer.verdict, VERIFY_UNKNOWN);
	check_contains(answer.reason, "not trusted: the server does not speak");
	/* nobody accepts any more: it is no less there for being slow */
	answer = engine_check(v, 8);
	check_int(answer.verdict, VERIFY_UNKNOWN);
	check_contains(answer.reason, "not trusted a moment ago");
	close(fd);
	engine_ms += 60000;
	answer = engine_check(v, 9);
	check_int(answer.verdict, VERIFY_ALLOW);
	check(answer.fail_open);
	verify_free(v);
}

static void
url_without_a_listener_is_unreachable(void **state)
{
	struct verify_answer answer = { 0 };
	struct http_stub stub = { 0 };

	(void)state;
	snprintf(stub.url, sizeof stub.url, "http://127.0.0.1:%d/",
	    http_stub_dead_port());
	answer = ask_stub(&stub, false, 0);
	check_int(answer.verdict, VERIFY_UNKNOWN);
	check_contains(answer.reason, "connection refused");
	answer = ask_stub(&stub, true, 0);
	check_int(answer.verdict, VERIFY_ALLOW);
	check(answer.fail_open);
	check_contains(answer.reason, "connection refused");
}

static void
url_reads_no_more_than_4_kib(void **state)
{
	static char reply[9000];
	struct http_stub stub = { .reply = { reply, 0, STUB_HANG } };
	struct verify_answer answer = { 0 };
	int n = snprintf(reply, sizeof reply,
	    "HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n");

	(void)state;
	/* the value ends within, then blanks: the first value is what counts */
	memset(reply + n, ' ', sizeof reply - (size_t)n - 1);
	memcpy(reply + n, "{\"Allow\":true}", 14);
	http_stub_open(&stub);
	answer = ask_stub(&stub, false, ENGINE_WAIT_MS);
	check_int(answer.verdict, VERIFY_ALLOW);
	/* the value begins with so many blanks that it ends outside */
	memset(reply + n, ' ', 14);
	memcpy(reply + n + 4090, "{\"Allow\":true}", 14);
	answer = ask_stub(&stub, true, ENGINE_WAIT_MS);
	check_int(answer.verdict, VERIFY_UNKNOWN);
	http_stub_close(&stub);
}

static void
url_sends_key_and_address(void **state)
{
	static const struct {
		const char *ip, *source;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "2001:db8::1", "2001:db8::1" },
		{ NULL, "" },
	};
	struct http_stub stub = { .reply = { .bytes = ALLOW } };
	const struct derp_key key = engine_key(7);
	struct verify_config config = { 0 };
	struct verify *v;
	char want[256];

	(void)state;
	http_stub_open(&stub);
	engine_add(&config, "url", stub.url);
	v = engine_new(&config);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct netaddr ip = { 0 };
		struct verify_answer answer = { 0 };

		if (cases[i].ip != NULL)
			check_int(
			    netaddr_parse_ip(&ip, slice_str(cases[i].ip)), 0);
		verify_check(
		    v, &key, cases[i].ip != NULL ? &ip : NULL, &answer);
		check_int(answer.verdict, VERIFY_ALLOW);
		snprintf(want, sizeof want,
		    "\r\n\r\n{\"NodePublic\":\"%s\",\"Source\":\"%s\"}",
		    engine_key_text(7), cases[i].source);
		check_contains(stub.last, want);
	}
	check_contains(stub.last, "POST / HTTP/1.1\r\n");
	check_contains(stub.last, "User-Agent: Go-http-client/1.1\r\n");
	check_null(strstr(stub.last, "Content-Type"));
	verify_free(v);
	http_stub_close(&stub);
}

static void
url_names_the_address_it_refuses(void **state)
{
	struct http_stub stub = {
		.reply = { .bytes = HEAD("200 OK") "{\"Allow\":false}" },
	};
	const struct derp_key key = engine_key(7);
	struct verify_config config = { 0 };
	struct verify_answer answer = { 0 };
	struct netaddr ip;
	struct verify *v;
	char want[256];

	(void)state;
	http_stub_open(&stub);
	engine_add(&config, "url", stub.url);
	v = engine_new(&config);
	check_int(netaddr_parse_ip(&ip, slice_str("192.0.2.9")), 0);
	verify_check(v, &key, &ip, &answer);
	snprintf(want, sizeof want,
	    "admission controller: %s/192.0.2.9 not allowed",
	    engine_key_text(7));
	check_text(answer.reason, want);
	verify_free(v);
	http_stub_close(&stub);
}

static void
refuse_slowly(
    struct http_stub *s, const char *request, struct http_stub_reply *reply)
{
	(void)s, (void)request;
	usleep(100 * 1000);
	*reply = (struct http_stub_reply){
		.bytes = HEAD("200 OK") "{\"Allow\":false}",
	};
}

/* A controller that refuses, but no faster than it can, and many connections:
 * those for whom there was no time are not allowed for that reason. */
static void
url_does_not_open_for_a_queue_of_ours(void **state)
{
	enum { CLIENTS = 1000 };
	struct http_stub stub = { .answer = refuse_slowly };
	struct verify_config config = { .ask_ms = 3000 };
	struct engine_answers all = ENGINE_ANSWERS;
	struct verify_answer answer = { 0 };
	struct verify_counters counters;
	struct verify *v;

	(void)state;
	http_stub_open(&stub);
	engine_add(&config, "url", stub.url)->outage = VERIFY_OUTAGE_OPEN;
	v = engine_new(&config);
	for (unsigned n = 1; n <= CLIENTS; n++) {
		const struct derp_key key = engine_key(n);

		check(!verify_ask(v, &key, NULL, &answer, engine_done, &all));
	}
	engine_await(&all, CLIENTS);
	verify_get_counters(v, &counters);
	check(counters.denied > 0);
	check(counters.unknown > 0);
	check_size(counters.failed_open, 0);
	check_int(all.allowed, 0);
	verify_free(v);
	http_stub_close(&stub);
}

/* An earlier source that hangs takes all the time: that the controller could
 * not be asked does not show that it is away. */
static void
url_does_not_open_for_time_spent_elsewhere(void **state)
{
	struct http_stub slow = { .reply = { .then = STUB_HANG } };
	struct http_stub stub = {
		.reply = { .bytes = HEAD("200 OK") "{\"Allow\":false}" },
	};
	struct verify_config config = {
		.ask_ms = 400,
		.policy = VERIFY_POLICY_ANY,
	};
	struct verify_answer answer = { 0 };
	struct verify *v;

	(void)state;
	http_stub_open(&slow);
	http_stub_open(&stub);
	engine_add(&config, "url", slow.url);
	engine_add(&config, "url", stub.url)->outage = VERIFY_OUTAGE_OPEN;
	v = engine_new(&config);
	answer = engine_check(v, 7);
	check_int(answer.verdict, VERIFY_UNKNOWN);
	check(!answer.fail_open);
	verify_free(v);
	http_stub_close(&stub);
	http_stub_close(&slow);
}

static void
check_without_descriptors(const char *host, uint16_t port)
{
	struct http_stub url = { 0 };
	struct verify_config config = { 0 };
	struct verify_answer answer = { 0 };
	struct verify *v;
	int taken[1024];
	int n = 0;

	snprintf(url.url, sizeof url.url, "http://%s:%u/", host, port);
	engine_add(&config, "url", url.url)->outage = VERIFY_OUTAGE_OPEN;
	v = engine_new(&config);
	while (n < 1024 && (taken[n] = dup(0)) != -1)
		n++;
	check(n < 1024); /* they are used up */
	answer = engine_check(v, 7);
	while (n > 0)
		close(taken[--n]);
	check_int(answer.verdict, VERIFY_UNKNOWN);
	check(!answer.fail_open);
	check_contains(answer.reason, "cannot ask the admission controller");
	check_contains(answer.reason, "oo many open files");
	/* the same question, with descriptors: nobody listens there */
	answer = engine_check(v, 8);
	check(answer.fail_open);
	verify_free(v);
}

static void
url_does_not_open_for_lack_of_descriptors(void **state)
{
	const uint16_t port = (uint16_t)http_stub_dead_port();
	struct rlimit before, few;

	(void)state;
	check_int(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 200;
	check_int(setrlimit(RLIMIT_NOFILE, &few), 0);
	check_without_descriptors("127.0.0.1", port);
	check_without_descriptors("localhost", port);
	check_int(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static _Atomic int connect_error; /* of every TCP connect; 0: the system's */

/* In place of the C library's, for libcurl too. */
int
connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t n)
{
	int type = 0;
	socklen_t type_n = sizeof type;

	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_n);
	if (connect_error != 0 && type == SOCK_STREAM) {
		errno = connect_error;
		return -1;
	}
	return (int)syscall(SYS_connect, fd, to.__sockaddr__, n);
}

/* As after a flood of logins, when every local port is used up. */
static void
url_does_not_open_for_lack_of_ports(void **state)
{
	static const int errors[] = { EADDRNOTAVAIL, EAGAIN, ENOBUFS, ENOMEM };
	struct verify_config config = { 0 };
	struct verify *v;

	(void)state;
	engine_add(&config, "url", "http://127.0.0.1:1/verify")->outage =
	    VERIFY_OUTAGE_OPEN;
	v = engine_new(&config);
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		struct verify_answer answer = { 0 };

		connect_error = errors[i];
		answer = engine_check(v, (unsigned)i + 1);
		connect_error = 0;
		if (answer.verdict != VERIFY_UNKNOWN)
			fail_msg("%s: %s", strerror(errors[i]), answer.reason);
		check_contains(answer.reason, "cannot ask the admission");
	}
	/* the true thing */
	check(engine_check(v, 9).fail_open);
	verify_free(v);
}

/* In a process of its own: it gives its rights up. */
static int
ask_without_threads(void)
{
	const struct rlimit none = { 0, 0 };
	struct verify_config config = { 0 };
	struct verify_answer answer = { 0 };
	struct verify *v;

	engine_add(&config, "url", "http://controller.invalid/verify")->outage =
	    VERIFY_OUTAGE_OPEN;
	v = engine_new(&config);
	if ((geteuid() == 0 && setuid(65534) == -1) ||
	    setrlimit(RLIMIT_NPROC, &none) == -1)
		return 2;
	answer = engine_check(v, 7);
	verify_free(v);
	return answer.verdict == VERIFY_UNKNOWN && !answer.fail_open ? 0 : 1;
}

/* Names are resolved on a thread; when none can be started it looks as if there
 * were no such host. */
static void
url_does_not_open_for_lack_of_threads(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(ask_without_threads());
	check(pid > 0);
	check_int(waitpid(pid, &status, 0), pid);
	check(WIFEXITED(status));
	check_int(WEXITSTATUS(status), 0);
}

static void
allow_slowly(
    struct http_stub *s, const char *request, struct http_stub_reply *reply)
{
	(void)s, (void)request;
	usleep(20 * 1000);
	reply->bytes = ALLOW;
	reply->then = STUB_KEEP;
}

/* Connections that are closed after a burst cost a local port for a minute
 * each, and there are 28,000. */
static void
url_keeps_a_connection_per_thread(void **state)
{
	enum { BURSTS = 5, CLIENTS = 32 };
	struct http_stub stub = { .answer = allow_slowly };
	struct verify_config config = { 0 };
	struct engine_answers all = ENGINE_ANSWERS;
	struct verify_answer answer = { 0 };
	struct verify *v;

	(void)state;
	http_stub_open(&stub);
	engine_add(&config, "url", stub.url);
	v = engine_new(&config);
	for (unsigned burst = 0; burst < BURSTS; burst++) {
		for (unsigned n = 1; n <= CLIENTS; n++) {
			const struct derp_key key =
			    engine_key(burst * CLIENTS + n);

			check(!verify_ask(
			    v, &key, NULL, &answer, engine_done, &all));
		}
		engine_await(&all, (burst + 1) * CLIENTS);
	}
	check_int(all.allowed, BURSTS * CLIENTS);
	check(atomic_load(&stub.connections) <= 16);
	verify_free(v);
	http_stub_close(&stub);
}

static int
start(void **state)
{
	(void)state;
	return fetch_global_init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(url_judges_every_answer),
		cmocka_unit_test(url_must_be_usable),
		cmocka_unit_test(url_without_a_path_is_mentioned),
		cmocka_unit_test(url_does_not_open_for_lack_of_tls),
		cmocka_unit_test(url_does_not_open_for_lack_of_ports),
		cmocka_unit_test(url_does_not_open_for_lack_of_threads),
		cmocka_unit_test(url_keeps_a_connection_per_thread),
		cmocka_unit_test(url_without_a_listener_is_unreachable),
		cmocka_unit_test(url_reads_no_more_than_4_kib),
		cmocka_unit_test(url_sends_key_and_address),
		cmocka_unit_test(url_names_the_address_it_refuses),
		cmocka_unit_test(url_does_not_open_for_a_queue_of_ours),
		cmocka_unit_test(url_does_not_open_for_time_spent_elsewhere),
		cmocka_unit_test(url_does_not_open_for_lack_of_descriptors),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
