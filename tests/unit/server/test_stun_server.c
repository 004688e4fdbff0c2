/* stun_server: answers over loopback, batches, bad datagrams, addresses. */
#include "check.h"
#include "fake_alloc.h"

#include "clock.h"
#include "listener.h"
#include "stun.h"
#include "stun_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
	struct loop *loop;
	struct counters counters;
	struct stun_server *server;
	struct netaddr addr;
};

static void
open_on(struct fixture *f, const char *ip)
{
	struct fail why = { 0 };
	int fd;

	f->loop = loop_new(&why);
	f->addr = (struct netaddr){ 0 };
	if (ip != NULL)
		check_int(netaddr_parse_ip(&f->addr, slice_str(ip)), 0);
	check_int(listener_probe(&f->addr, LISTENER_UDP, &why), 0);
	fd = listener_open(&f->addr, LISTENER_UDP, &why);
	check_text(why.text, "");
	f->server = stun_server_new(f->loop, fd, &f->counters);
	check(f->server != NULL);
}

static void
close_all(struct fixture *f)
{
	stun_server_free(f->server);
	loop_free(f->loop);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	open_on(f, "127.0.0.1");
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	close_all(*state);
	free(*state);
	return 0;
}

static void
turns(struct fixture *f, int n)
{
	while (n-- > 0) {
		loop_again(f->loop);
		loop_turn(f->loop);
	}
}

/* A socket that talks to `ip` at the server's port and to nobody else. */
static int
dial(const struct fixture *f, const char *ip)
{
	struct sockaddr_storage sa;
	struct netaddr to;
	socklen_t len;
	int fd;

	check_int(netaddr_parse_ip(&to, slice_str(ip)), 0);
	to.port = f->addr.port;
	len = netaddr_to_sockaddr(&to, &sa);
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	check_int(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

static void
ask(int fd, uint8_t number)
{
	const uint8_t txid[STUN_TXID] = { number, 1, 2, 3 };
	uint8_t bytes[STUN_REQUEST];
	struct writer w = writer_of(bytes, sizeof bytes);

	stun_request_put(&w, txid);
	check_int(send(fd, bytes, w.n, 0), (ssize_t)w.n);
}

/* The answer's number, -1 when there is none; the address it tells is ours. */
static int
answer(int fd)
{
	uint8_t bytes[256], txid[STUN_TXID];
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	struct netaddr mapped, own;
	ssize_t n = recv(fd, bytes, sizeof bytes, 0);

	if (n == -1) {
		check_int(errno, EAGAIN);
		return -1;
	}
	check_int(
	    stun_response_parse(slice_of(bytes, (size_t)n), txid, &mapped), 0);
	check_int(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	netaddr_from_sockaddr(&own, &sa);
	check_bytes(mapped.ip, own.ip, sizeof own.ip);
	check_int(mapped.port, own.port);
	check_int(mapped.is_v4, own.is_v4);
	check_int(bytes[0], 1);
	/* family 1 for IPv4, also on a socket for both */
	check_int(bytes[25], own.is_v4 ? 1 : 2);
	return txid[0];
}

static void
stun_server_answers(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f, "127.0.0.1");

	ask(fd, 7);
	loop_turn(f->loop);
	check_int(answer(fd), 7);
	check_int(answer(fd), -1);
	check_size(f->counters.stun_success, 1);
	check_size(f->counters.stun_not_stun, 0);
	close(fd);
}

static void
stun_server_is_silent_to_the_rest(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[2000] = { 0 };
	struct writer w = writer_of(bytes, sizeof bytes);
	const uint8_t txid[STUN_TXID] = { 9 };
	int fd = dial(f, "127.0.0.1");

	check_int(send(fd, bytes, 0, 0), 0);
	check_int(send(fd, bytes, 20, 0), 20);
	check_int(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
	stun_request_put(&w, txid);
	check_int(send(fd, bytes, w.n - 1, 0), (ssize_t)w.n - 1);
	check_int(send(fd, bytes, w.n + 4, 0), (ssize_t)w.n + 4);
	bytes[20] ^= 1;
	check_int(send(fd, bytes, w.n, 0), (ssize_t)w.n);
	ask(fd, 3); /* behind them all */
	turns(f, 3);
	check_int(answer(fd), 3);
	check_int(answer(fd), -1);
	check_size(f->counters.stun_not_stun, 6);
	check_size(f->counters.stun_success, 1);
	close(fd);
}

/* More than one system call takes; good ones and bad ones mixed, from several
 * sockets: each gets its own answers, in order. */
static void
stun_server_answers_in_batches(void **state)
{
	enum { ASKERS = 5, EACH = 20 };
	struct fixture *f = *state;
	int fds[ASKERS];

	for (int i = 0; i < ASKERS; i++)
		fds[i] = dial(f, "127.0.0.1");
	for (uint8_t n = 0; n < EACH; n++)
		for (int i = 0; i < ASKERS; i++) {
			if ((n + i) % 3 == 0)
				check_int(send(fds[i], "junk", 4, 0), 4);
			ask(fds[i], (uint8_t)(n * ASKERS + i));
		}
	turns(f, 10);
	for (int i = 0; i < ASKERS; i++) {
		for (uint8_t n = 0; n < EACH; n++)
			check_int(answer(fds[i]), n * ASKERS + i);
		check_int(answer(fds[i]), -1);
		close(fds[i]);
	}
	check_size(f->counters.stun_success, ASKERS * EACH);
}

/* Both families, and the reply comes from the address that was asked, which a
 * connected socket insists on. */
static void
stun_server_wildcard_answers_from_where_it_was_asked(void **state)
{
	static const char *const ips[] = { "127.0.0.1", "127.0.0.2", "::1" };
	struct fixture f = { 0 };
	int fd;

	(void)state;
	open_on(&f, NULL);
	for (size_t i = 0; i < sizeof ips / sizeof ips[0]; i++) {
		fd = dial(&f, ips[i]);
		ask(fd, (uint8_t)i);
		turns(&f, 2);
		check_int(answer(fd), (int)i);
		close(fd);
	}
	close_all(&f);
}

/* A request from port 0, which nothing can be sent to. */
static bool
ask_from_port_0(const struct fixture *f)
{
	const uint8_t txid[STUN_TXID] = { 99 };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	uint8_t bytes[sizeof(struct udphdr) + STUN_REQUEST];
	struct writer w = writer_of(bytes, sizeof bytes);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);

	if (fd == -1)
		return false; /* not allowed here */
	writer_u16(&w, 0);
	writer_u16(&w, f->addr.port);
	writer_u16(&w, sizeof bytes);
	writer_u16(&w, 0); /* no checksum */
	stun_request_put(&w, txid);
	check_int(sendto(fd, bytes, w.n, 0, (struct sockaddr *)&to, sizeof to),
	    (ssize_t)w.n);
	close(fd);
	return true;
}

/* One reply that cannot be sent must not take those behind it along: whoever
 * forges source addresses could silence the server for others. */
static void
stun_server_survives_a_reply_that_cannot_be_sent(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f, "127.0.0.1");

	ask(fd, 1);
	if (!ask_from_port_0(f)) {
		close(fd);
		skip();
	}
	ask(fd, 2);
	check(ask_from_port_0(f));
	ask(fd, 3);
	turns(f, 2);
	check_size(f->counters.stun_success, 5);
	check_int(answer(fd), 1);
	check_int(answer(fd), 2);
	check_int(answer(fd), 3);
	close(fd);
}

static void
stun_server_new_survives_lack_of_memory(void **state)
{
	struct fixture *f = *state;
	struct fail why = { 0 };
	struct netaddr addr = f->addr;
	int fd;

	addr.port = 0;
	fd = listener_open(&addr, LISTENER_UDP, &why);
	fake_alloc_fail_at(1);
	check(stun_server_new(f->loop, fd, &f->counters) == NULL);
	check(fake_alloc_failed());
	check_int(close(fd), -1); /* taken all the same */
	stun_server_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stun_server_answers),
		TEST(stun_server_is_silent_to_the_rest),
		TEST(stun_server_answers_in_batches),
		cmocka_unit_test(
		    stun_server_wildcard_answers_from_where_it_was_asked),
		TEST(stun_server_survives_a_reply_that_cannot_be_sent),
		TEST(stun_server_new_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
