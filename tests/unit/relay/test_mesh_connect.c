/* mesh_connect: how an attempt to connect ends, in each of its states. The test
 * stands in for what waits: the resolver, the TCP connect and the login. */
#include "check.h"

#include "clock.h"
#include "derp_client.h"
#include "mailbox.h"
#include "mesh_connect.h"
#include "resolve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum step { START, RESOLVE, CONNECT, LOGIN, END, STEPS };

/* Where the thread is stopped, until the test lets it go on. */
static struct {
	bool stops[STEPS];
	sem_t reached[STEPS], go_on[STEPS];
	/* what the steps do */
	bool connects; /* else it fails */
	bool closes;   /* a login fails at once, before it stops */
	/* what they saw */
	char resolved[MESH_HOST_MAX];
	atomic_uint logins;
	int socket; /* what is logged in on */
	int other;  /* its other end; -1: none */
} fake;

static struct fixture {
	struct loop *loop;
	struct mailbox *mailbox;
	unsigned connected;
	bool failed;
} f;

static pthread_key_t thread_end;
static sem_t ended; /* threads */

static void
wait_on(sem_t *sem)
{
	while (sem_wait(sem) == -1)
		check_int(errno, EINTR);
}

static void
stop_at(enum step step)
{
	const bool stops = fake.stops[step];

	sem_post(&fake.reached[step]);
	if (stops)
		wait_on(&fake.go_on[step]);
}

/* After all that the thread does. */
static void
thread_ends(void *value)
{
	(void)value;
	stop_at(END);
	sem_post(&ended);
}

/* ---- instead of clock, resolve, dial and derp_client */

uint64_t
clock_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* The thread asks for the time before anything else. */
uint64_t
clock_now_ms(void)
{
	if (pthread_getspecific(thread_end) == NULL &&
	    pthread_setspecific(thread_end, &fake) == 0)
		stop_at(START);
	return clock_now_us() / 1000;
}

int64_t
clock_wall_s(void)
{
	return 0;
}

enum resolve_status
resolve_name(const char *name, uint64_t deadline_ms,
    struct resolve_answer *answer, struct fail *why)
{
	(void)deadline_ms;
	(void)why;
	snprintf(fake.resolved, sizeof fake.resolved, "%s", name);
	stop_at(RESOLVE);
	answer->n = 2;
	check_int(netaddr_parse_ip(&answer->v[0], slice_str("192.0.2.1")), 0);
	answer->v[1] = answer->v[0];
	return RESOLVE_OK;
}

int
dial_connect(const struct netaddr *to, uint64_t deadline_ms, int *error,
    struct fail *why)
{
	int fds[2];

	(void)to;
	(void)deadline_ms;
	stop_at(CONNECT);
	*error = ETIMEDOUT;
	if (!fake.connects)
		return fail_set(why, "connect: timed out");
	check_int(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fake.other = fds[1];
	return fds[0];
}

/* Takes the socket, and waits for an answer that does not come. */
struct derp_client *
derp_client_dial(const struct derp_client_config *config, unsigned timeout_ms,
    struct fail *why)
{
	struct pollfd p = { .fd = *config->dial.socket, .events = POLLIN };

	(void)timeout_ms;
	atomic_fetch_add(&fake.logins, 1);
	fake.socket = p.fd;
	if (fake.closes)
		close(p.fd);
	stop_at(LOGIN);
	if (!fake.closes) {
		while (poll(&p, 1, -1) == -1)
			check_int(errno, EINTR);
		close(p.fd);
	}
	fail_set(why, "the other side closed the connection");
	return NULL;
}

int
derp_client_upgrade(
    struct derp_client *c, unsigned timeout_ms, struct fail *why)
{
	(void)c;
	(void)timeout_ms;
	return fail_set(why, "not here");
}

int
derp_client_login(struct derp_client *c, unsigned timeout_ms, struct fail *why)
{
	return derp_client_upgrade(c, timeout_ms, why);
}

int
derp_client_write(struct derp_client *c, struct slice bytes,
    unsigned timeout_ms, struct fail *why)
{
	(void)bytes;
	return derp_client_upgrade(c, timeout_ms, why);
}

int
derp_client_take(
    struct derp_client *c, struct derp_client_parts *parts, struct fail *why)
{
	(void)parts;
	return derp_client_upgrade(c, 0, why);
}

struct derp_client_state
derp_client_state(const struct derp_client *c)
{
	(void)c;
	return (struct derp_client_state){ .version = 0 };
}

void
derp_client_free(struct derp_client *c)
{
	check_null(c);
}

/* ---- */

static int
setup(void **state)
{
	struct fail why = { 0 };

	(void)state;
	memset(&fake, 0, sizeof fake);
	fake.other = fake.socket = -1;
	for (size_t i = 0; i < STEPS; i++) {
		sem_init(&fake.reached[i], 0, 0);
		sem_init(&fake.go_on[i], 0, 0);
	}
	f = (struct fixture){ .loop = loop_new(&why) };
	f.mailbox = mailbox_new(f.loop, &f, &why);
	check_text(why.text, "");
	return f.mailbox != NULL ? 0 : -1;
}

/* Nothing of a thread is left when the next test begins. */
static int
teardown(void **state)
{
	(void)state;
	wait_on(&ended);
	if (fake.other != -1)
		close(fake.other);
	loop_free(f.loop);
	return 0;
}

static void
connected(void *ctx, struct mesh_connected *result)
{
	struct fixture *fixture = ctx;

	fixture->connected++;
	fixture->failed = result->failed;
	check(result->failed); /* all attempts here do */
}

/* Begins, with a target that is of no use any more then. */
static struct mesh_connect *
start(void)
{
	static const uint8_t mesh_key[DERP_KEY] = { 1 };
	struct mesh_target target = { .host = "a.example:444",
		.name = "a.example",
		.dial = "192.0.2.1",
		.port = 444 };
	struct derp_private_key key;
	const struct mesh_connect_config config = {
		.target = &target,
		.key = &key,
		.mesh_key = mesh_key,
		.mailbox = f.mailbox,
		.connected = connected,
		.ctx = &f,
	};
	struct fail why = { 0 };
	struct mesh_connect *c;

	derp_private_key_generate(&key);
	c = mesh_connect_start(&config, &why);
	check_text(why.text, "");
	check(c != NULL);
	wait_on(&fake.reached[START]);
	memset(&target, 'x', sizeof target - 1);
	return c;
}

static void
go_on(enum step step)
{
	sem_post(&fake.go_on[step]);
}

static void
turn_until_connected(void)
{
	while (f.connected == 0)
		loop_turn(f.loop);
}

/* The target may go as soon as it has begun. */
static void
mesh_connect_keeps_its_target(void **state)
{
	struct mesh_connect *c;

	(void)state;
	fake.stops[START] = true;
	c = start();
	go_on(START);
	turn_until_connected();
	check_text(fake.resolved, "192.0.2.1");
	check_ptr(mesh_connect_abandon(c), c);
	mesh_connect_join(c);
	mailbox_free(f.mailbox);
}

/* The loop gets the result while the thread is not over yet: it waits for
 * nothing. */
static void
mesh_connect_holds_up_no_loop(void **state)
{
	struct mesh_connect *c;

	(void)state;
	fake.stops[END] = true;
	c = start();
	turn_until_connected();
	check_int(f.connected, 1);
	check(!mesh_connect_reap(c));
	go_on(END);
	while (!mesh_connect_reap(c))
		usleep(1000);
	mailbox_free(f.mailbox);
}

/* The resolver is not waited for: the thread ends by itself. */
static void
mesh_connect_abandons_what_resolves(void **state)
{
	struct mesh_connect *c;

	(void)state;
	fake.stops[RESOLVE] = true;
	c = start();
	wait_on(&fake.reached[RESOLVE]);
	check_null(mesh_connect_abandon(c));
	mailbox_free(f.mailbox);
	go_on(RESOLVE);
}

/* A connect that succeeds after that is of no use: no login is begun, which
 * could wait for long. */
static void
mesh_connect_abandons_a_connect(void **state)
{
	struct mesh_connect *c;
	char byte;

	(void)state;
	fake.connects = fake.closes = true;
	fake.stops[CONNECT] = true;
	c = start();
	wait_on(&fake.reached[CONNECT]);
	check_ptr(mesh_connect_abandon(c), c);
	check_ptr(mesh_connect_abandon(c), c);
	go_on(CONNECT);
	mesh_connect_join(c);
	check_int(atomic_load(&fake.logins), 0);
	check_int(read(fake.other, &byte, 1), 0); /* it is closed */
	mailbox_free(f.mailbox);
}

/* No further address is tried. */
static void
mesh_connect_abandons_the_other_addresses(void **state)
{
	struct mesh_connect *c;

	(void)state;
	fake.stops[CONNECT] = true;
	c = start();
	wait_on(&fake.reached[CONNECT]);
	check_ptr(mesh_connect_abandon(c), c);
	go_on(CONNECT);
	go_on(CONNECT); /* of the next one */
	mesh_connect_join(c);
	check_int(sem_trywait(&fake.reached[CONNECT]), -1);
	mailbox_free(f.mailbox);
}

/* A login whose other side says nothing ends at once. */
static void
mesh_connect_abandons_a_login(void **state)
{
	struct mesh_connect *c;
	char byte;

	(void)state;
	fake.connects = true;
	c = start();
	wait_on(&fake.reached[LOGIN]);
	check_ptr(mesh_connect_abandon(c), c);
	mesh_connect_join(c);
	check_int(read(fake.other, &byte, 1), 0);
	mailbox_free(f.mailbox);
}

/* A login that has failed has closed its socket, whose number may be that of
 * another one: that one is left alone. */
static void
mesh_connect_shuts_down_no_other_socket(void **state)
{
	struct mesh_connect *c;
	int others[16][2];
	bool is_used = false;

	(void)state;
	fake.connects = fake.closes = true;
	fake.stops[LOGIN] = true;
	c = start();
	wait_on(&fake.reached[LOGIN]);
	for (size_t i = 0; i < 16; i++) {
		check_int(socketpair(AF_UNIX, SOCK_STREAM, 0, others[i]), 0);
		is_used |=
		    others[i][0] == fake.socket || others[i][1] == fake.socket;
	}
	check(is_used);
	check_ptr(mesh_connect_abandon(c), c);
	for (size_t i = 0; i < 16; i++) {
		check_int(send(others[i][0], "x", 1, MSG_NOSIGNAL), 1);
		check_int(send(others[i][1], "x", 1, MSG_NOSIGNAL), 1);
		close(others[i][0]);
		close(others[i][1]);
	}
	go_on(LOGIN);
	mesh_connect_join(c);
	mailbox_free(f.mailbox);
}

/* What is in the mailbox already is freed with it. */
static void
mesh_connect_abandons_what_is_done(void **state)
{
	struct mesh_connect *c;

	(void)state;
	c = start();
	wait_on(&fake.reached[END]);
	check_ptr(mesh_connect_abandon(c), c);
	mesh_connect_join(c);
	mailbox_free(f.mailbox);
	check_int(f.connected, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mesh_connect_keeps_its_target),
		TEST(mesh_connect_holds_up_no_loop),
		TEST(mesh_connect_abandons_what_resolves),
		TEST(mesh_connect_abandons_a_connect),
		TEST(mesh_connect_abandons_the_other_addresses),
		TEST(mesh_connect_abandons_a_login),
		TEST(mesh_connect_shuts_down_no_other_socket),
		TEST(mesh_connect_abandons_what_is_done),
	};

	if (sodium_init() == -1 || sem_init(&ended, 0, 0) == -1 ||
	    pthread_key_create(&thread_end, thread_ends) != 0)
		return 1;
	/* of the test's own thread: it does not stop */
	pthread_setspecific(thread_end, &fake);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
