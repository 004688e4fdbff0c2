/* server_worker: see server_worker.h. */
#include "server_worker.h"

#include "http.h"
#include "stun_server.h"

/* Connections to the main port begin with TLS where that is served. */
static void
add_ports(struct server_worker *w, const struct server_worker_config *c,
    struct service_config *service)
{
	struct service_port port = { .tls = true,
		.accept_limit = c->accept_limit,
		.accepted = http_accepted,
		.ctx = &w->main_port };

	w->main_port = (struct http_port){ .site = c->site, .relay = w->relay };
	w->http_port = w->main_port;
	w->http_port.plain_port = true;
	server_ports_add(c->ports, SERVER_PORT_MAIN, &port, service);
	port.tls = false;
	port.accept_limit = NULL;
	port.ctx = &w->http_port;
	server_ports_add(c->ports, SERVER_PORT_HTTP, &port, service);
}

static int
open_ports(struct server_worker *w, const struct server_worker_config *c,
    struct fail *why)
{
	struct service_config service = {
		.worker = w->worker,
		.tls = c->tls,
		.proxy_from = c->config->proxy_from,
		.proxy_from_count = c->config->proxy_from_count,
		.keepalive_ms = c->config->keepalive_ms,
		.user_timeout_ms = c->config->user_timeout_ms,
	};

	add_ports(w, c, &service);
	w->service = service_new(&service, why);
	return w->service != NULL ? 0 : -1;
}

static int
open_stun(struct server_worker *w, const struct server_worker_config *c,
    struct fail *why)
{
	for (size_t i = 0; i < c->ports->count[SERVER_PORT_STUN]; i++) {
		const struct server_socket *s =
		    &c->ports->v[SERVER_PORT_STUN][i];
		int fd;

		if (!server_ports_is_mine(
			s, i, w->worker->index, (unsigned)c->config->workers))
			continue;
		fd = server_ports_open_stun(s, why);
		if (fd == -1)
			return -1;
		w->stun[i] =
		    stun_server_new(w->worker->loop, fd, w->worker->counters);
		if (w->stun[i] == NULL)
			return fail_set(why, "out of memory");
	}
	return 0;
}

int
server_worker_open(struct server_worker *w,
    const struct server_worker_config *config, unsigned i, struct fail *why)
{
	w->worker = worker_new(config->worker, i, config->counters, why);
	if (w->worker == NULL)
		return -1;
	config->mailboxes[i] = w->worker->mailbox;
	w->relay = relay_new(config->relay, w->worker);
	if (w->relay == NULL)
		return fail_set(why, "out of memory");
	config->relay->relays[i] = w->relay;
	if (open_ports(w, config, why) == -1)
		return -1;
	return open_stun(w, config, why);
}

void
server_worker_close(struct server_worker *w)
{
	service_free(w->service);
	for (size_t i = 0; i < SERVER_PORTS_SAME; i++)
		stun_server_free(w->stun[i]);
}
