/* service: see service.h. */
#include "service.h"

#include "accept_limit.h"
#include "clock.h"
#include "conn_input.h"
#include "ip_limit.h"
#include "proxy_wait.h"
#include "sd_listen.h"
#include "shed.h"
#include "worker.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LEAVE_STEP_MS 1000 /* from closing some connections to the next */

struct port {
	struct service *service;
	struct service_port config;
	struct listener listener;
	struct proxy_waits waits;
};

struct service {
	struct worker *worker;   /* borrowed */
	struct tls_context *tls; /* owned share; NULL: plain */
	struct port ports[SERVICE_PORTS_MAX];
	size_t port_count;
	struct loop_timer drain_timer;
	struct loop_timer leave_timer; /* see service_retire */
	uint64_t leave_ms, leave_by_ms;
	size_t leave_count;  /* of connections at the beginning */
	bool stopping;       /* the loop stops when it is drained */
	uint64_t out_of_fds; /* of the listeners' counts, as reported */
	struct log_limit log_out_of_fds;
};

/* A message from another thread. */
struct command {
	struct message message; /* first member */
	struct service *service;
	struct tls_context *tls; /* owned; for use_tls */
	uint64_t timeout_ms;     /* for drain */
};

static uint64_t wait_ms(void *ctx);
static void accepted(void *ctx, int fd, const struct netaddr *remote);
static void take(
    void *ctx, int fd, const struct netaddr *remote, bool untrusted);
static void end_turn(void *ctx);
static void stop_if_drained(void *ctx);
static void close_some(void *ctx);
static void drop_command(struct message *m);

/* What connections inherit from their listening socket, so that accepting one
 * costs no system call for it. Each is an improvement that a connection can
 * live without. */
static void
set_socket_options(int fd, const struct service_config *config)
{
	const int on = 1, low_water = SERVICE_NOT_SENT_LOW_WATER;
	const int idle_s = (int)(config->keepalive_ms / 1000);
	const unsigned user_ms = (unsigned)config->user_timeout_ms;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low_water, sizeof low_water);
	if (user_ms > 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms,
		    sizeof user_ms);
	if (idle_s > 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
	}
}

static int
open_socket(const struct service_port *port, struct fail *why)
{
	if (port->given_fd != 0)
		return sd_listen_share(port->given_fd, why);
	return listener_open(&port->addr, LISTENER_TCP, why);
}

static int
open_port(struct service *s, const struct service_config *config, size_t i,
    struct fail *why)
{
	struct port *port = &s->ports[i];
	int fd = open_socket(&config->ports[i], why);

	*port = (struct port){ .service = s,
		.config = config->ports[i],
		.waits = { .worker = s->worker,
		    .from = config->proxy_from,
		    .from_count = config->proxy_from_count,
		    .done = take,
		    .ctx = port },
		.listener = { .watch.fd = -1,
		    .wait_ms = wait_ms,
		    .accepted = accepted,
		    .ctx = port } };
	s->port_count = i + 1;
	if (fd == -1)
		return -1;
	set_socket_options(fd, config);
	if (listener_start(&port->listener, s->worker->loop, fd) == 0)
		return 0;
	return fail_errno(why, "cannot watch a listening socket");
}

struct service *
service_new(const struct service_config *config, struct fail *why)
{
	struct service *s = calloc(1, sizeof *s);

	if (s == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	s->worker = config->worker;
	s->log_out_of_fds = (struct log_limit){ .burst = 1, .per_s = 1 };
	s->drain_timer =
	    (struct loop_timer){ .fire = stop_if_drained, .ctx = s };
	s->leave_timer = (struct loop_timer){ .fire = close_some, .ctx = s };
	if (config->tls != NULL)
		s->tls = tls_context_hold(config->tls);
	for (size_t i = 0; i < config->port_count; i++)
		if (open_port(s, config, i, why) == -1) {
			service_free(s);
			return NULL;
		}
	loop_on_turn(s->worker->loop, end_turn, s);
	return s;
}

static void
stop_listening(struct service *s)
{
	for (size_t i = 0; i < s->port_count; i++) {
		listener_stop(&s->ports[i].listener);
		proxy_waits_clear(&s->ports[i].waits);
	}
}

static void
free_proxy_waits(struct service *s)
{
	for (size_t i = 0; i < s->port_count; i++)
		proxy_waits_end_turn(&s->ports[i].waits);
}

void
service_free(struct service *s)
{
	struct conn *c;
	uint32_t at = 0;

	if (s == NULL)
		return;
	while ((c = conn_table_next(s->worker->conns, &at)) != NULL)
		conn_end_unlogged(c, "the relay shuts down");
	conn_free_ended(s->worker);
	stop_listening(s);
	free_proxy_waits(s);
	loop_timer_clear(s->worker->loop, &s->drain_timer);
	loop_timer_clear(s->worker->loop, &s->leave_timer);
	loop_on_turn(s->worker->loop, NULL, NULL);
	tls_context_release(s->tls);
	free(s);
}

void *
service_run(void *ctx)
{
	struct service *s = ctx;
	char name[16]; /* as top -H and perf show it */

	snprintf(name, sizeof name, "worker %u", s->worker->index);
	(void)prctl(PR_SET_NAME, name, 0UL, 0UL, 0UL);
	/* what pacing holds back would wait 50 us more with the default slack
	 */
	(void)prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	loop_run(s->worker->loop);
	return NULL;
}

void
service_stop(struct service *s)
{
	loop_stop(s->worker->loop);
}

static void
log_refused(struct worker *worker, const struct netaddr *remote)
{
	char text[NETADDR_TEXT];

	if (!log_allowed(&worker->log_login, loop_now_ms(worker->loop)))
		return;
	netaddr_format(remote, text);
	log_warn("http: %s: refused: too many connections in all or from this "
		 "address",
	    text);
}

static uint64_t
wait_ms(void *ctx)
{
	const struct port *port = ctx;
	struct worker *worker = port->service->worker;
	uint64_t limit_ms = 0, shed_ms;

	if (port->config.accept_limit != NULL)
		limit_ms = accept_limit_wait_ms(
		    port->config.accept_limit, loop_now_us(worker->loop));
	counters_add(&worker->counters->accept_delays, limit_ms > 0);
	shed_ms = shed_wait_ms(worker);
	return shed_ms > limit_ms ? shed_ms : limit_ms;
}

/* Counts a connection in. When all slots are taken, one that is not logged in
 * leaves its own to the newcomer. */
static bool
enter(struct worker *worker, const struct netaddr *remote)
{
	struct ip_limit *ip_limit = worker->config->ip_limit;
	enum ip_limit_result result = ip_limit_enter(ip_limit, remote);

	if (result == IP_LIMIT_TOTAL && shed_oldest(worker))
		result = ip_limit_enter(ip_limit, remote);
	return result == IP_LIMIT_ENTERED;
}

/* Makes a connection that its port's protocol has taken; NULL when memory is
 * short. */
static struct conn *
start_conn(struct port *port, int fd, const struct netaddr *remote)
{
	struct service *s = port->service;
	struct tls *tls = NULL;

	if (port->config.tls && s->tls != NULL) {
		tls = tls_accept(s->tls);
		if (tls == NULL) {
			close(fd);
			return NULL;
		}
	}
	return conn_new(s->worker, fd, tls, remote);
}

static void
accepted(void *ctx, int fd, const struct netaddr *remote)
{
	struct port *port = ctx;
	struct worker *worker = port->service->worker;

	counters_add(&worker->counters->connections, 1);
	if (port->config.accept_limit != NULL)
		accept_limit_take(
		    port->config.accept_limit, loop_now_us(worker->loop));
	if (!worker->draining && proxy_waits_for(&port->waits, remote))
		proxy_waits_add(&port->waits, fd, remote);
	else
		take(port, fd, remote, false);
}

/* Makes a connection of a descriptor that belongs to who is at `remote`, or is
 * said to be. */
static void
take(void *ctx, int fd, const struct netaddr *remote, bool untrusted)
{
	struct port *port = ctx;
	struct worker *worker = port->service->worker;
	struct conn *c;

	if (worker->draining || !enter(worker, remote)) {
		counters_add(&worker->counters->refused_limit, 1);
		if (!worker->draining)
			log_refused(worker, remote);
		close(fd);
		return;
	}
	c = start_conn(port, fd, remote);
	if (c == NULL) {
		counters_add(&worker->counters->refused_memory, 1);
		ip_limit_leave(worker->config->ip_limit, remote);
		return;
	}
	c->untrusted = untrusted;
	if (shed_enter(c) == -1 ||
	    port->config.accepted(port->config.ctx, c) == -1) {
		counters_add(&worker->counters->refused_memory, 1);
		conn_end(c, NULL);
	} else {
		conn_input_start(c);
	}
}

/* Being out of descriptors is worth a line now and then. */
static void
report_out_of_fds(struct service *s)
{
	struct worker *worker = s->worker;
	uint64_t out_of_fds = 0;

	for (size_t i = 0; i < s->port_count; i++)
		out_of_fds += s->ports[i].listener.out_of_fds;
	if (out_of_fds == s->out_of_fds)
		return;
	counters_add(&worker->counters->out_of_fds, out_of_fds - s->out_of_fds);
	s->out_of_fds = out_of_fds;
	if (log_allowed(&s->log_out_of_fds, loop_now_ms(worker->loop)))
		log_warn("derper: out of file descriptors with %zu connections "
			 "on this worker; new ones wait",
		    conn_table_count(worker->conns));
}

static void
take_rate(struct worker *worker)
{
	const uint64_t now_ms = loop_now_ms(worker->loop);

	if (pacing_window_is_over(&worker->pacing, now_ms)) {
		const struct pacing_load load = {
			.own = counters_passed(worker->counters),
			.all = counters_passed_all(worker->config->counters),
		};

		pacing_take_rate(&worker->pacing, now_ms, &load);
	}
}

static void
pace(struct worker *worker)
{
	uint64_t until_us;

	take_rate(worker);
	until_us = pacing_end_turn(&worker->pacing, loop_now_us(worker->loop));
	if (until_us != 0 && clock_now_us() < until_us &&
	    loop_hold_high_rate(worker->loop, until_us))
		counters_add(&worker->counters->pauses, 1);
}

static void
end_turn(void *ctx)
{
	struct service *s = ctx;
	struct worker *worker = s->worker;

	counters_add(&worker->counters->turns, 1);
	conn_flush_all(worker);
	conn_input_take_logins(worker);
	shed_memory(worker);
	if (worker->turn_ending != NULL)
		worker->turn_ending(worker->hook_ctx);
	conn_flush_all(worker);
	conn_free_ended(worker);
	free_proxy_waits(s);
	report_out_of_fds(s);
	if (s->stopping)
		stop_if_drained(s);
	pace(worker);
	conn_input_judge_rates(worker); /* by the worker's rate as it is now */
}

/* Posts a message that is handled by the service. -1 when memory is short. */
static int
post(struct service *s, void (*handle)(void *ctx, struct message *m),
    const struct command *values)
{
	struct command *command = malloc(sizeof *command);

	if (command == NULL)
		return -1;
	*command = *values;
	command->service = s;
	command->message =
	    (struct message){ .handle = handle, .drop = drop_command };
	mailbox_post(s->worker->mailbox, &command->message, &command->message);
	return 0;
}

static void
drop_command(struct message *m)
{
	struct command *command = (struct command *)m;

	tls_context_release(command->tls);
	free(command);
}

static void
handle_use_tls(void *ctx, struct message *m)
{
	struct command *command = (struct command *)m;
	struct service *s = command->service;

	(void)ctx;
	tls_context_release(s->tls);
	s->tls = command->tls;
	free(command);
}

int
service_use_tls(struct service *s, struct tls_context *ctx)
{
	const struct command values = { .tls = ctx };

	if (post(s, handle_use_tls, &values) == 0)
		return 0;
	tls_context_release(ctx);
	return -1;
}

/* Stops the loop once everybody has got what was sent, or time is up. */
static void
stop_if_drained(void *ctx)
{
	struct service *s = ctx;
	struct loop *loop = s->worker->loop;
	const struct conn *c;
	uint32_t at = 0;

	if (loop_now_ms(loop) < s->drain_timer.due_ms)
		while ((c = conn_table_next(s->worker->conns, &at)) != NULL)
			if (stream_blocked(&c->stream))
				return;
	loop_stop(loop);
}

/* Accepts nothing more, and tells those connected. */
static void
begin_draining(struct service *s)
{
	struct conn *c;
	uint32_t at = 0;

	s->worker->draining = true;
	stop_listening(s);
	while ((c = conn_table_next(s->worker->conns, &at)) != NULL)
		if (c->protocol->shut_down != NULL)
			c->protocol->shut_down(c);
}

static void
handle_drain(void *ctx, struct message *m)
{
	struct worker *worker = ctx;
	struct command *command = (struct command *)m;
	struct service *s = command->service;
	uint64_t due_ms = loop_now_ms(worker->loop) + command->timeout_ms;

	free(command);
	begin_draining(s);
	s->stopping = true;
	loop_timer_clear(worker->loop, &s->leave_timer);
	if (loop_timer_set(worker->loop, &s->drain_timer, due_ms) == -1)
		loop_stop(worker->loop);
}

void
service_drain(struct service *s, uint64_t timeout_ms)
{
	const struct command values = { .timeout_ms = timeout_ms };

	if (post(s, handle_drain, &values) == -1)
		loop_stop(s->worker->loop);
}

/* How many connections may still be here, as that falls evenly to none. */
static size_t
leave_target(const struct service *s, uint64_t now_ms)
{
	if (now_ms >= s->leave_by_ms)
		return 0;
	/* rounded up: the last one goes at the end */
	return (size_t)(((double)s->leave_count *
			    (double)(s->leave_by_ms - now_ms)) /
		(double)s->leave_ms +
	    1 - 1e-6);
}

/* Once a second. What we connected to stays: those are other relays. */
static void
close_some(void *ctx)
{
	struct service *s = ctx;
	struct loop *loop = s->worker->loop;
	const uint64_t now_ms = loop_now_ms(loop);
	const size_t target = leave_target(s, now_ms);
	size_t count = conn_table_count(s->worker->conns);
	struct conn *c;
	uint32_t at = 0;

	while (count > target &&
	    (c = conn_table_next(s->worker->conns, &at)) != NULL) {
		if (c->outgoing || c->ended)
			continue;
		conn_end(c, "the relay is being drained");
		count--;
	}
	if (now_ms < s->leave_by_ms &&
	    loop_timer_set(loop, &s->leave_timer, now_ms + LEAVE_STEP_MS) == -1)
		log_error("out of memory: connections stay until the end");
}

static void
handle_retire(void *ctx, struct message *m)
{
	struct worker *worker = ctx;
	struct command *command = (struct command *)m;
	struct service *s = command->service;
	const uint64_t now_ms = loop_now_ms(worker->loop);

	s->leave_ms = command->timeout_ms;
	s->leave_by_ms = now_ms + command->timeout_ms;
	s->leave_count = conn_table_count(worker->conns);
	free(command);
	begin_draining(s);
	if (loop_timer_set(
		worker->loop, &s->leave_timer, now_ms + LEAVE_STEP_MS) == -1)
		log_error("out of memory: connections stay until the end");
}

int
service_retire(struct service *s, uint64_t within_ms)
{
	const struct command values = { .timeout_ms = within_ms };

	return post(s, handle_retire, &values);
}
