/* listener: probing, sharing a port, accepting, running out of descriptors. */
#include "check.h"
#include "fake_alloc.h"

#include "clock.h"
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_ACCEPTED 64

struct fixture {
	struct loop *loop;
	struct listener listener;
	struct netaddr addr; /* where it listens */
	int accepted[MAX_ACCEPTED];
	size_t count;
	struct netaddr peer; /* of the last one */
	bool stop_after_one;
};

static void
accepted(void *ctx, int fd, const struct netaddr *peer)
{
	struct fixture *f = ctx;

	check(f->count < MAX_ACCEPTED);
	check((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	check((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	f->accepted[f->count++] = fd;
	f->peer = *peer;
	if (f->stop_after_one)
		listener_stop(&f->listener);
}

static struct netaddr
loopback(uint16_t port)
{
	struct netaddr a;

	check_int(netaddr_parse_ip(&a, slice_str("127.0.0.1")), 0);
	a.port = port;
	return a;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct fail why = { 0 };
	int fd;

	f->loop = loop_new(&why);
	f->addr = loopback(0);
	check_int(listener_probe(&f->addr, LISTENER_TCP, &why), 0);
	check(f->addr.port != 0);
	f->listener.accepted = accepted;
	f->listener.ctx = f;
	fd = listener_open(&f->addr, LISTENER_TCP, &why);
	check_text(why.text, "");
	check_int(listener_start(&f->listener, f->loop, fd), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < f->count; i++)
		close(f->accepted[i]);
	listener_stop(&f->listener);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void
turn(struct fixture *f)
{
	loop_again(f->loop);
	loop_turn(f->loop);
}

static int
dial(const struct netaddr *to)
{
	struct sockaddr_storage sa;
	socklen_t len = netaddr_to_sockaddr(to, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM, 0);

	check(fd != -1);
	check_int(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

static void
listener_accepts_and_tells_the_peer(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in sin;
	socklen_t len = sizeof sin;
	int fd = dial(&f->addr);

	check_int(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	turn(f);
	check_size(f->count, 1);
	check_int(f->peer.port, ntohs(sin.sin_port));
	check(f->peer.is_set && f->peer.is_v4);
	check_bytes(f->peer.ip, f->addr.ip, 16);
	close(fd);
}

/* Each costs a handshake; packets wait for the turn to end. */
static void
listener_accepts_a_few_in_one_turn(void **state)
{
	struct fixture *f = *state;
	int fds[LISTENER_ACCEPTS + 3];
	const size_t all = sizeof fds / sizeof fds[0];

	for (size_t i = 0; i < all; i++)
		fds[i] = dial(&f->addr);
	turn(f);
	check_size(f->count, LISTENER_ACCEPTS);
	turn(f);
	check_size(f->count, all);
	for (size_t i = 0; i < all; i++)
		close(fds[i]);
}

static void
listener_stops_in_its_callback(void **state)
{
	struct fixture *f = *state;
	int one = dial(&f->addr), two = dial(&f->addr);

	f->stop_after_one = true;
	turn(f);
	check_size(f->count, 1);
	listener_stop(&f->listener);
	turn(f);
	check_size(f->count, 1);
	close(one);
	close(two);
}

/* Takes all descriptors but `spare`; how many were taken. */
static size_t
fill(int *fds, size_t cap, size_t spare)
{
	size_t n = 0;

	while (n < cap && (fds[n] = open("/dev/null", O_RDONLY)) != -1)
		n++;
	check(n < cap && errno == EMFILE);
	while (spare-- > 0)
		close(fds[--n]);
	return n;
}

/* Pauses when descriptors run out, without spinning, and goes on by itself
 * when there are some again. */
static void
exhaust(struct fixture *f, bool without_memory)
{
	struct rlimit old, low;
	int fds[256], client;
	size_t taken;
	uint64_t since;

	check_int(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = (struct rlimit){ 256, old.rlim_max };
	check_int(setrlimit(RLIMIT_NOFILE, &low), 0);
	taken = fill(fds, 256, 1);
	client = dial(&f->addr);
	if (without_memory)
		fake_alloc_fail_at(1);
	since = clock_now_ms(); /* not after the pause begins */
	turn(f);
	check(!without_memory || fake_alloc_failed());
	check_size(f->count, 0);
	check_size(f->listener.out_of_fds, 1);
	if (!without_memory) {
		/* no spinning: the connection is still there, but nothing is
		 * told before the pause is over */
		turn(f);
		check(f->listener.out_of_fds == 1 ||
		    clock_now_ms() - since >= LISTENER_PAUSE_MS / 2);
		loop_turn(f->loop);
		check(clock_now_ms() - since >= LISTENER_PAUSE_MS / 2);
	}
	while (taken > 0)
		close(fds[--taken]);
	since = clock_now_ms();
	while (f->count == 0 && clock_now_ms() - since < 60000)
		turn(f);
	check_int(setrlimit(RLIMIT_NOFILE, &old), 0);
	check_size(f->count, 1);
	close(client);
}

static void
listener_goes_on_after_running_out_of_descriptors(void **state)
{
	exhaust(*state, false);
}

/* The pause needs a timer, and the timer memory. */
static void
listener_goes_on_after_running_out_of_descriptors_and_memory(void **state)
{
	exhaust(*state, true);
}

static void
probe_refuses(const struct netaddr *addr, enum listener_kind kind)
{
	struct netaddr again = *addr;
	struct fail why = { 0 };

	check_int(listener_probe(&again, kind, &why), -1);
	check_contains(why.text, "Address already in use");
	check_contains(why.text, "127.0.0.1:");
	check_contains(why.text, kind == LISTENER_TCP ? "tcp" : "udp");
}

/* Shared ports would let a second relay slip in beside the first. */
static void
listener_probe_sees_a_used_port(void **state)
{
	struct fixture *f = *state;
	struct fail why = { 0 };
	struct netaddr udp = loopback(0);
	int fd, again;

	probe_refuses(&f->addr, LISTENER_TCP);
	again = listener_open(&f->addr, LISTENER_TCP, &why);
	check(again != -1);
	close(again);
	check_int(listener_probe(&udp, LISTENER_UDP, &why), 0);
	check(udp.port != 0);
	fd = listener_open(&udp, LISTENER_UDP, &why);
	check(fd != -1);
	probe_refuses(&udp, LISTENER_UDP);
	again = listener_open(&udp, LISTENER_UDP, &why);
	check(again != -1);
	close(fd);
	close(again);
	check_int(listener_probe(&udp, LISTENER_UDP, &why), 0);
}

/* A relay that is restarted finds its port in TIME_WAIT. */
static void
listener_probe_accepts_a_port_just_left(void **state)
{
	struct fixture *f = *state;
	struct fail why = { 0 };
	int fd = dial(&f->addr);

	turn(f);
	check_size(f->count, 1);
	close(f->accepted[0]); /* we close first: TIME_WAIT is ours */
	f->count = 0;
	close(fd);
	listener_stop(&f->listener);
	check_int(listener_probe(&f->addr, LISTENER_TCP, &why), 0);
	check_text(why.text, "");
}

#define PROBES 2000

static void *
probe_often(void *ctx)
{
	const struct fixture *f = ctx;

	for (int i = 0; i < PROBES; i++) {
		struct netaddr addr = f->addr;

		listener_probe(&addr, LISTENER_TCP, NULL);
	}
	return NULL;
}

/* How a connection to it ends, from an address of its own, so that it cannot
 * meet itself. */
static int
connect_once(const struct netaddr *to)
{
	const struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK + 1) } };
	struct sockaddr_storage sa;
	const socklen_t len = netaddr_to_sockaddr(to, &sa);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = 0;

	check_int(bind(fd, (const struct sockaddr *)&from, sizeof from), 0);
	if (connect(fd, (const struct sockaddr *)&sa, len) == -1)
		error = errno;
	close(fd);
	return error;
}

/* An address and a port where nobody else listens: of this process alone, and
 * below those that are given to who asks for any. */
static void
be_alone(struct netaddr *addr)
{
	const unsigned pid = (unsigned)getpid();
	const uint8_t own[] = { 127, (uint8_t)(1 + (pid >> 16) % 254),
		(uint8_t)(pid >> 8), (uint8_t)(1 + pid % 254) };

	memcpy(addr->ip + sizeof addr->ip - sizeof own, own, sizeof own);
	addr->port = (uint16_t)(10000 + pid % 20000);
}

/* A client that connects while the relay starts is refused, not taken and then
 * reset. */
static void
listener_probe_takes_no_connection(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	listener_stop(&f->listener);
	be_alone(&f->addr);
	check_int(pthread_create(&thread, NULL, probe_often, f), 0);
	for (int i = 0; i < PROBES; i++)
		check_int(connect_once(&f->addr), ECONNREFUSED);
	check_int(pthread_join(thread, NULL), 0);
}

static void
listener_refuses_an_address_that_is_not_ours(void **state)
{
	struct fail why = { 0 };
	struct netaddr a = loopback(0);

	(void)state;
	check_int(netaddr_parse_ip(&a, slice_str("192.0.2.1")), 0);
	check_int(listener_probe(&a, LISTENER_TCP, &why), -1);
	check_contains(why.text, "listen tcp 192.0.2.1:0: ");
	check_int(listener_open(&a, LISTENER_TCP, NULL), -1);
}

/* The wildcard serves IPv4 as well, and says so. */
static void
listener_wildcard_is_dual_stack(void **state)
{
	struct fixture *f = *state;
	struct fail why = { 0 };
	struct netaddr any = { .port = 0 }, to;
	int fd;

	listener_stop(&f->listener);
	check_int(listener_probe(&any, LISTENER_TCP, &why), 0);
	fd = listener_open(&any, LISTENER_TCP, &why);
	check_int(listener_start(&f->listener, f->loop, fd), 0);
	to = loopback(any.port);
	fd = dial(&to);
	turn(f);
	check_size(f->count, 1);
	check(f->peer.is_v4);
	check_bytes(f->peer.ip, to.ip, 16);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(listener_accepts_and_tells_the_peer),
		TEST(listener_accepts_a_few_in_one_turn),
		TEST(listener_stops_in_its_callback),
		TEST(listener_goes_on_after_running_out_of_descriptors),
		TEST(
		    listener_goes_on_after_running_out_of_descriptors_and_memory),
		TEST(listener_probe_sees_a_used_port),
		TEST(listener_probe_accepts_a_port_just_left),
		TEST(listener_probe_takes_no_connection),
		TEST(listener_refuses_an_address_that_is_not_ours),
		TEST(listener_wildcard_is_dual_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
