/* server: see server.h. */
#include "server.h"

#include "certs.h"
#include "keyfile.h"
#include "log.h"
#include "worker.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_PATH_ROOT "/var/lib/derper/derper.key"
#define POLL_S 1   /* how often files are looked at */
#define CROWD 1000 /* connections whose memory is worth giving back */

struct server {
	const struct config *config;
	struct derp_private_key private_key;
	struct derp_key public_key;
	struct registry *peers;
	struct ip_limit *ip_limit;
	struct verify *verify; /* NULL: everybody is admitted */
	struct certs *certs;   /* NULL: plain HTTP */
	struct netaddr main_addr, http_addr, stun_addr;
	bool use_http, use_stun;
	struct worker *workers[CONFIG_WORKERS_MAX];
	pthread_t threads[CONFIG_WORKERS_MAX];
	unsigned started; /* threads */
	atomic_size_t under_way[CONFIG_WORKERS_MAX];
	struct counters_array *counters; /* a set for each worker */
	size_t most_open; /* connections, since memory was given back */
};

/* A message from the main thread to a worker. */
struct command {
	struct message message;  /* first member */
	struct tls_context *tls; /* owned; for use_tls */
};

const struct config *
server_config(const struct server *s)
{
	return s->config;
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
	return &s->main_addr;
}

const struct netaddr *
server_http_addr(const struct server *s)
{
	return s->use_http ? &s->http_addr : NULL;
}

const struct netaddr *
server_stun_addr(const struct server *s)
{
	return s->use_stun ? &s->stun_addr : NULL;
}

struct tls_context *
server_tls(const struct server *s)
{
	return s->certs != NULL ? certs_context(s->certs) : NULL;
}

struct counters *
server_counters(struct server *s, unsigned worker)
{
	return counters_at(s->counters, worker);
}

static void
report(const struct server *s)
{
	char text[LOG_LINE_MAX - 64];
	const struct counter_values sum = counters_sum(s->counters);

	counters_format(&sum, text, sizeof text);
	if (text[0] != '\0')
		log_info("counters %s", text);
}

static void
drop_command(struct message *m)
{
	struct command *o = (struct command *)m;

	tls_context_release(o->tls);
	free(o);
}

static void
handle_use_tls(void *ctx, struct message *m)
{
	struct command *o = (struct command *)m;

	worker_use_tls(ctx, o->tls);
	free(o);
}

static void
handle_drain(void *ctx, struct message *m)
{
	worker_drain(ctx);
	free(m);
}

/* Sends every worker a message of its own. */
static void
command_all(struct server *s, void (*handle)(void *ctx, struct message *m),
    struct tls_context *tls)
{
	for (unsigned i = 0; i < (unsigned)s->config->workers; i++) {
		struct command *o = calloc(1, sizeof *o);

		if (o == NULL) {
			log_error("out of memory");
			if (handle ==
			    handle_drain) /* it must end all the same */
				loop_stop(s->workers[i]->loop);
			continue;
		}
		o->message =
		    (struct message){ .handle = handle, .drop = drop_command };
		if (tls != NULL)
			o->tls = tls_context_hold(tls);
		mailbox_post(s->workers[i]->mailbox, &o->message, &o->message);
	}
}

static int
load_key(struct server *s, struct fail *why)
{
	const char *path = s->config->key_path;

	if (s->config->dev) {
		log_info("Running in dev mode.");
		derp_private_key_generate(&s->private_key);
	} else {
		if (path[0] == '\0' && geteuid() != 0)
			return fail_set(why, "-c <config path> not specified");
		if (path[0] == '\0') {
			path = KEY_PATH_ROOT;
			log_info("no config path specified; using %s", path);
		}
		if (keyfile_load(path, &s->private_key, why) == -1)
			return -1;
	}
	if (derp_private_key_public(&s->private_key, &s->public_key) == -1)
		return fail_set(why, "config: the private key is unusable");
	return 0;
}

static void
verify_notice(void *ctx, const char *text)
{
	(void)ctx;
	log_warn("%s", text);
}

/* An empty value is as good as no flag, as for upstream's flags. */
static int
add_list(struct verify_config *v, const struct verify_source_kind *kind,
    const struct opts_list *list, struct fail *why)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i][0] != '\0' &&
		    verify_config_add(v, kind->name, list->v[i], why) == NULL)
			return -1;
	return 0;
}

/* The verify sources that the flags name. */
static int
add_sources(struct verify_config *v, const struct config *c, struct fail *why)
{
	struct verify_source_config *url = NULL;

	if (c->verify_clients &&
	    verify_config_add(v, "tailscaled", c->socket, why) == NULL)
		return -1;
	if (c->verify_url[0] != '\0') {
		url = verify_config_add(v, "url", c->verify_url, why);
		if (url == NULL)
			return -1;
		url->ca_file = c->verify_url_ca;
		url->outage = c->verify_url_fail_open ? VERIFY_OUTAGE_OPEN
						      : VERIFY_OUTAGE_CLOSED;
	}
	for (size_t i = 0; verify_kinds_get(i) != NULL; i++)
		if (add_list(v, verify_kinds_get(i), &c->verify_sources[i],
			why) == -1)
			return -1;
	return 0;
}

static int
open_verify(struct server *s, struct fail *why)
{
	struct verify_config config = {
		.policy = VERIFY_POLICY_ALL,
		.context.notice = verify_notice,
	};

	if (add_sources(&config, s->config, why) == -1)
		return -1;
	if (config.source_count == 0)
		return 0;
	s->verify = verify_new(&config, why);
	return s->verify != NULL ? 0 : -1;
}

/* Finds out whether the ports are free, before any worker opens its share. */
static int
choose_addresses(struct server *s, struct fail *why)
{
	const struct config *c = s->config;
	char text[NETADDR_TEXT];

	s->main_addr = s->http_addr = s->stun_addr = c->addr;
	s->http_addr.port = (uint16_t)c->http_port;
	s->stun_addr.port = (uint16_t)c->stun_port;
	s->use_http = c->use_tls && c->http_port >= 0;
	s->use_stun = c->stun;
	log_info("derper: serving on %s%s", c->addr_text,
	    c->use_tls ? " with TLS" : "");
	if (listener_probe(&s->main_addr, LISTENER_TCP, why) == -1 ||
	    (s->use_http &&
		listener_probe(&s->http_addr, LISTENER_TCP, why) == -1))
		return -1;
	if (!s->use_stun)
		return 0;
	/* DIFFERS: upstream goes on silently without STUN when the port is
	 * taken; a relay that nobody can measure is chosen by nobody */
	if (listener_probe(&s->stun_addr, LISTENER_UDP, why) == -1)
		return -1;
	netaddr_format(&s->stun_addr, text);
	log_info("STUN server listening on %s%s",
	    s->stun_addr.is_set ? "" : "[::]", text);
	return 0;
}

static int
start_workers(struct server *s, struct fail *why)
{
	const unsigned workers = (unsigned)s->config->workers;

	for (unsigned i = 0; i < workers; i++) {
		s->workers[i] = worker_new(s, i, why);
		if (s->workers[i] == NULL)
			return -1;
	}
	for (; s->started < workers; s->started++) {
		errno = pthread_create(&s->threads[s->started], NULL,
		    worker_run, s->workers[s->started]);
		if (errno != 0)
			return fail_errno(why, "cannot start a thread");
	}
	return 0;
}

static void
reload(struct server *s, bool forced)
{
	if (s->certs != NULL && certs_poll(s->certs, forced))
		command_all(s, handle_use_tls, certs_context(s->certs));
	if (forced && s->verify != NULL)
		verify_reload(s->verify);
}

/* Gives memory back to the system when a crowd has left, of itself the
 * allocator keeps all of it. */
static void
trim(struct server *s)
{
	size_t most, open = ip_limit_open(s->ip_limit, &most);

	if (most > s->most_open)
		s->most_open = most;
	if (s->most_open - open < CROWD || open > s->most_open / 2)
		return;
	s->most_open = open;
	malloc_trim(0);
}

/* Handles signals and looks at files until it is time to go. */
static void
wait_for_end(struct server *s, const sigset_t *signals)
{
	const struct timespec tick = { .tv_sec = POLL_S };

	for (;;) {
		switch (sigtimedwait(signals, NULL, &tick)) {
		case SIGINT:
		case SIGTERM:
			return;
		case SIGHUP:
			log_info("derper: received SIGHUP, reloading");
			reload(s, true);
			break;
		case SIGUSR1:
			report(s);
			break;
		default:
			reload(s, false);
			trim(s);
			break;
		}
	}
}

static void
stop(struct server *s)
{
	if (s->started == (unsigned)s->config->workers)
		command_all(s, handle_drain, NULL);
	for (unsigned i = 0; i < s->started; i++) {
		if (s->started < (unsigned)s->config->workers)
			loop_stop(s->workers[i]->loop);
		pthread_join(s->threads[i], NULL);
	}
	if (s->started > 0)
		report(s);
}

static void
server_free(struct server *s)
{
	/* answers the pending questions, by message to workers that still exist
	 */
	verify_free(s->verify);
	for (unsigned i = 0; i < (unsigned)s->config->workers; i++)
		worker_free(s->workers[i]);
	certs_close(s->certs);
	ip_limit_free(s->ip_limit);
	registry_free(s->peers);
	counters_free(s->counters);
	derp_private_key_clear(&s->private_key);
	free(s);
}

static int
build(struct server *s, struct fail *why)
{
	const struct config *c = s->config;

	s->peers = registry_new((size_t)c->max_connections);
	s->ip_limit = ip_limit_new(
	    (size_t)c->max_connections, (size_t)c->max_per_address);
	s->counters = counters_new((size_t)c->workers);
	if (s->peers == NULL || s->ip_limit == NULL || s->counters == NULL)
		return fail_set(why, "out of memory");
	if (load_key(s, why) == -1)
		return -1;
	if (c->use_tls) {
		s->certs = certs_open(c, &s->public_key, why);
		if (s->certs == NULL)
			return -1;
	}
	return open_verify(s, why) == 0 ? choose_addresses(s, why) : -1;
}

/* Signals that the main thread waits for; all threads block them. */
static void
block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
	/* upstream dies when the reader of its standard error goes away */
	signal(SIGPIPE, SIG_IGN);
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
	block_signals(&signals);
	rc = build(s, why);
	if (rc == 0)
		rc = start_workers(s, why);
	if (rc == 0)
		wait_for_end(s, &signals);
	stop(s);
	server_free(s);
	return rc;
}
