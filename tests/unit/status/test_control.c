/* control: what the control socket answers, to whom asks well, badly, too much,
 * or leaves; over a real socket, with a loop that the test turns. */
#include "fake_server.h"

#include "control.h"
#include "fake_alloc.h"
#include "status_ask.h"

#include <sys/socket.h>
#include <sys/un.h>

enum { PATIENCE = 20000 }; /* turns that each wait a millisecond at most */

static struct {
	struct loop *loop;
	struct control *control;
	struct sockaddr_un at;
	socklen_t at_len;
	struct status_ask *ask; /* owned: what waits for an answer */
	unsigned reloads, drains;
	uint64_t within_ms;
} f;

static void
reload(void *ctx)
{
	(void)ctx;
	f.reloads++;
}

static void
drain(void *ctx, uint64_t within_ms)
{
	(void)ctx;
	f.drains++;
	f.within_ms = within_ms;
}

static void
take_ask(void *ctx, struct status_ask *ask)
{
	(void)ctx;
	check(f.ask == NULL);
	f.ask = ask;
}

/* What waits is answered with this; NULL: memory was short. */
static void
answer(const char *text)
{
	struct status_ask *ask = f.ask;

	f.ask = NULL;
	ask->code = text != NULL ? 200 : 503;
	ask->type = "text/plain";
	ask->text = text != NULL ? strdup(text) : NULL;
	ask->len = text != NULL ? strlen(text) : 0;
	ask->done(ask);
}

static const struct control_events events = { .reload = reload,
	.drain = drain };

static int
setup(void **state)
{
	struct fail why = { 0 };
	const sa_family_t family = AF_UNIX;
	struct sockaddr any = { .sa_family = family };
	int fd;

	(void)fake_server_setup(state);
	memset(&f, 0, sizeof f);
	f.loop = loop_new(&why);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* the kernel gives it a name that has no file */
	check_int(bind(fd, &any, sizeof family), 0);
	check_int(listen(fd, 64), 0);
	f.at_len = sizeof f.at;
	check_int(getsockname(fd, (struct sockaddr *)&f.at, &f.at_len), 0);
	f.control = control_new(&(struct control_config){ .loop = f.loop,
				    .fd = fd,
				    .relay = &fake_server.shared,
				    .events = &events,
				    .ask = take_ask },
	    &why);
	check_text(why.text, "");
	return 0;
}

static int
teardown(void **state)
{
	control_free(f.control);
	if (f.ask != NULL)
		status_ask_free(f.ask);
	loop_free(f.loop);
	return fake_server_teardown(state);
}

static int
dial(void)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	check_int(connect(fd, (struct sockaddr *)&f.at, f.at_len), 0);
	return fd;
}

static void
send_text(int fd, const char *text)
{
	check_int(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void
turn(void)
{
	loop_wake(f.loop);
	loop_turn(f.loop);
}

/* What comes within some turns, and was not told before; "" at the end of the
 * stream. */
static const char *
receive(int fd)
{
	static char text[8192];
	ssize_t n = -1;

	for (int i = 0; i < PATIENCE && n == -1; i++) {
		turn();
		n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
		if (n == -1 && errno != EAGAIN)
			n = 0; /* closed with something unread */
		if (n == -1)
			usleep(1000);
	}
	check(n >= 0);
	text[n] = '\0';
	return text;
}

/* The answer to a request of that line on a connection of its own. */
static const char *
ask(const char *line)
{
	const int fd = dial();
	const char *text;
	char request[512];

	snprintf(
	    request, sizeof request, "%s HTTP/1.1\r\nHost: x\r\n\r\n", line);
	send_text(fd, request);
	text = receive(fd);
	close(fd);
	return text;
}

static void
turn_until_asked(void)
{
	for (int i = 0; i < PATIENCE && f.ask == NULL; i++)
		turn();
	check(f.ask != NULL);
}

static void
control_tells_the_status_when_it_comes(void **state)
{
	const int fd = dial();

	(void)state;
	send_text(fd, "GET /status.json?limit=7 HTTP/1.1\r\nHost: x\r\n\r\n");
	turn_until_asked();
	check_size(f.ask->query.limit, 7);
	answer("{\"a\": 1}");
	check_contains(receive(fd), "{\"a\": 1}");
	close(fd);
}

static void
control_says_when_the_status_cannot_be_told(void **state)
{
	const int fd = dial();

	(void)state;
	send_text(fd, "GET /status.json HTTP/1.1\r\nHost: x\r\n\r\n");
	turn_until_asked();
	answer(NULL);
	check_contains(receive(fd), "HTTP/1.1 503 ");
	close(fd);
}

/* The answer to a question outlives who asked: nobody gets it. */
static void
control_forgets_who_leaves(void **state)
{
	int fd = dial(), other;

	(void)state;
	send_text(fd, "GET /status.json HTTP/1.1\r\nHost: x\r\n\r\n");
	turn_until_asked();
	close(fd);
	/* whoever is answered after that shows that it was seen */
	other = dial();
	send_text(other, "POST /reload HTTP/1.1\r\nHost: x\r\n\r\n");
	check_contains(receive(other), "HTTP/1.1 202 ");
	answer("late");
	send_text(other, "POST /reload HTTP/1.1\r\nHost: x\r\n\r\n");
	check_contains(receive(other), "HTTP/1.1 202 ");
	close(other);
}

static void
control_may_end_before_the_answer(void **state)
{
	const int fd = dial();

	(void)state;
	send_text(fd, "GET /status.json HTTP/1.1\r\nHost: x\r\n\r\n");
	turn_until_asked();
	control_free(f.control);
	f.control = NULL;
	answer("late");
	close(fd);
}

static void
control_refuses_what_it_does_not_know(void **state)
{
	static const struct {
		const char *line, *status;
	} rows[] = {
		{ "GET /", "404" },
		{ "GET /status", "404" },
		{ "POST /status.json", "405" },
		{ "GET /close", "405" },
		{ "GET /reload", "405" },
		{ "GET /drain?within=5", "405" },
		{ "GET /status.json?limit=x", "400" },
		{ "GET /status.json?order=age", "400" },
		{ "POST /close", "400" },
		{ "POST /close?key=", "400" },
		{ "POST /close?key=nodekey:12", "400" },
		{ "POST /close?key=nodekey:"
		  "zz00000000000000000000000000000000000000000000000000"
		  "000000000000",
		    "400" },
		{ "POST /close?key=nodekey:"
		  "0100000000000000000000000000000000000000000000000000"
		  "000000000000",
		    "404" },
		{ "POST /drain", "400" },
		{ "POST /drain?within=", "400" },
		{ "POST /drain?within=-1", "400" },
		{ "POST /drain?within=5s", "400" },
		{ "POST /drain?within=86400001", "400" },
		{ "POST /drain?within=18446744073709551617", "400" },
		{ "POST", "400" },
		{ "\x16\x03\x01\x02", "400" },
		{ "GET /status.json%00", "404" },
	};
	char status[32];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(status, sizeof status, "HTTP/1.1 %s ", rows[i].status);
		print_message("%s\n", rows[i].line);
		check_contains(ask(rows[i].line), status);
	}
	check(f.ask == NULL);
	check_int(f.reloads + f.drains, 0);
	check(!control_is_draining(f.control));
}

static void
control_does_what_it_is_told(void **state)
{
	(void)state;
	check_contains(ask("POST /reload"), "HTTP/1.1 202 ");
	check_int(f.reloads, 1);
	check_contains(ask("POST /drain?within=86400000"), "HTTP/1.1 202 ");
	check_int(f.drains, 1);
	check_size(f.within_ms, CONTROL_DRAIN_MS_MAX);
	check(control_is_draining(f.control));
	check(!control_is_draining(NULL));
}

static void
control_closes_the_connections_of_a_key(void **state)
{
	struct fake_peer *gone = fake_peer_new(0), *stays = fake_peer_new(0);
	char key[DERP_KEY_TEXT], line[256];

	(void)state;
	derp_key_format(&gone->key, key);
	snprintf(line, sizeof line, "POST /close?key=%s", key);
	check_contains(ask(line), "{\"connections\": 1}");
	fake_server_settle();
	check_size(fake_server_count(0), 1);
	check(fake_peer_runs(stays));
	check_contains(ask(line), "HTTP/1.1 404 ");
	fake_peer_free(gone);
	fake_peer_free(stays);
}

/* It is not read: what follows on the connection is not a request. */
static void
control_takes_no_body(void **state)
{
	const int fd = dial();

	(void)state;
	send_text(fd,
	    "POST /reload HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 36\r\n\r\n"
	    "POST /reload HTTP/1.1\r\nHost: x\r\n\r\n");
	check_contains(receive(fd), "HTTP/1.1 202 ");
	check_text(receive(fd), "");
	check_int(f.reloads, 1);
	close(fd);
}

/* Bytes without an end are taken up to a limit; then the connection ends. */
static void
control_bounds_what_it_is_sent(void **state)
{
	static char bytes[4096];
	const int fd = dial();
	const char *told;

	(void)state;
	memset(bytes, 'x', sizeof bytes);
	for (int i = 0; i < 64; i++) {
		(void)send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
		turn();
	}
	told = receive(fd);
	check(told[0] == '\0' || strncmp(told, "HTTP/1.1 4", 10) == 0);
	close(fd);
	check_contains(ask("POST /reload"), "HTTP/1.1 202 ");
}

/* As many as it takes, which say nothing or half a request: newcomers are
 * answered. */
static void
control_answers_beside_those_that_wait(void **state)
{
	int fds[2 * CONTROL_CONNECTIONS_MAX];
	const size_t n = sizeof fds / sizeof fds[0];

	(void)state;
	for (size_t i = 0; i < n; i++) {
		fds[i] = dial();
		if (i % 2 == 0)
			send_text(fds[i], "POST /rel");
		turn();
	}
	check_contains(ask("POST /reload"), "HTTP/1.1 202 ");
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* Each request is answered, refused or cut, and the next one is served. */
static void
control_survives_a_shortage_of_memory(void **state)
{
	struct fake_peer *peer = fake_peer_new(0);
	char key[DERP_KEY_TEXT], close_line[256];
	const char *const lines[] = { "GET /status.json", "POST /reload",
		close_line };
	bool failed;

	derp_key_format(&peer->key, key);
	snprintf(close_line, sizeof close_line, "POST /close?key=%s", key);
	(void)state;
	for (size_t k = 0; k < sizeof lines / sizeof lines[0]; k++) {
		size_t n = 1;

		do {
			int fd = dial();
			char request[512];

			snprintf(request, sizeof request,
			    "%s HTTP/1.1\r\nHost: x\r\n\r\n", lines[k]);
			send_text(fd, request);
			fake_alloc_fail_at(n++);
			for (int i = 0; i < 4; i++)
				turn();
			if (f.ask != NULL)
				answer("{}");
			failed = fake_alloc_failed();
			(void)receive(fd);
			close(fd);
		} while (failed);
		check(n > 2); /* it does allocate */
		check_contains(ask("POST /reload"), "HTTP/1.1 202 ");
	}
	fake_server_settle();
	fake_peer_free(peer);
}

#define CONTROL_TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CONTROL_TEST(control_tells_the_status_when_it_comes),
		CONTROL_TEST(control_says_when_the_status_cannot_be_told),
		CONTROL_TEST(control_forgets_who_leaves),
		CONTROL_TEST(control_may_end_before_the_answer),
		CONTROL_TEST(control_refuses_what_it_does_not_know),
		CONTROL_TEST(control_does_what_it_is_told),
		CONTROL_TEST(control_closes_the_connections_of_a_key),
		CONTROL_TEST(control_takes_no_body),
		CONTROL_TEST(control_bounds_what_it_is_sent),
		CONTROL_TEST(control_answers_beside_those_that_wait),
		CONTROL_TEST(control_survives_a_shortage_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
