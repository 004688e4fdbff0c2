/* server: see server.h. */
#include "server.h"

#include "acme_service.h"
#include "admission_engine.h"
#include "bootstrap_dns.h"
#include "bootstrap_resolver.h"
#include "clock.h"
#include "confinement.h"
#include "consistency.h"
#include "counters_report.h"
#include "ip_limit.h"
#include "log.h"
#include "memory_trim.h"
#include "mesh.h"
#include "metrics.h"
#include "presence.h"
#include "registry.h"
#include "relay.h"
#include "server_setup.h"
#include "server_status.h"
#include "server_supervision.h"
#include "server_worker.h"
#include "signals.h"
#include "start_report.h"
#include "status_page.h"
#include "traffic_page.h"
#include "url_check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>

#define POLL_US 1000000 /* how often files are looked at */

struct server {
	/* configuration and what follows from it */
	const struct config *config;
	struct server_setup setup;

	/* shared by the workers */
	struct worker_config worker_config;
	struct relay_shared relay;
	struct http_site site;
	struct metrics metrics;
	struct registry *registry;
	struct ip_limit *ip_limit;
	struct admission_engine admission;
	struct url_check *url_check; /* NULL: no URL is asked */
	struct bootstrap_resolver *bootstrap_resolver; /* NULL: no names */
	struct counters_array *counters; /* a set for each worker */
	struct crossing_shared crossing;
	struct presence *presence; /* NULL without a mesh key */
	struct mesh *mesh;

	struct server_worker workers[CONFIG_WORKERS_MAX];
	unsigned started; /* their threads */
	struct server_status status;
	struct supervision supervision;
	struct memory_trim trim;
	uint64_t polled_us; /* when files were last looked at */
};

static unsigned
workers_of(const struct server *s)
{
	return (unsigned)s->config->workers;
}

/* A worker's part of what all of them may have, at least 1. */
static size_t
part_of(const struct server *s, int64_t all)
{
	return (size_t)((all + s->config->workers - 1) / s->config->workers);
}

static void
write_metrics(void *ctx, struct writer *w)
{
	const struct server *s = ctx;

	metrics_text(&s->metrics, w);
}

static void
write_vars(void *ctx, struct writer *w)
{
	const struct server *s = ctx;

	metrics_json(&s->metrics, w);
}

static bool
check_consistency(void *ctx, struct writer *w)
{
	const struct server *s = ctx;

	return consistency_check(&(struct consistency){ .counters = s->counters,
				     .registry = s->registry,
				     .verify = s->admission.verify },
	    w);
}

/* What the parts of all workers share. */
static void
fill_shared(struct server *s)
{
	const struct config *c = s->config;

	s->worker_config = (struct worker_config){
		.ip_limit = s->ip_limit,
		.counters = s->counters,
		.queue_depth = c->queue_depth,
		.queue_bytes = (size_t)c->queue_bytes,
		.frame_len = relay_frame_len,
		.unread_bytes = (size_t)(c->queue_bytes_total / c->workers),
		.login_bytes = part_of(s, c->login_bytes_total),
		.login_slots = part_of(s, c->max_before_login),
		.handshakes = part_of(s, c->max_handshakes),
		.handshakes_per_address =
		    part_of(s, c->max_handshakes_per_address),
		.write_timeout_ms = c->write_timeout_ms,
		.batch_delay_us = (uint64_t)c->batch_delay_us,
	};
	s->crossing.workers = workers_of(s);
	s->relay.private_key = &s->setup.key.private_key;
	s->relay.public_key = &s->setup.key.public_key;
	s->relay.registry = s->registry;
	s->relay.verify = NULL; /* opened when rights are given up */
	s->relay.crossing = &s->crossing;
	s->relay.presence = s->presence;
	s->relay.drain_timeout_ms = c->drain_timeout_ms;
	s->relay.log_connections = c->log_connections;
	s->relay.sample_rtt = c->sample_rtt;
	s->relay.rate_limit = s->setup.limits.rate_limit;
	s->site = (struct http_site){
		.home_url =
		    c->home_kind == CONFIG_HOME_REDIRECT ? c->home : NULL,
		.home_blank = c->home_kind == CONFIG_HOME_BLANK,
		.derp = c->derp,
		.ace = c->ace,
		.bootstrap_dns = s->setup.bootstrap_dns,
		.debug = { .access = &s->setup.debug_access,
		    .hostname = c->hostname,
		    .started_ms = s->metrics.process.started_ms,
		    .dev = c->dev,
		    .ctx = s,
		    .metrics = write_metrics,
		    .vars = write_vars,
		    .check = check_consistency,
		    .has_mesh_key = s->relay.mesh_key.is_set,
		    .status = status_page,
		    .traffic = traffic_page },
	};
	s->site.acme = server_certs_page(&s->setup.certs, c);
}

static int
build_worker(struct server *s, unsigned i, struct fail *why)
{
	const struct server_worker_config config = {
		.config = s->config,
		.ports = &s->setup.ports,
		.worker = &s->worker_config,
		.counters = counters_at(s->counters, i),
		.relay = &s->relay,
		.mailboxes = s->crossing.mailboxes,
		.site = &s->site,
		.accept_limit = s->setup.limits.accept_limit,
		.tls = s->setup.certs.certs != NULL
		    ? certs_context(s->setup.certs.certs)
		    : NULL,
	};

	if (server_worker_open(&s->workers[i], &config, i, why) == -1)
		return -1;
	supervision_watch(&s->supervision, s->workers[i].worker->mailbox);
	return 0;
}

/* Opens all sockets. */
static int
build_workers(struct server *s, struct fail *why)
{
	fill_shared(s);
	for (unsigned i = 0; i < workers_of(s); i++)
		if (build_worker(s, i, why) == -1)
			return -1;
	if (server_status_open(&s->status,
		&(struct server_status_config){ .config = s->config,
		    .shared = &s->relay,
		    .metrics = &s->metrics,
		    .main = &s->setup.main_addr,
		    .http = s->setup.use_http ? &s->setup.http_addr : NULL,
		    .stun = s->setup.use_stun ? &s->setup.stun_addr : NULL },
		why) == -1)
		return -1;
	s->site.debug.status_ctx = s->status.status;
	if (s->setup.mesh_target_count == 0)
		return 0;
	s->mesh = mesh_new(
	    &s->relay, s->setup.mesh_targets, s->setup.mesh_target_count);
	return s->mesh != NULL ? 0 : fail_set(why, "out of memory");
}

static int
start_workers(struct server *s, struct fail *why)
{
	for (; s->started < workers_of(s); s->started++) {
		struct server_worker *w = &s->workers[s->started];

		errno = pthread_create(&w->id, NULL, service_run, w->service);
		if (errno != 0)
			return fail_errno(why, "cannot start a thread");
	}
	return 0;
}

static void
use_tls(struct server *s, struct tls_context *ctx)
{
	for (unsigned i = 0; i < workers_of(s); i++)
		if (service_use_tls(
			s->workers[i].service, tls_context_hold(ctx)) == -1)
			log_error("out of memory: worker %u keeps the old "
				  "certificate",
			    i);
}

enum reload_cause { RELOAD_TIME, RELOAD_SIGNAL, RELOAD_ASKED };

static void
reload(struct server *s, enum reload_cause cause)
{
	const bool forced = cause != RELOAD_TIME;

	if (s->setup.certs.certs != NULL &&
	    certs_poll(s->setup.certs.certs, forced)) {
		use_tls(s, certs_context(s->setup.certs.certs));
		certs_report(s->setup.certs.certs);
		metrics_set_certificate(
		    &s->metrics, certs_expiry_s(s->setup.certs.certs));
	}
	if (s->setup.certs.certs != NULL)
		certs_remind(s->setup.certs.certs, clock_now_ms());
	if (forced) {
		server_limits_reload(&s->setup.limits, cause == RELOAD_SIGNAL);
		acme_service_wake(s->setup.certs.service);
	}
	admission_engine_poll(&s->admission, forced);
}

/* Clients are to leave within that time; the relay ends when they have. */
static void
begin_drain(struct server *s, uint64_t within_ms)
{
	for (unsigned i = 0; i < workers_of(s); i++)
		if (service_retire(s->workers[i].service, within_ms) == -1)
			log_error("out of memory: worker %u is not drained", i);
}

static void
reload_asked_for(struct server *s, enum reload_cause cause)
{
	supervision_reloading(&s->supervision, clock_now_us());
	reload(s, cause);
	supervision_reloaded(&s->supervision);
}

/* What was asked on the control socket, and all that is looked at now and
 * then. */
static void
poll_all(struct server *s)
{
	uint64_t within_ms;
	const enum server_status_wish wish =
	    server_status_take(&s->status, &within_ms);

	if (wish == SERVER_STATUS_DRAIN)
		begin_drain(s, within_ms);
	if (wish == SERVER_STATUS_RELOAD)
		reload_asked_for(s, RELOAD_ASKED);
	else
		reload(s, RELOAD_TIME);
	memory_trim(&s->trim, s->ip_limit);
	metrics_sample(&s->metrics, clock_now_ms());
}

/* Between signals: often for the service manager, less often for files. */
static void
tick(struct server *s)
{
	const uint64_t now_us = clock_now_us();

	server_supervision_poll(
	    &s->supervision, s->config, &s->metrics, now_us);
	if (now_us - s->polled_us < POLL_US)
		return;
	s->polled_us = now_us;
	poll_all(s);
}

/* Handles signals and looks at files until it is time to go. */
static void
wait_for_end(struct server *s, const sigset_t *signals)
{
	for (;;) {
		const struct timespec longest =
		    supervision_tick(&s->supervision, POLL_US);
		int signal = sigtimedwait(signals, NULL, &longest);

		switch (signal) {
		case SIGINT:
		case SIGTERM:
			log_info("derper: received %s, shutting down",
			    signal == SIGINT ? "SIGINT" : "SIGTERM");
			return;
		case SIGHUP:
			log_info("derper: received SIGHUP, reloading");
			reload_asked_for(s, RELOAD_SIGNAL);
			break;
		case SIGUSR1:
			counters_report(s->counters, s->registry);
			break;
		default:
			if (server_status_is_drained(&s->status))
				return;
			tick(s);
			break;
		}
	}
}

static void
stop(struct server *s)
{
	const bool all = s->started == workers_of(s);

	supervision_stopping(&s->supervision, s->config->drain_timeout_ms);
	for (unsigned i = 0; i < s->started; i++)
		if (all)
			service_drain(
			    s->workers[i].service, s->config->drain_timeout_ms);
		else
			service_stop(s->workers[i].service);
	for (unsigned i = 0; i < s->started; i++)
		pthread_join(s->workers[i].id, NULL);
	server_status_stop(&s->status);
	if (all)
		counters_report(s->counters, s->registry);
}

static void
server_free(struct server *s)
{
	url_check_stop(s->url_check);
	bootstrap_resolver_stop(s->bootstrap_resolver);
	server_certs_stop(&s->setup.certs);
	/* answers the pending questions, by message to workers that still exist
	 */
	admission_engine_close(&s->admission);
	/* connections that wait for an answer take their questions back */
	s->relay.verify = NULL;
	for (unsigned i = 0; i < workers_of(s); i++)
		server_worker_close(&s->workers[i]);
	mesh_free(s->mesh);
	server_status_close(&s->status);
	for (unsigned i = 0; i < workers_of(s); i++)
		worker_free(s->workers[i].worker);
	for (unsigned i = 0; i < workers_of(s); i++)
		relay_free(s->workers[i].relay);
	supervision_close(&s->supervision);
	metrics_close(&s->metrics);
	ip_limit_free(s->ip_limit);
	server_setup_close(&s->setup);
	registry_free(s->registry);
	presence_free(s->presence);
	counters_free(s->counters);
	sodium_memzero(&s->relay.mesh_key, sizeof s->relay.mesh_key);
	free(s);
}

static int
build(struct server *s, struct fail *why)
{
	const struct config *c = s->config;

	if (server_setup_open(&s->setup, c, why) == -1)
		return -1;
	s->relay.mesh_key = s->setup.mesh_key;
	s->registry = registry_new((size_t)c->max_connections,
	    mesh_keys_max(s->setup.mesh_target_count));
	s->counters = counters_new(workers_of(s));
	s->ip_limit = ip_limit_new(
	    (size_t)c->max_connections, (size_t)c->max_per_address);
	if (s->relay.mesh_key.is_set)
		s->presence = presence_new((size_t)c->max_connections);
	if (s->registry == NULL || s->ip_limit == NULL || s->counters == NULL ||
	    (s->relay.mesh_key.is_set && s->presence == NULL))
		return fail_set(why, "out of memory");
	s->metrics = (struct metrics){ .counters = s->counters,
		.registry = s->registry,
		.workers = workers_of(s),
		.budget = { .output = (uint64_t)c->queue_bytes_total,
		    .before_login = (uint64_t)c->login_bytes_total } };
	metrics_open(&s->metrics);
	metrics_set_certificate(
	    &s->metrics, server_certs_expiry_s(&s->setup.certs));
	s->metrics.acme = &s->setup.certs.counts;
	s->metrics.rate_limit = s->setup.limits.rate_limit;
	if (supervision_open(&s->supervision, getenv, why) == -1)
		return -1;
	return build_workers(s, why);
}

/* Says what is served and to whom, and looks beside that whether those who
 * decide it answer. */
static void
report_start(struct server *s, const struct verify_config *admission)
{
	s->relay.verify = s->admission.verify;
	s->metrics.verify = s->admission.verify;
	start_report(&(struct start_report){
	    .config = s->config,
	    .main = &s->setup.main_addr,
	    .http = s->setup.use_http ? &s->setup.http_addr : NULL,
	    .stun = s->setup.use_stun ? &s->setup.stun_addr : NULL,
	    .certs = s->setup.certs.certs,
	    .verify = s->admission.verify,
	    .admission = admission,
	});
	s->url_check = url_check_start(admission);
}

static int
start_bootstrap(struct server *s, struct fail *why)
{
	if (bootstrap_dns_name(s->setup.bootstrap_dns, 0) == NULL)
		return 0;
	s->bootstrap_resolver =
	    bootstrap_resolver_start(s->setup.bootstrap_dns, why);
	return s->bootstrap_resolver != NULL ? 0 : -1;
}

/* Rights are a thread's own and inherited by those it starts, so they are given
 * up when all that needs them is open, and before verification and the workers
 * start their threads. */
static int
start(struct server *s, struct fail *why)
{
	struct verify_config *admission = &s->setup.admission;

	if (confinement_enter(
		s->config, admission, s->setup.certs.certs, why) == -1 ||
	    admission_engine_open(
		&s->admission, s->config, &s->relay, admission, why) == -1)
		return -1;
	report_start(s, admission);
	verify_config_clear(admission);
	if (start_bootstrap(s, why) == -1)
		return -1;
	metrics_sample(&s->metrics, clock_now_ms());
	if (s->mesh != NULL)
		mesh_start(s->mesh);
	if (server_status_start(&s->status, why) == -1)
		return -1;
	if (start_workers(s, why) == -1)
		return -1;
	supervision_started(&s->supervision, clock_now_us());
	return server_certs_start(&s->setup.certs, s->config, why);
}

int
server_run(const struct config *config, struct fail *why)
{
	struct server *s = calloc(1, sizeof *s);
	sigset_t signals;
	int rc;

	if (s == NULL)
		return fail_set(why, "out of memory");
	s->config = config;
	signals_block(&signals);
	rc = build(s, why);
	if (rc == 0)
		rc = start(s, why);
	if (rc == 0)
		wait_for_end(s, &signals);
	stop(s);
	server_free(s);
	return rc;
}
