/* http_service: see http_service.h. Who gets in; the connections themselves are
 * http_service_conn's. */
#include "http_service.h"

#include "http_service_conn.h"
#include "listener.h"

#include <stdlib.h>
#include <unistd.h>

struct port {
	struct listener listener;
	struct http_service *service;
	bool tls;
};

struct http_service {
	struct http_service_shared shared;
	/* loop-owned */
	struct port ports[HTTP_SERVICE_LISTENERS_MAX];
	size_t port_count;
	struct tls_context *tls; /* owned: one hold */
	struct loop_wait_hook hook;
	struct loop_timer drain_timer;
};

/* Whether there is room for one more; an idle one may have to go. */
static bool
make_room(struct http_service_shared *s)
{
	if (atomic_load(&s->counters.open) < s->config.connections_max)
		return true;
	if (s->idle.first == NULL) {
		HTTP_SERVICE_COUNT(s, refused_total);
		return false;
	}
	HTTP_SERVICE_COUNT(s, evicted);
	http_service_conn_end(s->idle.first);
	return true;
}

static void
accepted(void *ctx, int fd, const struct netaddr *peer)
{
	struct port *port = ctx;
	struct http_service *s = port->service;
	struct tls *tls = NULL;

	if (!make_room(&s->shared)) {
		close(fd);
		return;
	}
	if (port->tls)
		tls = tls_accept(s->tls);
	if (port->tls && tls == NULL) {
		HTTP_SERVICE_COUNT(&s->shared, out_of_memory);
		close(fd);
		return;
	}
	http_service_conn_open(&s->shared, fd, peer, tls);
}

static void
free_dead(struct http_service *s)
{
	struct http_service_conn *c, *next;

	for (c = s->shared.dead.first; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	s->shared.dead = (struct http_service_list){ 0 };
}

/* Not when a connection is accepted: that may be long after it could not be. */
static void
count_shortages(struct http_service *s)
{
	uint64_t out_of_fds = 0;

	for (size_t i = 0; i < s->port_count; i++)
		out_of_fds += s->ports[i].listener.out_of_fds;
	atomic_store(&s->shared.counters.out_of_fds, out_of_fds);
}

static bool
before_wait(void *ctx)
{
	struct http_service *s = ctx;

	count_shortages(s);
	free_dead(s);
	return false;
}

static void
after_wait(void *ctx)
{
	(void)ctx;
}

static void
stop_loop(void *ctx)
{
	struct http_service *s = ctx;

	loop_stop(s->shared.config.loop);
}

struct http_service *
http_service_new(const struct http_service_config *config, struct fail *why)
{
	const size_t total = config->connections_max + 1;
	const size_t each = config->connections_per_address;
	struct http_service *s = calloc(1, sizeof *s);

	if (s == NULL)
		goto no_memory;
	s->shared.config = *config;
	s->shared.scratch = stream_scratch_new();
	s->shared.room = malloc(HTTP_SERVICE_ROOM);
	s->shared.connected = ip_limit_new(total, 2 * each);
	s->shared.admitted = ip_limit_new(total, each);
	s->hook = (struct loop_wait_hook){
		.before = before_wait, .after = after_wait, .ctx = s
	};
	s->drain_timer = (struct loop_timer){ .fire = stop_loop, .ctx = s };
	loop_add_wait_hook(config->loop, &s->hook);
	if (s->shared.scratch != NULL && s->shared.room != NULL &&
	    s->shared.connected != NULL && s->shared.admitted != NULL)
		return s;
	http_service_free(s);
no_memory:
	fail_set(why, "out of memory");
	return NULL;
}

static void
stop_listening(struct http_service *s)
{
	for (size_t i = 0; i < s->port_count; i++)
		listener_stop(&s->ports[i].listener);
}

void
http_service_free(struct http_service *s)
{
	if (s == NULL)
		return;
	stop_listening(s);
	while (s->shared.idle.first != NULL)
		http_service_conn_end(s->shared.idle.first);
	while (s->shared.busy.first != NULL)
		http_service_conn_end(s->shared.busy.first);
	free_dead(s);
	loop_timer_clear(s->shared.config.loop, &s->drain_timer);
	loop_remove_wait_hook(s->shared.config.loop, &s->hook);
	tls_context_release(s->tls);
	ip_limit_free(s->shared.connected);
	ip_limit_free(s->shared.admitted);
	stream_scratch_free(s->shared.scratch);
	free(s->shared.room);
	free(s);
}

int
http_service_listen(struct http_service *s, int fd, bool tls, struct fail *why)
{
	struct port *port = &s->ports[s->port_count];

	if (s->port_count == HTTP_SERVICE_LISTENERS_MAX) {
		close(fd);
		return fail_set(
		    why, "more than %d addresses", HTTP_SERVICE_LISTENERS_MAX);
	}
	*port = (struct port){
		.listener = { .accepted = accepted, .ctx = port },
		.service = s,
		.tls = tls,
	};
	s->port_count++;
	if (listener_start(&port->listener, s->shared.config.loop, fd) == -1)
		return fail_errno(why, "cannot watch a listening socket");
	return 0;
}

void
http_service_use_tls(struct http_service *s, struct tls_context *tls)
{
	tls_context_release(s->tls);
	s->tls = tls;
}

void
http_service_drain(struct http_service *s, uint64_t after_ms)
{
	struct loop *loop = s->shared.config.loop;
	struct http_service_conn *c, *next;

	stop_listening(s);
	s->shared.draining = true;
	for (c = s->shared.idle.first; c != NULL; c = next) {
		next = c->next;
		http_service_conn_end(c);
	}
	if (s->shared.busy.first == NULL ||
	    loop_timer_set(
		loop, &s->drain_timer, loop_now_ms(loop) + after_ms) == -1)
		loop_stop(loop);
}

const struct http_service_counters *
http_service_counters(const struct http_service *s)
{
	return &s->shared.counters;
}

/* ---- for handlers */

struct http_server *
http_service_server(struct http_service_conn *c)
{
	return &c->http;
}

const struct netaddr *
http_service_peer(const struct http_service_conn *c)
{
	return &c->peer;
}

void
http_service_answer(
    struct http_service_conn *c, const struct http_server_answer *answer)
{
	if (c->shared->draining)
		c->http.close = true;
	http_server_answer(&c->http, answer);
	http_service_conn_resume(c);
}
