/*
 * fake_server: workers without threads, for tests of what lives on them.
 *
 * Workers are real; their loops are stepped by hand, turn by turn, and clients
 * are one end of a socket pair whose other end is the test's.
 *
 *	fake_server_open(&config);	as many workers as config.workers
 *	c = fake_server_conn(0, &fd);	a connection of worker 0
 *	fake_server_turn(0);
 *	fake_server_close();
 *
 * Threads: the test's own.
 */
#ifndef DERPKIT_FAKE_SERVER_H
#define DERPKIT_FAKE_SERVER_H

#include "check.h"

#include "client.h"
#include "conn.h"
#include "conn_input.h"
#include "derp_handshake.h"
#include "derp_msg.h"
#include "http.h"
#include "http_conn.h"
#include "ip_limit.h"
#include "presence.h"
#include "registry.h"
#include "relay.h"
#include "service.h"
#include "shed.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* For connections that are not logged in. */
#define FAKE_LOGIN_BYTES ((size_t)8 << 20)

/* Each byte of the mesh key. */
#define FAKE_MESH_KEY 0x5e

/* What a test may set; more of it in fake_server once that is open. */
struct fake_config {
	unsigned workers;
	unsigned queue_depth;
	size_t queue_bytes, queue_bytes_total;
	size_t max_connections;
	size_t login_slots; /* of connections that are not logged in */
	bool mesh;          /* FAKE_MESH_KEY makes a mesh peer */
};

struct fake_server {
	struct fake_config config;
	struct derp_private_key private_key;
	struct derp_key public_key;
	struct counters_array *counters;
	struct worker_config worker_config;
	struct crossing_shared crossing;
	struct relay_shared shared;
	struct http_site site;
	struct http_port port; /* what the next connection came in on */
	struct http_port ports[CROSSING_WORKERS_MAX];
	struct worker *workers[CROSSING_WORKERS_MAX];
	struct relay *relays[CROSSING_WORKERS_MAX];
	struct service *services[CROSSING_WORKERS_MAX];
};

static struct fake_server fake_server;

/* What the relay is set to unless a test says otherwise. */
static inline struct fake_config
fake_server_config(void)
{
	return (struct fake_config){ .workers = 1,
		.queue_depth = 32,
		.queue_bytes = 1 << 22,
		.queue_bytes_total = 1 << 26,
		.max_connections = 1024,
		.login_slots = 1024 };
}

static inline void
fake_server_open_worker(struct fake_server *s, unsigned i)
{
	struct service_config config = { 0 };
	struct fail why = { 0 };

	s->workers[i] =
	    worker_new(&s->worker_config, i, counters_at(s->counters, i), &why);
	check_text(why.text, "");
	s->crossing.mailboxes[i] = s->workers[i]->mailbox;
	s->relays[i] = relay_new(&s->shared, s->workers[i]);
	check(s->relays[i] != NULL);
	s->shared.relays[i] = s->relays[i];
	config.worker = s->workers[i];
	s->services[i] = service_new(&config, &why);
	check(s->services[i] != NULL);
}

static inline void
fake_server_open(const struct fake_config *config)
{
	struct fake_server *s = &fake_server;

	*s = (struct fake_server){ .config = *config };
	signal(SIGPIPE, SIG_IGN); /* writes to what was closed */
	check_int(sodium_init() >= 0, 1);
	derp_private_key_generate(&s->private_key);
	check_int(derp_private_key_public(&s->private_key, &s->public_key), 0);
	s->counters = counters_new(config->workers);
	check(s->counters != NULL);
	s->worker_config = (struct worker_config){
		.ip_limit = ip_limit_new(
		    config->max_connections, config->max_connections),
		.counters = s->counters,
		.batch_delay_us = 1, /* nothing is put off for longer */
		.queue_depth = config->queue_depth,
		.queue_bytes = config->queue_bytes,
		.frame_len = relay_frame_len,
		.unread_bytes = config->queue_bytes_total / config->workers,
		.login_bytes = FAKE_LOGIN_BYTES,
		.login_slots = config->login_slots,
		.handshakes = config->max_connections,
		.handshakes_per_address = config->max_connections,
		.write_timeout_ms = 2000,
	};
	s->crossing.workers = config->workers;
	s->shared = (struct relay_shared){ .private_key = &s->private_key,
		.public_key = &s->public_key,
		.registry = registry_new(
		    config->max_connections, config->max_connections),
		.crossing = &s->crossing,
		.drain_timeout_ms = 1000 };
	if (config->mesh) {
		s->shared.mesh_key.is_set = true;
		memset(s->shared.mesh_key.b, FAKE_MESH_KEY, DERP_KEY);
		s->shared.presence = presence_new(config->max_connections);
		check(s->shared.presence != NULL);
	}
	s->site = (struct http_site){ .derp = true };
	for (unsigned i = 0; i < config->workers; i++)
		fake_server_open_worker(s, i);
}

static inline void
fake_server_close(void)
{
	struct fake_server *s = &fake_server;

	for (unsigned i = 0; i < s->config.workers; i++)
		service_free(s->services[i]);
	for (unsigned i = 0; i < s->config.workers; i++)
		worker_free(s->workers[i]);
	for (unsigned i = 0; i < s->config.workers; i++)
		relay_free(s->relays[i]);
	ip_limit_free(s->worker_config.ip_limit);
	registry_free(s->shared.registry);
	presence_free(s->shared.presence);
	counters_free(s->counters);
}

/* Fixtures for cmocka: a server of one worker. */
static inline int
fake_server_setup(void **state)
{
	struct fake_config config = fake_server_config();

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
		for (unsigned k = 0; k < fake_server.config.workers; k++)
			fake_server_turn(k);
}

/* How many connections the worker has. */
static inline size_t
fake_server_count(unsigned worker)
{
	return conn_table_count(fake_server.workers[worker]->conns);
}

/* A connection that speaks HTTP still; *fd is the test's end, not blocking.
 * NULL when memory was short. */
static inline struct conn *
fake_server_conn(unsigned worker, int *fd)
{
	struct fake_server *s = &fake_server;
	struct http_port *port = &s->ports[worker];
	struct ip_limit *ip_limit = s->worker_config.ip_limit;
	struct netaddr remote;
	struct conn *c;
	int fds[2];

	check_int(netaddr_parse_ip(&remote, slice_str("192.0.2.7")), 0);
	check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	*fd = fds[1];
	if (ip_limit_enter(ip_limit, &remote) != IP_LIMIT_ENTERED) {
		close(fds[0]);
		return NULL;
	}
	c = conn_new(s->workers[worker], fds[0], NULL, &remote);
	if (c == NULL) {
		ip_limit_leave(ip_limit, &remote);
		return NULL;
	}
	*port = (struct http_port){ .site = &s->site,
		.relay = s->relays[worker],
		.plain_port = s->port.plain_port };
	if (shed_enter(c) == -1 || http_accepted(port, c) == -1) {
		conn_end(c, NULL);
		return NULL;
	}
	conn_input_start(c);
	return c;
}

/* How many ms a connection has until the deadline of its phase, as of the last
 * turn; 0: it has none. */
static inline uint64_t
fake_server_deadline(const struct conn *c)
{
	return c->timer.place != 0
	    ? c->timer.due_ms - loop_now_ms(c->worker->loop)
	    : 0;
}

/* As if the time until then had passed. */
static inline void
fake_server_pass_deadline(struct conn *c)
{
	struct worker *worker = c->worker;

	check(c->timer.place != 0);
	check_int(
	    loop_timer_set(worker->loop, &c->timer, loop_now_ms(worker->loop)),
	    0);
	fake_server_turn(worker->index);
}

/* What a test keeps of a client it plays. */
struct fake_peer {
	int fd; /* the test's end; -1: closed */
	struct conn *conn;
	struct derp_private_key private_key;
	struct derp_key key;
	bool mesh;           /* it knows the mesh key */
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
	struct derp_client_info info = { .version = 2, .can_ack_pings = true };
	uint8_t bytes[1024];
	struct writer w = writer_of(bytes, sizeof bytes);

	if (p->mesh)
		memset(info.mesh_key, FAKE_MESH_KEY, sizeof info.mesh_key);
	writer_printf(&w,
	    "GET /derp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
	    "Derp-Fast-Start: 1\r\nUpgrade: DERP\r\n\r\n");
	check_int(derp_client_info_put(
		      &w, &info, &p->private_key, &fake_server.public_key),
	    0);
	fake_peer_send(p, writer_slice(&w));
}

/* Whether its connection is logged in and has not ended. */
static inline bool
fake_peer_runs(const struct fake_peer *p)
{
	return !p->conn->ended && p->conn->protocol->logged_in;
}

/* A client that is logged in on the worker, under the key it has. */
static inline void
fake_peer_login(struct fake_peer *p, unsigned worker)
{
	struct derp_frame f;

	p->conn = fake_server_conn(worker, &p->fd);
	p->n = 0;
	check(p->conn != NULL);
	fake_peer_say_hello(p);
	fake_server_turn(worker);
	check(fake_peer_runs(p));
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
	p->conn = NULL;
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
