/* tunnel_dial: connecting on threads, of which there are so many. Names lead
 * where the test says, or nowhere until it does. */
#include "check.h"

#include "clock.h"
#include "loop.h"
#include "mailbox.h"
#include "own_address.h"
#include "resolve.h"
#include "target_address.h"
#include "tcp_connect.h"
#include "tunnel_dial.h"
#include "tunnel_sources.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 };
#ifdef __SANITIZE_THREAD__
static size_t own_threads = 2; /* it has one of its own, later if not yet */
#else
static size_t own_threads = 1; /* an emulator adds some */
#endif

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* locked */
	bool stuck;    /* no answer yet */
	unsigned asks; /* that wait for one */
	struct resolve_answer answer;
	enum resolve_status status;
} names = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER };

/* ---- instead of resolve, tcp_connect, own_address and target_address */

enum resolve_status
resolve_name_within(struct resolve_share *share, const char *name,
    uint64_t deadline_ms, struct resolve_answer *answer, struct fail *why)
{
	enum resolve_status status;

	(void)deadline_ms;
	(void)why;
	pthread_mutex_lock(&names.lock);
	names.asks++;
	pthread_cond_broadcast(&names.changed);
	while (names.stuck)
		pthread_cond_wait(&names.changed, &names.lock);
	*answer = names.answer;
	status = share->max > 0 && strcmp(name, "a.tailscale.com") == 0
	    ? names.status
	    : RESOLVE_FAILED;
	pthread_mutex_unlock(&names.lock);
	return status;
}

/* While a connection is never answered, so often was that looked at. */
static atomic_bool never_answers;
static atomic_uint looks;

int
tcp_connect_begin(const struct sockaddr *to, socklen_t len, int receive_buffer,
    struct fail *why)
{
	const int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)receive_buffer;
	(void)why;
	if (connect(fd, to, len) == -1)
		check_int(errno, EINPROGRESS);
	return fd;
}

enum tcp_connect_status
tcp_connect_finish(int fd, uint64_t deadline_ms, int *error)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof *error;

	(void)deadline_ms;
	if (atomic_load(&never_answers)) {
		atomic_fetch_add(&looks, 1);
		usleep(1000);
		return TCP_CONNECT_WAITS;
	}
	check_int(poll(&p, 1, PATIENCE_MS), 1);
	check_int(getsockopt(fd, SOL_SOCKET, SO_ERROR, error, &len), 0);
	return *error == 0 ? TCP_CONNECT_DONE : TCP_CONNECT_FAILED;
}

/* Not 127.0.0.2, as if it were private; nor 127.0.0.3, our own. */
bool
target_address_is_public(const struct netaddr *a)
{
	return a->ip[15] != 2;
}

enum own_address
own_address_ask(const struct netaddr *a)
{
	return a->ip[15] == 3 ? OWN_ADDRESS_YES : OWN_ADDRESS_NO;
}

/* ---- */

static struct loop *loop;
static struct mailbox *mailbox;
static struct tunnel_dialed got;
static unsigned got_count;

static void
set_stuck(bool stuck)
{
	pthread_mutex_lock(&names.lock);
	names.stuck = stuck;
	pthread_cond_broadcast(&names.changed);
	pthread_mutex_unlock(&names.lock);
}

/* Until so many threads wait for the name. */
static void
await_asks(unsigned n)
{
	pthread_mutex_lock(&names.lock);
	while (names.asks < n)
		pthread_cond_wait(&names.changed, &names.lock);
	pthread_mutex_unlock(&names.lock);
}

static void
leads_to(const char *first, const char *second)
{
	names.status = RESOLVE_OK;
	names.answer.n = second != NULL ? 2 : 1;
	check_int(netaddr_parse_ip(&names.answer.v[0], slice_str(first)), 0);
	if (second != NULL)
		check_int(
		    netaddr_parse_ip(&names.answer.v[1], slice_str(second)), 0);
}

static int
setup(void **state)
{
	struct fail why = { 0 };

	(void)state;
	loop = loop_new(&why);
	mailbox = mailbox_new(loop, NULL, &why);
	check(mailbox != NULL);
	names.stuck = false;
	names.asks = 0;
	names.status = RESOLVE_FAILED;
	got_count = 0;
	atomic_store(&never_answers, false);
	atomic_store(&looks, 0);
	return 0;
}

static size_t
count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	size_t n = 0;

	check(tasks != NULL);
	for (const struct dirent *e; (e = readdir(tasks)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(tasks);
	return n;
}

static void
wait_for_all_threads(void)
{
	const uint64_t since = clock_now_ms();

	while (count_threads() > own_threads) {
		check(clock_now_ms() - since < PATIENCE_MS);
		usleep(1000);
	}
}

static int
teardown(void **state)
{
	(void)state;
	wait_for_all_threads();
	mailbox_free(mailbox);
	loop_free(loop);
	return 0;
}

static void
note(void *ctx, const struct tunnel_dialed *result)
{
	check_ptr(ctx, &got);
	got = *result;
	got_count++;
}

/* For the n-th address, on one of several workers, which the dial does not ask
 * for. */
static struct tunnel_dial *
start_of(unsigned n, uint16_t port)
{
	const struct netaddr client = { .is_set = true,
		.is_v4 = true,
		.ip = { [10] = 0xff, [11] = 0xff, 10, 0, 0, (uint8_t)n } };
	const struct connect_target target = { .host = "a.tailscale.com",
		.port = port };

	return tunnel_dial_start(&target, &client, mailbox, note, &got);
}

static struct tunnel_dial *
start(uint16_t port)
{
	return start_of(1, port);
}

static void
await_result(void)
{
	const uint64_t since = clock_now_ms();

	while (got_count == 0) {
		check(clock_now_ms() - since < PATIENCE_MS);
		loop_again(loop);
		loop_turn(loop);
		usleep(1000);
	}
	check_int(got_count, 1);
}

/* A socket that listens on loopback; *port is which. */
static int
listen_on(uint16_t *port, int backlog)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	check_int(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	check_int(listen(fd, backlog), 0);
	check_int(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static void
tunnel_dial_connects(void **state)
{
	uint16_t port;
	int listening = listen_on(&port, 8), fd;
	uint8_t byte = 0;

	(void)state;
	leads_to("127.0.0.2", "127.0.0.1"); /* not the private one */
	check(start(port) != NULL);
	await_result();
	check(got.fd != -1);
	check(!got.is_forbidden);
	check_int(got.remote.port, port);
	check_int(got.remote.ip[15], 1);
	check_int(write(got.fd, "x", 1), 1);
	fd = accept(listening, NULL, NULL);
	check(fd != -1);
	check_int(read(fd, &byte, 1), 1);
	check_int(byte, 'x');
	close(fd);
	close(got.fd);
	close(listening);
}

static void
tunnel_dial_connects_to_nobody_here(void **state)
{
	uint16_t port;
	int listening = listen_on(&port, 8);

	(void)state;
	leads_to("127.0.0.2", "127.0.0.3");
	check(start(port) != NULL);
	await_result();
	check_int(got.fd, -1);
	check(got.is_forbidden);
	check_int(accept(listening, NULL, NULL), -1);
	close(listening);
}

static void
tunnel_dial_tells_what_failed(void **state)
{
	uint16_t port;

	(void)state;
	check(start(443) != NULL); /* there is no such name */
	await_result();
	check_int(got.fd, -1);
	check(!got.is_forbidden);
	got_count = 0;
	close(listen_on(&port, 1)); /* nobody listens there any more */
	leads_to("127.0.0.1", NULL);
	check(start(port) != NULL);
	await_result();
	check_int(got.fd, -1);
	check(!got.is_forbidden);
}

/* In each state: while it asks, with the result on its way, and at the end of
 * the mailbox. */
static void
tunnel_dial_can_be_abandoned(void **state)
{
	struct tunnel_dial *d;
	uint16_t port;
	int listening = listen_on(&port, 8);

	(void)state;
	leads_to("127.0.0.1", NULL);
	set_stuck(true);
	d = start(port);
	await_asks(1);
	tunnel_dial_abandon(d);
	set_stuck(false);
	wait_for_all_threads();
	d = start(port);
	wait_for_all_threads();
	tunnel_dial_abandon(d);
	loop_again(loop);
	loop_turn(loop);
	d = start(port);
	wait_for_all_threads();
	tunnel_dial_abandon(d);
	check_int(got_count, 0);
	close(listening);
}

/* One that connects to where nobody answers looks whether it is still wanted.
 */
static void
tunnel_dial_leaves_who_does_not_answer(void **state)
{
	const uint64_t since = clock_now_ms();
	struct tunnel_dial *d;
	unsigned looks_then;
	uint16_t port;
	int listening = listen_on(&port, 8);

	(void)state;
	atomic_store(&never_answers, true);
	leads_to("127.0.0.1", NULL);
	d = start(port);
	while (atomic_load(&looks) == 0)
		check(clock_now_ms() - since < PATIENCE_MS);
	tunnel_dial_abandon(d);
	looks_then = atomic_load(&looks);
	wait_for_all_threads();
	/* one that was under way, and none after that */
	check(atomic_load(&looks) <= looks_then + 1);
	check_int(got_count, 0);
	close(listening);
}

static void
tunnel_dial_is_bounded(void **state)
{
	struct tunnel_dial *d[TUNNEL_DIALS_MAX];

	(void)state;
	set_stuck(true);
	for (size_t i = 0; i < TUNNEL_DIALS_MAX; i++) {
		d[i] = start_of((unsigned)(i / TUNNEL_PER_SOURCE), 443);
		check(d[i] != NULL);
	}
	check_null(start_of(99, 443));
	await_asks(TUNNEL_DIALS_MAX);
	/* those who asked are gone: the threads are not */
	for (size_t i = 0; i < TUNNEL_DIALS_MAX; i++)
		tunnel_dial_abandon(d[i]);
	check_null(start_of(99, 443));
	set_stuck(false);
	wait_for_all_threads();
	check(start(443) != NULL);
	await_result();
}

/* Also one whose connections are spread over workers, and who hangs up. */
static void
tunnel_dial_leaves_some_to_other_addresses(void **state)
{
	struct tunnel_dial *d[TUNNEL_PER_SOURCE];

	(void)state;
	set_stuck(true);
	for (size_t i = 0; i < TUNNEL_PER_SOURCE; i++) {
		d[i] = start_of(1, 443);
		check(d[i] != NULL);
	}
	check_null(start_of(1, 443));
	await_asks(TUNNEL_PER_SOURCE);
	for (size_t i = 0; i < TUNNEL_PER_SOURCE; i++)
		tunnel_dial_abandon(d[i]);
	check_null(start_of(1, 443));
	d[0] = start_of(2, 443);
	check(d[0] != NULL);
	tunnel_dial_abandon(d[0]);
	set_stuck(false);
	wait_for_all_threads();
	d[0] = start_of(1, 443);
	check(d[0] != NULL);
	await_result();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tunnel_dial_connects),
		TEST(tunnel_dial_connects_to_nobody_here),
		TEST(tunnel_dial_tells_what_failed),
		TEST(tunnel_dial_can_be_abandoned),
		TEST(tunnel_dial_leaves_who_does_not_answer),
		TEST(tunnel_dial_is_bounded),
		TEST(tunnel_dial_leaves_some_to_other_addresses),
	};

	if (count_threads() > own_threads)
		own_threads = count_threads();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
