/* tunnel: bytes both ways, and how the two ends end. Nobody is connected to:
 * the test says what becomes of that. */
#include "fake_alloc.h"
#include "fake_server.h"

#include "tunnel.h"
#include "tunnel_dial.h"

enum { MUCH = 1 << 18 }; /* bytes: more than a socket and a tunnel hold */

struct tunnel_dial {
	tunnel_dial_fn *connected; /* NULL: none is under way */
	void *ctx;
};

static struct tunnel_dial dials[TUNNEL_MAX], *last;
static size_t dial_count;
static bool dial_is_short;
static unsigned abandoned;

static struct tunnel_sources sources;
static const struct connect_target somebody = { .host = "a.tailscale.com",
	.port = 443 };
static uint8_t bytes[MUCH + 4096], in[4 * MUCH];

/* ---- instead of tunnel_dial */

struct tunnel_dial *
tunnel_dial_start(const struct connect_target *target,
    const struct netaddr *client, struct mailbox *mailbox,
    tunnel_dial_fn *connected, void *ctx)
{
	(void)client;
	check_text(target->host, somebody.host);
	check_ptr(mailbox, fake_server.workers[0]->mailbox);
	if (dial_is_short)
		return NULL;
	last = &dials[dial_count++ % TUNNEL_MAX];
	check(last->connected == NULL);
	*last = (struct tunnel_dial){ connected, ctx };
	return last;
}

void
tunnel_dial_abandon(struct tunnel_dial *d)
{
	check(d->connected != NULL);
	d->connected = NULL;
	abandoned++;
}

/* ---- */

static int
setup(void **state)
{
	memset(dials, 0, sizeof dials);
	last = NULL;
	dial_is_short = false;
	abandoned = 0;
	sources = (struct tunnel_sources){ 0 };
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	return fake_server_setup(state);
}

static int
teardown(void **state)
{
	fake_server_close();
	check_size(sources.count, 0);
	(void)state;
	return 0;
}

static struct counters *
counters(void)
{
	return fake_server.workers[0]->counters;
}

/* A client that has asked for a tunnel; its end. */
static int
ask(struct conn **client)
{
	int fd;

	*client = fake_server_conn(0, &fd);
	check(*client != NULL);
	tunnel_begin(*client, &somebody, &sources);
	return fd;
}

/* What became of the attempt. */
static void
answer(const struct tunnel_dialed *result)
{
	tunnel_dial_fn *connected = last->connected;

	check(connected != NULL);
	last->connected = NULL;
	connected(last->ctx, result);
}

/* The target is reached; its end. */
static int
connect_target(void)
{
	struct tunnel_dialed result = { .fd = -1 };
	int fds[2];

	check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	check_int(
	    netaddr_parse_ip(&result.remote, slice_str("192.200.0.101")), 0);
	result.fd = fds[0];
	answer(&result);
	return fds[1];
}

/* Reads all there is, turn by turn, until the relay has no more. */
static size_t
read_all(int fd, uint8_t *to, size_t cap)
{
	size_t got = 0;
	ssize_t n;

	for (int empty = 0; empty < 3;) {
		n = read(fd, to + got, cap - got);
		empty = n > 0 ? 0 : empty + 1;
		got += n > 0 ? (size_t)n : 0;
		fake_server_settle();
	}
	return got;
}

static void
check_read(int fd, const char *text)
{
	const size_t n = read_all(fd, in, sizeof in);

	check_slice_text(slice_of(in, n), text);
}

/* A tunnel, and both its other ends. */
struct both {
	struct conn *client;
	int client_fd, target_fd;
};

static struct both
open_both(void)
{
	struct both b;

	b.client_fd = ask(&b.client);
	b.target_fd = connect_target();
	check_read(b.client_fd, "HTTP/1.1 200 OK\r\n\r\n");
	check_size(fake_server_count(0), 2);
	return b;
}

static void
close_both(const struct both *b)
{
	close(b->client_fd);
	close(b->target_fd);
	fake_server_settle();
	check_size(fake_server_count(0), 0);
	check_size(counters()->tunnels, 0);
}

static void
say(int fd, const char *text)
{
	check_int(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fake_server_settle();
}

static bool
is_at_end(int fd)
{
	uint8_t byte;

	return read(fd, &byte, 1) == 0;
}

static void
tunnel_carries_bytes_both_ways(void **state)
{
	struct both b = open_both();

	(void)state;
	check_size(counters()->tunnels, 1);
	check_size(counters()->tunnels_opened, 1);
	say(b.client_fd, "there");
	check_read(b.target_fd, "there");
	say(b.target_fd, "and back");
	check_read(b.client_fd, "and back");
	check_size(counters()->tunnel_bytes, strlen("thereand back"));
	check_size(counters()->current_connections, 0);
	close_both(&b);
}

/* What came before the target was reached is not lost. */
static void
tunnel_keeps_what_comes_early(void **state)
{
	struct both b;

	(void)state;
	b.client_fd = ask(&b.client);
	say(b.client_fd, "early");
	b.target_fd = connect_target();
	check_read(b.target_fd, "early");
	check_read(b.client_fd, "HTTP/1.1 200 OK\r\n\r\n");
	close_both(&b);
}

static void
tunnel_tells_what_failed(void **state)
{
	const struct tunnel_dialed away = { .fd = -1 },
				   forbidden = { .fd = -1,
					   .is_forbidden = true };
	struct conn *client;
	int fd = ask(&client);

	(void)state;
	answer(&away);
	check(read_all(fd, in, sizeof in) > 0);
	check_contains((char *)in, "HTTP/1.1 502 Bad Gateway\r\n");
	check_contains((char *)in, "\r\n\r\nConnect failure\n");
	check(is_at_end(fd));
	close(fd);
	fd = ask(&client);
	answer(&forbidden);
	check(read_all(fd, in, sizeof in) > 0);
	check_contains((char *)in, "HTTP/1.1 502 Bad Gateway\r\n");
	close(fd);
	fake_server_settle();
	check_size(counters()->tunnels_failed, 2);
	check_size(counters()->tunnels_forbidden, 1);
	check_size(counters()->tunnels_opened, 0);
	check_size(counters()->tunnels, 0);
	check_size(fake_server_count(0), 0);
}

static void
check_refused(void)
{
	struct conn *client;
	int fd = ask(&client);
	const size_t n = read_all(fd, in, sizeof in - 1);

	in[n] = '\0';
	check_contains((char *)in, "HTTP/1.1 503 Service Unavailable\r\n");
	check_contains((char *)in, "\r\n\r\nToo many tunnels\n");
	close(fd);
	fake_server_settle();
}

static void
tunnel_refuses_what_is_too_much(void **state)
{
	struct conn *client;
	int fds[TUNNEL_PER_SOURCE];

	(void)state;
	for (size_t i = 0; i < TUNNEL_PER_SOURCE; i++)
		fds[i] = ask(&client);
	check_refused();
	check_size(counters()->tunnels_refused, 1);
	check_size(counters()->tunnels, TUNNEL_PER_SOURCE);
	close(fds[0]);
	fake_server_settle();
	dial_is_short = true;
	check_refused();
	check_size(counters()->tunnels_refused, 2);
	dial_is_short = false;
	for (size_t i = 1; i < TUNNEL_PER_SOURCE; i++)
		close(fds[i]);
	fake_server_settle();
	check_size(abandoned, TUNNEL_PER_SOURCE);
	check_size(counters()->tunnels, 0);
}

static void
tunnel_abandons_what_nobody_waits_for(void **state)
{
	struct conn *client;
	int fd = ask(&client);

	(void)state;
	close(fd);
	fake_server_settle();
	check_int(abandoned, 1);
	check_size(fake_server_count(0), 0);
	check_size(counters()->tunnels, 0);
}

/* The client has gone when it is to be answered: the target is told, and what
 * it says to that finds somebody who listens. */
static void
tunnel_survives_a_client_that_has_just_gone(void **state)
{
	struct conn *client;
	int fd = ask(&client), target_fd;

	(void)state;
	close(fd);
	target_fd = connect_target(); /* before the turn that sees it */
	check(client->ended);
	check(is_at_end(target_fd));
	close(target_fd);
	fake_server_settle();
	check_size(fake_server_count(0), 0);
	check_size(counters()->tunnels, 0);
}

/* The last bytes of an answer are in the relay when its host ends; a client
 * that reads slowly gets them all the same. */
static void
tunnel_sends_the_rest(void **state)
{
	struct both b = open_both();
	const size_t unsent = TUNNEL_UNSENT_MAX;
	size_t sent = 0;
	ssize_t n;

	(void)state;
	/* until the socket of the client is full, and something waits */
	while (stream_unsent(&b.client->stream) == 0) {
		n = write(b.target_fd, bytes + sent, 4096);
		check(n > 0);
		sent += (size_t)n;
		fake_server_turn(0);
	}
	check(stream_unsent(&b.client->stream) < unsent);
	close(b.target_fd);
	fake_server_settle();
	check(b.client->half_closed);
	check_size(fake_server_count(0), 1);
	for (int i = 1; i < CONN_STALLED_MAX; i++)
		fake_server_pass_deadline(b.client);
	check_size(read_all(b.client_fd, in, sizeof in), sent);
	check_bytes(in, bytes, sent);
	check(is_at_end(b.client_fd));
	close(b.client_fd);
	fake_server_settle();
	check_size(fake_server_count(0), 0);
}

/* Whoever does not read holds up whoever sends, for as long as a tunnel may be
 * idle, and loses nothing; and what waits is little, and not the clients'. */
static void
tunnel_holds_up_who_sends(void **state)
{
	const struct memory_budget *budget = &fake_server.workers[0]->budget;
	struct both b = open_both();
	size_t sent = 0, most = 0;
	ssize_t n;

	(void)state;
	for (int full = 0; full < 3;) {
		n = write(b.target_fd, bytes + sent % MUCH, 4096);
		full = n > 0 ? 0 : full + 1;
		sent += n > 0 ? (size_t)n : 0;
		fake_server_settle();
	}
	most = stream_unsent(&b.client->stream);
	check(most > TUNNEL_UNSENT_MAX);
	check(most <= TUNNEL_UNSENT_MAX + TUNNEL_CHUNK);
	check_null(b.client->write_timer);
	check_size(budget->used[MEMORY_OUTPUT_UNSENT], 0);
	check(fake_server_deadline(b.client) > TUNNEL_IDLE_MS / 2);
	check(sent <= sizeof in);
	check_size(read_all(b.client_fd, in, sizeof in), sent);
	for (size_t at = 0; at < sent; at += MUCH)
		check_bytes(
		    in + at, bytes, sent - at < MUCH ? sent - at : MUCH);
	say(b.target_fd, "on");
	check_read(b.client_fd, "on");
	close_both(&b);
}

static void
tunnel_ends_when_nothing_comes(void **state)
{
	struct both b = open_both();

	(void)state;
	fake_server_pass_deadline(b.client);
	fake_server_settle();
	check(is_at_end(b.client_fd));
	check(is_at_end(b.target_fd));
	close_both(&b);
}

/* Whatever allocation fails: the client is told or ended, and nothing stays. */
static void
tunnel_survives_a_shortage(void **state)
{
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		struct conn *client;
		int fd, target_fd = -1;

		last = NULL;
		client = fake_server_conn(0, &fd);
		fake_alloc_fail_at(n);
		tunnel_begin(client, &somebody, &sources);
		if (last != NULL && last->connected != NULL)
			target_fd = connect_target();
		fake_server_settle();
		failed = fake_alloc_failed();
		close(fd);
		if (target_fd != -1)
			close(target_fd);
		fake_server_settle();
		check_size(fake_server_count(0), 0);
		check_size(sources.count, 0);
		check_size(counters()->tunnels, 0);
	}
	check_size(counters()->tunnels_opened, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tunnel_carries_bytes_both_ways),
		TEST(tunnel_keeps_what_comes_early),
		TEST(tunnel_tells_what_failed),
		TEST(tunnel_refuses_what_is_too_much),
		TEST(tunnel_abandons_what_nobody_waits_for),
		TEST(tunnel_survives_a_client_that_has_just_gone),
		TEST(tunnel_sends_the_rest),
		TEST(tunnel_holds_up_who_sends),
		TEST(tunnel_ends_when_nothing_comes),
		TEST(tunnel_survives_a_shortage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
