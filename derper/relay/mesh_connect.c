/* mesh_connect: see mesh_connect.h. */
#include "mesh_connect.h"

#include "clock.h"
#include "derp_client.h"
#include "mailbox.h"
#include "resolve.h"
#include "service.h"
#include "tls.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How soon a partition is noticed while nothing is sent, and while something
 * is. */
#define IDLE_S 10
#define PROBE_S 5
#define PROBES 3
#define USER_TIMEOUT_MS 15000

/* Who frees it: the thread when it is abandoned while RESOLVING, as nobody
 * waits for the system's resolver; else who joins the thread, as that uses the
 * mailbox to its end; or whoever drops the message. */
enum state {
	STATE_RESOLVING,
	STATE_CONNECTING,
	STATE_DONE, /* the message is posted, or about to be */
	STATE_ABANDONED,
};

struct mesh_connect {
	struct message message; /* first member */
	/* immutable */
	struct mesh_target target;
	struct derp_private_key key;
	struct derp_client_info info;
	struct mailbox *mailbox;
	void (*connected)(void *ctx, struct mesh_connected *result);
	void *ctx;
	/* the owner's */
	pthread_t thread;
	bool posted;  /* when it was abandoned */
	bool handled; /* the message */
	/* atomic */
	atomic_int state; /* enum state */
	/* Owned: a second descriptor of the socket, to shut it down with
	 * whatever becomes of the first; or -1. */
	atomic_int socket;
	/* the thread's until DONE */
	struct derp_client *client; /* owned; it holds result.rest */
	struct mesh_connected result;
};

/* All but its memory. */
static void
clear(struct mesh_connect *c)
{
	const int fd = atomic_exchange(&c->socket, -1);

	if (fd != -1)
		close(fd);
	derp_client_free(c->client);
	c->client = NULL;
	derp_private_key_clear(&c->key);
	sodium_memzero(&c->info, sizeof c->info);
}

static void
free_connect(struct mesh_connect *c)
{
	clear(c);
	free(c);
}

/* What nobody wants any more. */
static void
discard(struct mesh_connect *c)
{
	if (!c->result.failed) {
		tls_free(c->result.tls);
		close(c->result.fd);
	}
	free_connect(c);
}

static void
handle(void *ctx, struct message *m)
{
	struct mesh_connect *c = (struct mesh_connect *)m;

	(void)ctx;
	c->handled = true;
	c->connected(c->ctx, &c->result);
	clear(c);
}

static void
drop(struct message *m)
{
	discard((struct mesh_connect *)m);
}

/* Each is an improvement that a connection can live without. */
static void
set_socket_options(int fd)
{
	const int on = 1, idle_s = IDLE_S, probe_s = PROBE_S, probes = PROBES,
		  low_water = SERVICE_NOT_SENT_LOW_WATER;
	const unsigned user_ms = USER_TIMEOUT_MS;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe_s, sizeof probe_s);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms, sizeof user_ms);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low_water, sizeof low_water);
}

static unsigned
left_of(uint64_t deadline_ms)
{
	const uint64_t now_ms = clock_now_ms();

	return now_ms < deadline_ms ? (unsigned)(deadline_ms - now_ms) : 0;
}

/* TLS, the upgrade and the login on a connected socket, which is taken. */
static int
log_in(struct mesh_connect *c, int fd, uint64_t deadline_ms, struct fail *why)
{
	struct derp_client_config config = {
		.dial = { .address = c->target.dial,
		    .port = c->target.port,
		    .tls = true,
		    .hostname = c->target.name,
		    .trust = DIAL_ROOTS,
		    .socket = &fd },
		.fast_start = true,
		.key = &c->key,
		.info = c->info,
	};
	uint8_t frame[DERP_HEADER];
	struct writer w = writer_of(frame, sizeof frame);

	derp_watch_conns_put(&w);
	c->client = derp_client_dial(&config, left_of(deadline_ms), why);
	sodium_memzero(&config.info, sizeof config.info);
	if (c->client == NULL ||
	    derp_client_upgrade(c->client, left_of(deadline_ms), why) == -1 ||
	    derp_client_login(c->client, left_of(deadline_ms), why) == -1)
		return -1;
	return derp_client_write(
	    c->client, writer_slice(&w), left_of(deadline_ms), why);
}

/* The first of the addresses that answers. */
static int
connect_any(struct mesh_connect *c, const struct resolve_answer *answer,
    uint64_t deadline_ms, struct fail *why)
{
	struct fail last = { 0 };
	int fd = -1, error;

	for (size_t i = 0; i < answer->n && fd == -1 &&
	     atomic_load(&c->state) == STATE_CONNECTING;
	     i++) {
		uint64_t until_ms = clock_now_ms() + MESH_CONNECT_TCP_MS;

		c->result.remote = answer->v[i];
		c->result.remote.port = c->target.port;
		last = (struct fail){ 0 };
		fd = dial_connect(&c->result.remote,
		    until_ms < deadline_ms ? until_ms : deadline_ms, &error,
		    &last);
	}
	return fd != -1 ? fd : fail_set(why, "%s", last.text);
}

/* From here on mesh_connect_abandon ends what waits for the socket. It sets the
 * state and then looks at the socket, here it is the other way round: one of
 * the two sees what the other did. -1: it is abandoned already, or there is no
 * descriptor. */
static int
let_abandon(struct mesh_connect *c, int fd, struct fail *why)
{
	const int second = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (second == -1)
		return fail_errno(why, "cannot duplicate the socket");
	atomic_store(&c->socket, second);
	if (atomic_load(&c->state) != STATE_CONNECTING)
		return fail_set(why, "abandoned");
	return 0;
}

static int
connect_and_log_in(struct mesh_connect *c, const struct resolve_answer *answer,
    uint64_t deadline_ms, struct fail *why)
{
	struct mesh_connected *result = &c->result;
	struct derp_client_parts parts;
	int fd;

	fd = connect_any(c, answer, deadline_ms, why);
	if (fd == -1)
		return -1;
	set_socket_options(fd);
	if (let_abandon(c, fd, why) == -1) {
		close(fd);
		return -1;
	}
	if (log_in(c, fd, deadline_ms, why) == -1 ||
	    derp_client_take(c->client, &parts, why) == -1)
		return -1;
	result->fd = parts.fd;
	result->tls = parts.tls;
	result->rest = parts.rest;
	result->skip = parts.skip;
	result->server = derp_client_state(c->client).server;
	return 0;
}

/* Goes from one state to the next; false when it was abandoned meanwhile. */
static bool
go_on(struct mesh_connect *c, enum state from, enum state to)
{
	int expected = (int)from;

	return atomic_compare_exchange_strong(&c->state, &expected, (int)to);
}

static void *
run(void *ctx)
{
	struct mesh_connect *c = ctx;
	const uint64_t deadline_ms = clock_now_ms() + MESH_CONNECT_MS;
	struct mesh_connected *result = &c->result;
	struct resolve_answer answer;
	enum resolve_status status;

	status =
	    resolve_name(c->target.dial, deadline_ms, &answer, &result->why);
	if (!go_on(c, STATE_RESOLVING, STATE_CONNECTING)) {
		discard(c);
		return NULL;
	}
	result->failed = status != RESOLVE_OK ||
	    connect_and_log_in(c, &answer, deadline_ms, &result->why) == -1;
	if (go_on(c, STATE_CONNECTING, STATE_DONE))
		mailbox_post(c->mailbox, &c->message, &c->message);
	return NULL;
}

struct mesh_connect *
mesh_connect_start(const struct mesh_connect_config *config, struct fail *why)
{
	struct mesh_connect *c = calloc(1, sizeof *c);

	if (c == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	c->message = (struct message){ .handle = handle, .drop = drop };
	c->target = *config->target;
	c->key = *config->key;
	c->info.version = DERP_PROTOCOL_VERSION;
	memcpy(c->info.mesh_key, config->mesh_key, sizeof c->info.mesh_key);
	c->mailbox = config->mailbox;
	c->connected = config->connected;
	c->ctx = config->ctx;
	c->result.failed = true; /* so far */
	atomic_init(&c->state, STATE_RESOLVING);
	atomic_init(&c->socket, -1);
	errno = pthread_create(&c->thread, NULL, run, c);
	if (errno == 0)
		return c;
	fail_errno(why, "cannot start a thread");
	free_connect(c);
	return NULL;
}

bool
mesh_connect_reap(struct mesh_connect *c)
{
	if (pthread_tryjoin_np(c->thread, NULL) != 0)
		return false;
	free_connect(c);
	return true;
}

struct mesh_connect *
mesh_connect_abandon(struct mesh_connect *c)
{
	const pthread_t thread = c->thread;
	int fd;

	switch ((enum state)atomic_exchange(&c->state, STATE_ABANDONED)) {
	case STATE_RESOLVING:
		pthread_detach(thread); /* and it frees all */
		return NULL;
	case STATE_CONNECTING:
		fd = atomic_load(&c->socket);
		if (fd != -1)
			shutdown(fd, SHUT_RDWR); /* ends its wait */
		return c;
	case STATE_DONE:
		c->posted = true;
		return c;
	case STATE_ABANDONED:
		return c;
	}
	return c;
}

void
mesh_connect_join(struct mesh_connect *c)
{
	pthread_join(c->thread, NULL);
	if (c->handled)
		free_connect(c);
	else if (!c->posted)
		discard(c);
	/* else the mailbox drops the message */
}
