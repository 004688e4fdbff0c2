/*
 * fake_server: a server without threads, for tests of what lives in a worker.
 *
 * It defines the functions of server.h, so that the linker leaves server.c out
 * of the test. Workers are real; their loops are stepped by hand, turn by turn,
 * and clients are one end of a socket pair whose other end is the test's.
 *
 *	fake_server_open(&config);	one worker per config.workers
 *	c = fake_server_client(0, &fd);	a connection of worker 0
 *	fake_server_turn(0);
 *	fake_server_close();
 *
 * Threads: the test's own.
 */
#ifndef DERPKIT_FAKE_SERVER_H
#define DERPKIT_FAKE_SERVER_H

#include "check.h"

#include "client.h"
#include "derp_handshake.h"
#include "derp_msg.h"
#include "frames.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct server {
	struct config config;
	struct derp_private_key private_key;
	struct derp_key public_key;
	struct registry *peers;
	struct ip_limit *ip_limit;
	struct verify *verify; /* borrowed from the test */
	struct netaddr addr, stun;
	struct counters_array *counters;
	struct worker *workers[CONFIG_WORKERS_MAX];
	atomic_size_t under_way[CONFIG_WORKERS_MAX];
};

static struct server fake_server;

const struct config *
server_config(const struct server *s)
{
	return &s->config;
}

const struct derp_private_key *
server_private_key(const struct server *s)
{
	return &s->private_key;
}

const struct derp_key *
server_public_key(const struct server *s)
{
	return &s->public_key;
}

struct registry *
server_registry(struct server *s)
{
	return s->peers;
}

struct ip_limit *
server_ip_limit(struct server *s)
{
	return s->ip_limit;
}

struct verify *
server_verify(struct server *s)
{
	return s->verify;
}

struct mailbox *
server_mailbox(struct server *s, unsigned worker)
{
	return s->workers[worker]->mailbox;
}

atomic_size_t *
server_under_way(struct server *s, unsigned worker)
{
	return &s->under_way[worker];
}

const struct netaddr *
server_main_addr(const struct server *s)
{
	return &s->addr;
}

const struct netaddr *
server_http_addr(const struct server *s)
{
	(void)s;
	return NULL;
}

const struct netaddr *
server_stun_addr(const struct server *s)
{
	(void)s;
	return NULL;
}

struct tls_context *
server_tls(const struct server *s)
{
	(void)s;
	return NULL;
}

struct counters *
server_counters(struct server *s, unsigned worker)
{
	return counters_at(s->counters, worker);
}

/* What the relay is set to unless a test says otherwise. */
static inline struct config
fake_server_config(void)
{
	return (struct config){ .addr_text = ":0",
		.home = "",
		.derp = true,
		.workers = 1,
		.max_connections = 1024,
		.max_per_address = 1024,
		.queue_bytes = 1 << 22,
		.queue_bytes_total = 1 << 26,
		.queue_depth = CONFIG_QUEUE_DEPTH,
		.write_timeout_ms = 2000,
		.drain_timeout_ms = 1000 };
}

static inline void
fake_server_open(const struct config *config)
{
	struct server *s = &fake_server;
	struct fail why = { 0 };

	*s = (struct server){ .config = *config };
	signal(SIGPIPE, SIG_IGN); /* writes to what was closed */
	check_int(sodium_init() >= 0, 1);
	check_int(netaddr_parse_ip(&s->addr, slice_str("127.0.0.1")), 0);
	derp_private_key_generate(&s->private_key);
	check_int(derp_private_key_public(&s->private_key, &s->public_key), 0);
	s->peers = registry_new((size_t)config->max_connections);
	s->ip_limit = ip_limit_new(
	    (size_t)config->max_connections, (size_t)config->max_per_address);
	s->counters = counters_new((size_t)config->workers);
	check(s->counters != NULL);
	for (unsigned i = 0; i < (unsigned)config->workers; i++) {
		s->workers[i] = worker_new(s, i, &why);
		check_text(why.text, "");
		check(s->workers[i] != NULL);
	}
}

static inline void
fake_server_close(void)
{
	struct server *s = &fake_server;

	for (unsigned i = 0; i < (unsigned)s->config.workers; i++)
		worker_free(s->workers[i]);
	ip_limit_free(s->ip_limit);
	registry_free(s->peers);
	counters_free(s->counters);
}

/* Fixtures for cmocka: a server of one worker. */
static inline int
fake_server_setup(void **state)
{
	struct config config = fake_server_config();

	(void)state;
	fake_server_open(&config);
	return 0;
}

static inline int
fake_server_teardown(void **state)
{
	(void)state;
	fake_server_close();
	return 0;
}

/* One turn that does not wait. */
static inline void
fake_server_turn(unsigned worker)
{
	loop_again(fake_server.workers[worker]->loop);
	loop_turn(fake_server.workers[worker]->loop);
}

/* Turns of all workers until everything that was under way has come. */
static inline void
fake_server_settle(void)
{
	for (int i = 0; i < 6; i++)
		for (unsigned k = 0; k < (unsigned)fake_server.config.workers;
		     k++)
			fake_server_turn(k);
}

/* The client in the worker's slot that was taken last. */
static inline struct client *
fake_server_newest(unsigned worker, const struct client *const *known, size_t n)
{
	struct worker *k = fake_server.workers[worker];

	for (uint32_t i = 0; i < k->slot_cap; i++) {
		bool seen = k->slots[i].client == NULL;

		for (size_t j = 0; j < n; j++)
			seen = seen || k->slots[i].client == known[j];
		if (!seen)
			return k->slots[i].client;
	}
	return NULL;
}

/* A connection that speaks HTTP still; *fd is the test's end, not blocking. */
static inline struct client *
fake_server_client(unsigned worker, int *fd)
{
	struct worker *k = fake_server.workers[worker];
	const struct client *known[1024];
	struct netaddr remote;
	size_t n = 0;
	int fds[2];

	for (uint32_t i = 0; i < k->slot_cap; i++)
		if (k->slots[i].client != NULL)
			known[n++] = k->slots[i].client;
	check_int(netaddr_parse_ip(&remote, slice_str("192.0.2.7")), 0);
	check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	client_accept(k, fds[0], &remote, false);
	*fd = fds[1];
	return fake_server_newest(worker, known, n);
}

/* What a test keeps of a client it plays. */
struct fake_peer {
	int fd; /* the test's end; -1: closed */
	struct client *client;
	struct derp_private_key private_key;
	struct derp_key key;
	uint8_t in[1 << 18]; /* read and not yet taken */
	size_t n;
};

/* Sends all of it. */
static inline void
fake_peer_send(struct fake_peer *p, struct slice bytes)
{
	check_int(write(p->fd, bytes.p, bytes.n), (ssize_t)bytes.n);
}

/* Reads what there is. False at the end of the stream. */
static inline bool
fake_peer_read(struct fake_peer *p)
{
	ssize_t n;

	while ((n = read(p->fd, p->in + p->n, sizeof p->in - p->n)) > 0)
		p->n += (size_t)n;
	return n == -1 && errno == EAGAIN;
}

/* The next whole frame; false when there is none. body is borrowed until the
 * next call, which is when the frame goes away. */
static inline bool
fake_peer_frame(struct fake_peer *p, struct derp_frame *f)
{
	static uint8_t frame[DERP_MAX_FRAME];
	size_t used;

	(void)fake_peer_read(p);
	switch (derp_frame_cut_client(p->in, p->n, f, &used)) {
	case DERP_CUT_FRAME:
		break;
	case DERP_CUT_MORE:
		return false;
	case DERP_CUT_SKIP:
	case DERP_CUT_BAD:
		fail_msg("no frame: type 0x%x, %u bytes", f->type, f->len);
	}
	memcpy(frame, p->in, used);
	f->head = frame;
	f->body = slice_of(frame + DERP_HEADER, f->len);
	memmove(p->in, p->in + used, p->n - used);
	p->n -= used;
	return true;
}

/* Makes a key pair for it. */
static inline void
fake_peer_key(struct fake_peer *p)
{
	derp_private_key_generate(&p->private_key);
	check_int(derp_private_key_public(&p->private_key, &p->key), 0);
}

/* Fast start request and ClientInfo, in one write. */
static inline void
fake_peer_say_hello(struct fake_peer *p)
{
	static const struct derp_client_info info = { .version = 2,
		.can_ack_pings = true };
	uint8_t bytes[1024];
	struct writer w = writer_of(bytes, sizeof bytes);

	writer_printf(&w,
	    "GET /derp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
	    "Derp-Fast-Start: 1\r\nUpgrade: DERP\r\n\r\n");
	check_int(derp_client_info_put(
		      &w, &info, &p->private_key, &fake_server.public_key),
	    0);
	fake_peer_send(p, writer_slice(&w));
}

/* A client that is logged in on the worker, under the key it has. */
static inline void
fake_peer_login(struct fake_peer *p, unsigned worker)
{
	struct derp_frame f;

	p->client = fake_server_client(worker, &p->fd);
	p->n = 0;
	check(p->client != NULL);
	fake_peer_say_hello(p);
	fake_server_turn(worker);
	check_int(p->client->state, CLIENT_RUNNING);
	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_SERVER_KEY);
	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_SERVER_INFO);
}

/* One more client of a new key. Returns owned: fake_peer_free. */
static inline struct fake_peer *
fake_peer_new(unsigned worker)
{
	struct fake_peer *p = calloc(1, sizeof *p);

	check(p != NULL);
	fake_peer_key(p);
	fake_peer_login(p, worker);
	return p;
}

/* Ends its connection. */
static inline void
fake_peer_leave(struct fake_peer *p)
{
	if (p->fd != -1)
		close(p->fd);
	p->fd = -1;
	p->client = NULL;
}

static inline void
fake_peer_free(struct fake_peer *p)
{
	fake_peer_leave(p);
	free(p);
}

/* Sends a packet to a key. */
static inline void
fake_peer_packet(
    struct fake_peer *p, const struct derp_key *to, struct slice packet)
{
	static uint8_t frame[DERP_MAX_FRAME];
	struct writer w = writer_of(frame, sizeof frame);

	derp_send_packet_put(&w, to, packet);
	check(!w.failed);
	fake_peer_send(p, writer_slice(&w));
}

#endif
