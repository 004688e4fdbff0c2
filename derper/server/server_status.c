/* server_status: see server_status.h. */
#include "server_status.h"

#include "clock.h"
#include "log.h"
#include "relay.h"

#define SOCKET_MODE 0600

static void
want_reload(void *ctx)
{
	struct server_status *s = ctx;

	atomic_store(&s->reload_wanted, true);
}

static void
want_drain(void *ctx, uint64_t within_ms)
{
	struct server_status *s = ctx;

	atomic_store(&s->drain_ms, within_ms);
	atomic_store(&s->drain_wanted, true);
}

static void
add_listener(
    struct status_relay *relay, const char *what, const struct netaddr *addr)
{
	if (addr != NULL)
		relay->listeners[relay->listener_count++] =
		    (struct status_listener){ what, *addr };
}

static void
fill_relay(struct server_status *s, const struct server_status_config *c)
{
	struct status_relay *relay = &s->relay;

	*relay = (struct status_relay){
		.hostname = c->config->use_tls ? c->config->hostname : "",
		.started_ms = c->metrics->process.started_ms,
		.workers = (unsigned)c->config->workers,
		.connections_max = (uint64_t)c->config->max_connections,
		.shared = c->shared,
		.counters = c->metrics->counters,
		.certificate_expires_s = c->config->use_tls
		    ? &c->metrics->certificate_expires_s
		    : NULL,
	};
	add_listener(
	    relay, c->config->use_tls ? "DERP over TLS" : "DERP", c->main);
	add_listener(relay, "HTTP", c->http);
	add_listener(relay, "STUN", c->stun);
}

/* A socket that nobody asked for does not stop the relay. */
static int
go_without_socket(const struct config *config, struct fail *why)
{
	if (config->control_socket != config->control_socket_default)
		return -1;
	log_warn("derper: no control socket: %s", why->text);
	*why = (struct fail){ 0 };
	return 0;
}

int
server_status_try(const struct config *config, struct fail *why)
{
	if (config->control_socket[0] == '\0' ||
	    unix_listener_try(config->control_socket, why) == 0)
		return 0;
	return go_without_socket(config, why);
}

int
server_status_open(struct server_status *s,
    const struct server_status_config *config, struct fail *why)
{
	const char *path = config->config->control_socket;
	int fd = -1;

	fill_relay(s, config);
	s->events = (struct control_events){ want_reload, want_drain, s };
	if (path[0] != '\0') {
		fd = unix_listener_open(&s->socket, path, SOCKET_MODE, why);
		if (fd != -1)
			log_info("derper: control socket %s", path);
		else if (go_without_socket(config->config, why) == -1)
			return -1;
	}
	s->status = status_new(&s->relay, &s->events, fd, why);
	return s->status != NULL ? 0 : -1;
}

int
server_status_start(struct server_status *s, struct fail *why)
{
	return status_start(s->status, why);
}

void
server_status_stop(struct server_status *s)
{
	status_stop(s->status);
}

void
server_status_close(struct server_status *s)
{
	status_free(s->status);
	s->status = NULL;
	/* where Landlock does not allow it, it stays, and the next relay
	 * replaces it */
	unix_listener_remove(&s->socket);
}

enum server_status_wish
server_status_take(struct server_status *s, uint64_t *drain_ms)
{
	if (atomic_exchange(&s->drain_wanted, false)) {
		*drain_ms = atomic_load(&s->drain_ms);
		s->drained_by_ms = clock_now_ms() + *drain_ms;
		log_info("derper: draining within %llu s: no new connections, "
			 "and clients are told to leave",
		    (unsigned long long)(*drain_ms + 999) / 1000);
		return SERVER_STATUS_DRAIN;
	}
	return atomic_exchange(&s->reload_wanted, false)
	    ? SERVER_STATUS_RELOAD
	    : SERVER_STATUS_NOTHING;
}

bool
server_status_is_drained(const struct server_status *s)
{
	if (s->drained_by_ms == 0 ||
	    (clock_now_ms() < s->drained_by_ms &&
		counters_sum(s->relay.counters).current_connections > 0))
		return false;
	log_info("derper: drained, shutting down");
	return true;
}
