/* http_service: answers over real sockets, now and later, and what its limits
 * do. TLS, evicting and the rest are in tests/relay/test_serve.py. */
#include "check.h"
#include "fake_alloc.h"

#include "http_service.h"
#include "listener.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

struct fixture {
	struct loop *loop;
	struct http_service *service;
	struct netaddr addr;
	struct http_service_conn *later; /* who waits for an answer */
	bool put_off;
	unsigned requests, gone, refused;
	char why[128];
};

static size_t
body_max(void *ctx, const struct http1_request *req)
{
	(void)ctx;
	(void)req;
	return 64;
}

static void
gone(void *arg)
{
	struct fixture *f = arg;

	f->gone++;
	f->later = NULL;
}

static const struct http_server_answer ok = { .status = 204 };

static void
request(void *ctx, struct http_service_conn *c, const struct http1_request *req,
    struct slice body)
{
	struct fixture *f = ctx;
	const struct http_server_promise promise = { .gone = gone, .arg = f };

	(void)req;
	(void)body;
	f->requests++;
	check(http_service_peer(c)->is_set);
	if (f->put_off) {
		f->later = c;
		http_server_later(http_service_server(c), &promise);
	} else {
		http_server_answer(http_service_server(c), &ok);
	}
}

static void
refused(void *ctx, const struct netaddr *peer, const char *why)
{
	struct fixture *f = ctx;

	check(peer->is_set);
	f->refused++;
	snprintf(f->why, sizeof f->why, "%s", why);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct http_service_config config = {
		.handler = { body_max, request, refused, f },
		.connections_max = 3,
		.connections_per_address = 1,
		.request_ms = 60000,
		.idle_ms = 60000,
	};
	struct fail why = { 0 };
	int fd;

	config.loop = f->loop = loop_new(&why);
	f->service = http_service_new(&config, &why);
	check_int(netaddr_parse_ip(&f->addr, slice_str("127.0.0.1")), 0);
	check_int(listener_probe(&f->addr, LISTENER_TCP, &why), 0);
	fd = listener_open(&f->addr, LISTENER_TCP, &why);
	check_int(http_service_listen(f->service, fd, false, &why), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	http_service_free(f->service);
	loop_free(f->loop);
	free(f);
	return 0;
}

static int
dial(const struct fixture *f, const char *text)
{
	struct sockaddr_storage sa;
	socklen_t len = netaddr_to_sockaddr(&f->addr, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM, 0);

	check_int(connect(fd, (struct sockaddr *)&sa, len), 0);
	check_int(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	return fd;
}

/* Turns the loop until something has come, and reads it. */
static const char *
receive(const struct fixture *f, int fd)
{
	static char text[4096];
	ssize_t n = -1;

	for (int i = 0; i < 1000 && n == -1; i++) {
		loop_wake(f->loop);
		loop_turn(f->loop);
		n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
		if (n == -1)
			usleep(1000);
	}
	check(n >= 0);
	text[n] = '\0';
	return text;
}

static void
turn_until(const struct fixture *f, const unsigned *count, unsigned want)
{
	for (int i = 0; i < 1000 && *count < want; i++) {
		loop_wake(f->loop);
		loop_turn(f->loop);
		usleep(1000);
	}
	check_int(*count, want);
}

static void
http_service_answers(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f, GET);

	check_contains(receive(f, fd), "HTTP/1.1 204 No Content\r\n");
	check_int(send(fd, GET, strlen(GET), MSG_NOSIGNAL), strlen(GET));
	check_contains(receive(f, fd), "HTTP/1.1 204 No Content\r\n");
	check_int(http_service_counters(f->service)->requests, 2);
	check_int(http_service_counters(f->service)->open, 1);
	close(fd);
}

/* What came meanwhile is handled after the answer. */
static void
http_service_answers_later(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f, GET GET);

	f->put_off = true;
	turn_until(f, &f->requests, 1);
	f->put_off = false;
	http_service_answer(f->later, &ok);
	check_int(f->requests, 2);
	check_contains(receive(f, fd), "204 No Content\r\n");
	check_int(f->gone, 0);
	close(fd);
}

static void
http_service_tells_who_promised(void **state)
{
	struct fixture *f = *state;
	const struct linger now = { .l_onoff = 1 };
	int fd = dial(f, GET);

	f->put_off = true;
	turn_until(f, &f->requests, 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd); /* a reset is seen although nothing is read */
	turn_until(f, &f->gone, 1);
	check_int(http_service_counters(f->service)->open, 0);
}

static void
http_service_limits_an_address(void **state)
{
	struct fixture *f = *state;
	int first = dial(f, GET), second, third;

	check_contains(receive(f, first), "204 No Content");
	second = dial(f, GET);
	check_contains(receive(f, second), "503 Service Unavailable");
	check_int(f->refused, 1);
	check_contains(f->why, "too many connections");
	third = dial(f, GET); /* the second one is not closed yet */
	check_text(receive(f, third), "");
	check_int(f->requests, 1);
	check_int(http_service_counters(f->service)->refused_address, 2);
	close(first);
	close(second);
	close(third);
}

static void
http_service_drains(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f, GET);

	f->put_off = true;
	turn_until(f, &f->requests, 1);
	http_service_drain(f->service, 60000);
	http_service_answer(f->later, &ok);
	check_contains(receive(f, fd), "\r\nConnection: close\r\n");
	close(fd);
	loop_run(f->loop); /* it stops when the connection is gone */
	check_int(http_service_counters(f->service)->open, 0);
}

/* Uses up the descriptors of the process, but for so many. */
static size_t
fill(int *fds, size_t max, size_t left)
{
	size_t n = 0;

	while (n < max && (fds[n] = dup(0)) != -1)
		n++;
	while (left-- > 0 && n > 0)
		close(fds[--n]);
	return n;
}

/* Of all ports together, also while none of them accepts anything. */
static void
http_service_counts_shortages_of_all_ports(void **state)
{
	struct fixture *f = *state;
	const struct netaddr first = f->addr;
	struct netaddr second;
	struct fail why = { 0 };
	struct rlimit old, low;
	int fds[256], clients[2], fd;
	size_t taken;

	check_int(netaddr_parse_ip(&second, slice_str("127.0.0.1")), 0);
	check_int(listener_probe(&second, LISTENER_TCP, &why), 0);
	fd = listener_open(&second, LISTENER_TCP, &why);
	check_int(http_service_listen(f->service, fd, false, &why), 0);
	check_int(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = (struct rlimit){ 256, old.rlim_max };
	check_int(setrlimit(RLIMIT_NOFILE, &low), 0);
	taken = fill(fds, 256, 2);
	clients[0] = dial(f, GET);
	f->addr = second;
	clients[1] = dial(f, GET);
	f->addr = first;
	for (int i = 0;
	     i < 1000 && http_service_counters(f->service)->out_of_fds < 2;
	     i++) {
		loop_wake(f->loop);
		loop_turn(f->loop);
	}
	check(http_service_counters(f->service)->out_of_fds >= 2);
	check_int(f->requests, 0);
	while (taken > 0)
		close(fds[--taken]);
	check_int(setrlimit(RLIMIT_NOFILE, &old), 0);
	close(clients[0]);
	close(clients[1]);
}

static void
http_service_survives_a_shortage(void **state)
{
	struct fixture *f = *state;

	for (unsigned n = 1; n <= 3; n++) {
		int fd = dial(f, GET);

		fake_alloc_fail_at(n);
		(void)receive(f, fd); /* an answer, or the end */
		fake_alloc_fail_at(0);
		close(fd);
		turn_until(f, &f->requests, f->requests);
	}
	check(http_service_counters(f->service)->out_of_memory > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    http_service_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    http_service_answers_later, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    http_service_tells_who_promised, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    http_service_limits_an_address, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    http_service_drains, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    http_service_counts_shortages_of_all_ports, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    http_service_survives_a_shortage, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
