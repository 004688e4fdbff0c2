/* Unit tests of lib/http/exchange, over a pair of sockets. */
#include "exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"

#define PLENTY_MS 60000 /* nothing that works takes as long */
#define SOON_MS 200     /* for what never comes */

struct ends {
	struct dial *dial;
	int far; /* the server's end */
	struct exchange_response *response;
};

static void
ends_open(struct ends *e)
{
	int fds[2];
	const struct dial_config config = { .address = "", .socket = &fds[0] };

	check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	e->far = fds[1];
	e->dial = dial_open(&config, clock_now_ms() + PLENTY_MS, NULL);
	e->response = malloc(sizeof *e->response);
	check(e->dial != NULL && e->response != NULL);
}

static void
ends_close(struct ends *e)
{
	dial_free(e->dial);
	if (e->far != -1)
		close(e->far);
	free(e->response);
}

/* Asks with that answer on the wire already. */
static enum exchange_result
ask(struct ends *e, const char *answer, bool closes, uint64_t within_ms,
    struct fail *why)
{
	static const char *const headers[] = { "X-A: 1", NULL };
	const struct exchange_request request = {
		.method = "GET",
		.target = "/t?q",
		.host = "h:1",
		.headers = headers,
	};
	const size_t n = strlen(answer);

	check_int(write(e->far, answer, n), (ssize_t)n);
	if (closes)
		shutdown(e->far, SHUT_WR);
	return exchange(
	    e->dial, &request, clock_now_ms() + within_ms, e->response, why);
}

static void
exchange_sends_and_reads(void **state)
{
	char sent[512] = "";
	struct ends e;

	(void)state;
	ends_open(&e);
	check_int(ask(&e,
		      "HTTP/1.1 404 Not Here\r\nServer: x\r\n"
		      "Content-Length: 5\r\n\r\nhello more",
		      false, PLENTY_MS, NULL),
	    EXCHANGE_OK);
	check_int(e.response->head.status, 404);
	check_slice(e.response->head.reason, slice_str("Not Here"));
	check_slice(http1_header(e.response->head.headers,
			e.response->head.header_count, "server"),
	    slice_str("x"));
	check(slice_starts(e.response->body, "hello"));
	check(e.response->time_us > 0);
	check(read(e.far, sent, sizeof sent - 1) > 0);
	check_contains(sent, "GET /t?q HTTP/1.1\r\nHost: h:1\r\n");
	check_contains(sent, "\r\nX-A: 1\r\n\r\n");
	ends_close(&e);
}

static void
result_is(
    const char *answer, bool closes, enum exchange_result want, const char *why)
{
	struct fail reason = { .text = "" };
	struct ends e;

	ends_open(&e);
	check_int(ask(&e, answer, closes,
		      want == EXCHANGE_TIMEOUT ? SOON_MS : PLENTY_MS, &reason),
	    want);
	if (why != NULL)
		check_contains(reason.text, why);
	ends_close(&e);
}

static void
exchange_tells_what_came_instead(void **state)
{
	(void)state;
	result_is("", false, EXCHANGE_TIMEOUT, "no answer in time");
	result_is("HTTP/1.1 200 OK\r\nA:", false, EXCHANGE_TIMEOUT, "in time");
	result_is("", true, EXCHANGE_CLOSED, "ended before");
	result_is("SSH-2.0-x\r\n", false, EXCHANGE_NOT_HTTP, "not HTTP");
	/* a body that is announced and does not come is let go */
	result_is("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", true,
	    EXCHANGE_OK, NULL);
}

static void
exchange_bounds_the_head(void **state)
{
	char *answer = malloc(HTTP1_HEAD_MAX + 100);
	int n;

	(void)state;
	check(answer != NULL);
	n = sprintf(answer, "HTTP/1.1 200 OK\r\nA: ");
	memset(answer + n, 'x', HTTP1_HEAD_MAX);
	answer[n + HTTP1_HEAD_MAX] = '\0';
	result_is(answer, false, EXCHANGE_TOO_LONG,
	    "headers of the answer are too long (limits: 16384 bytes, 64 "
	    "headers)");
	for (int i = 0; i <= HTTP1_HEADERS_MAX; i++)
		n += sprintf(answer + n, "\r\nA: x");
	result_is(answer, false, EXCHANGE_TOO_LONG, "64 headers");
	free(answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exchange_sends_and_reads),
		cmocka_unit_test(exchange_tells_what_came_instead),
		cmocka_unit_test(exchange_bounds_the_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
