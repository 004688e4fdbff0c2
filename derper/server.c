/* server: see server.h. */
#include "server.h"

#include "certs.h"
#include "core.h"
#include "keyfile.h"
#include "log.h"

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
	struct peers *peers;
	struct sources *sources;
	struct verify *verify; /* NULL: everybody is admitted */
	struct certs *certs;   /* NULL: plain HTTP */
	struct netaddr main_addr, http_addr, stun_addr;
	bool use_http, use_stun;
	struct core *cores[CONFIG_CORES_MAX];
	pthread_t threads[CONFIG_CORES_MAX];
	unsigned started; /* threads */
	atomic_size_t under_way[CONFIG_CORES_MAX];
	pthread_mutex_t report_lock;
	struct counters report; /* locked by report_lock: the cores' sum */
	unsigned reported;      /* locked by report_lock */
	size_t most_open;       /* connections, since memory was given back */
};

/* A letter from the main thread to a core. */
struct order {
	struct mail mail;        /* first member */
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

struct peers *
server_peers(struct server *s)
{
	return s->peers;
}

struct sources *
server_sources(struct server *s)
{
	return s->sources;
}

struct verify *
server_verify(struct server *s)
{
	return s->verify;
}

struct mailbox *
server_mailbox(struct server *s, unsigned core)
{
	return s->cores[core]->mailbox;
}

atomic_size_t *
server_under_way(struct server *s, unsigned core)
{
	return &s->under_way[core];
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

void
server_report(struct server *s, const struct core *core)
{
	char text[LOG_LINE_MAX - 64];
	struct counters own = core->counters;

	own.starved = core->main_listener.starved + core->http_listener.starved;
	pthread_mutex_lock(&s->report_lock);
	counters_add(&s->report, &own);
	s->reported++;
	text[0] = '\0';
	if (s->reported == (unsigned)s->config->cores) {
		counters_format(&s->report, text, sizeof text);
		s->report = (struct counters){ 0 };
		s->reported = 0;
	}
	pthread_mutex_unlock(&s->report_lock);
	if (text[0] != '\0')
		log_info("counters %s", text);
}

static void
free_order(struct mail *m)
{
	struct order *o = (struct order *)m;

	tls_context_release(o->tls);
	free(o);
}

static void
open_use_tls(void *ctx, struct mail *m)
{
	struct order *o = (struct order *)m;

	core_use_tls(ctx, o->tls);
	free(o);
}

static void
open_drain(void *ctx, struct mail *m)
{
	core_drain(ctx);
	free(m);
}

static void
open_report(void *ctx, struct mail *m)
{
	struct core *core = ctx;

	server_report(core->server, core);
	free(m);
}

/* Sends every core a letter of its own. */
static void
order_all(struct server *s, void (*open)(void *ctx, struct mail *m),
    struct tls_context *tls)
{
	for (unsigned i = 0; i < (unsigned)s->config->cores; i++) {
		struct order *o = calloc(1, sizeof *o);

		if (o == NULL) {
			log_error("out of memory");
			if (open == open_drain) /* it must end all the same */
				loop_stop(s->cores[i]->loop);
			continue;
		}
		o->mail = (struct mail){ .open = open, .discard = free_order };
		if (tls != NULL)
			o->tls = tls_context_hold(tls);
		mailbox_post(s->cores[i]->mailbox, &o->mail, &o->mail);
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

static int
open_verify(struct server *s, struct fail *why)
{
	const struct config *c = s->config;
	struct verify_config config = {
		.use_tailscaled = c->verify_clients,
		.socket = c->socket,
		.url = c->verify_url,
		.url_ca_file =
		    c->verify_url_ca[0] != '\0' ? c->verify_url_ca : NULL,
		.url_fail_open = c->verify_url_fail_open,
		.nodes_file = c->verify_nodes,
		.notice = verify_notice,
	};

	if (!c->verify_clients && c->verify_url[0] == '\0' &&
	    c->verify_nodes[0] == '\0')
		return 0;
	s->verify = verify_new(&config, why);
	return s->verify != NULL ? 0 : -1;
}

/* Finds out whether the ports are free, before any core opens its share. */
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
start_cores(struct server *s, struct fail *why)
{
	const unsigned cores = (unsigned)s->config->cores;

	for (unsigned i = 0; i < cores; i++) {
		s->cores[i] = core_new(s, i, why);
		if (s->cores[i] == NULL)
			return -1;
	}
	for (; s->started < cores; s->started++) {
		errno = pthread_create(&s->threads[s->started], NULL, core_run,
		    s->cores[s->started]);
		if (errno != 0)
			return fail_errno(why, "cannot start a thread");
	}
	return 0;
}

static void
reload(struct server *s, bool forced)
{
	if (s->certs != NULL && certs_poll(s->certs, forced))
		order_all(s, open_use_tls, certs_context(s->certs));
	if (forced && s->verify != NULL)
		verify_reload(s->verify);
}

/* Gives memory back to the system when a crowd has left, of itself the
 * allocator keeps all of it. */
static void
trim(struct server *s)
{
	size_t most, open = sources_open(s->sources, &most);

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
			order_all(s, open_report, NULL);
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
	if (s->started == (unsigned)s->config->cores)
		order_all(s, open_drain, NULL);
	for (unsigned i = 0; i < s->started; i++) {
		if (s->started < (unsigned)s->config->cores)
			loop_stop(s->cores[i]->loop);
		pthread_join(s->threads[i], NULL);
	}
}

static void
server_free(struct server *s)
{
	/* answers the pending questions, by letter to cores that still exist */
	verify_free(s->verify);
	for (unsigned i = 0; i < (unsigned)s->config->cores; i++)
		core_free(s->cores[i]);
	certs_close(s->certs);
	sources_free(s->sources);
	peers_free(s->peers);
	pthread_mutex_destroy(&s->report_lock);
	derp_private_key_clear(&s->private_key);
	free(s);
}

static int
build(struct server *s, struct fail *why)
{
	const struct config *c = s->config;

	s->peers = peers_new((size_t)c->max_connections);
	s->sources =
	    sources_new((size_t)c->max_connections, (size_t)c->max_per_address);
	if (s->peers == NULL || s->sources == NULL)
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
	pthread_mutex_init(&s->report_lock, NULL);
	block_signals(&signals);
	rc = build(s, why);
	if (rc == 0)
		rc = start_cores(s, why);
	if (rc == 0)
		wait_for_end(s, &signals);
	stop(s);
	server_free(s);
	return rc;
}
