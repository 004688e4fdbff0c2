/* serve: see serve.h. */
#include "serve.h"

#include "clock.h"
#include "serve_listen.h"
#include "serve_reload.h"
#include "serve_site.h"
#include "supervision.h"
#include "verify_config_file.h"
#include "verify_settings.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define POLL_US 1000000 /* how often files are looked at */

struct server {
	const struct serve_config *config;
	struct serve_listen addresses[SERVE_ADDRESSES_MAX];
	size_t address_count;
	struct serve_reload reload;
	struct loop *loop;
	struct mailbox *mailbox; /* ctx is this */
	struct http_service *service;
	struct verify_current *verify;
	struct verify_config_file verify_file; /* of it */
	struct serve_state state;
	struct message end; /* the last one */
	pthread_t thread;
	bool started; /* the thread */
	struct supervision supervision;
	uint64_t polled_us; /* when files were last looked at */
};

/* ---- messages to the loop */

struct command {
	struct message message; /* first member */
	struct tls_context *tls;
	struct serve_tokens *tokens;
};

static void
drop_command(struct message *m)
{
	struct command *c = (struct command *)m;

	tls_context_release(c->tls);
	serve_tokens_free(c->tokens);
	free(c);
}

static void
take_files(void *ctx, struct message *m)
{
	struct server *s = ctx;
	struct command *c = (struct command *)m;

	if (c->tls != NULL)
		http_service_use_tls(s->service, c->tls);
	if (c->tokens != NULL)
		serve_site_use_tokens(&s->state, c->tokens);
	free(c);
}

static void
begin_end(void *ctx, struct message *m)
{
	struct server *s = ctx;

	(void)m;
	s->state.stopping = true;
	http_service_drain(s->service, s->config->drain_ms);
}

static void
drop_end(struct message *m)
{
	(void)m;
}

/* Takes both. */
static void
post_files(
    struct server *s, struct tls_context *tls, struct serve_tokens *tokens)
{
	struct command *c = malloc(sizeof *c);

	if (c == NULL) {
		tls_context_release(tls);
		serve_tokens_free(tokens);
		log_error("out of memory: what was to change stays as it is");
		return;
	}
	*c = (struct command){
		.message = { .handle = take_files, .drop = drop_command },
		.tls = tls,
		.tokens = tokens,
	};
	mailbox_post(s->mailbox, &c->message, &c->message);
}

/* ---- start */

static void
notice(void *ctx, const char *text)
{
	(void)ctx;
	log_warn("%s", text);
}

static int
check_plain(const struct serve_config *config, const struct serve_listen *l,
    struct fail *why)
{
	char text[SERVE_LISTEN_TEXT];

	if (config->cert_file != NULL || !serve_listen_is_public(l))
		return 0;
	serve_listen_format(l, text);
	if (!config->allow_plain)
		return fail_set(why,
		    "%s is not a loopback address: serve it over TLS (--cert "
		    "and --key), or say --allow-plain",
		    text);
	log_warn("%s: plain HTTP on an address that others can reach: whoever "
		 "is in between can read tokens and admit anybody",
	    text);
	return 0;
}

static int
set_address(struct server *s, size_t i, struct fail *why)
{
	const struct serve_config *config = s->config;
	struct serve_listen *l = &s->addresses[i];

	if (config->given->count > 0)
		return serve_listen_take(l, &config->given->v[i], why);
	return serve_listen_parse(l, config->addresses[i], why);
}

static int
open_address(struct server *s, size_t i, struct fail *why)
{
	const struct serve_config *config = s->config;
	struct serve_listen *l = &s->addresses[i];
	bool tls;
	int fd;

	if (set_address(s, i, why) == -1 || check_plain(config, l, why) == -1)
		return -1;
	s->address_count = i + 1;
	fd = serve_listen_open(l, config->listen_mode, why);
	if (fd == -1)
		return -1;
	tls = config->cert_file != NULL && l->unix_path == NULL;
	return http_service_listen(s->service, fd, tls, why);
}

static int
make_service(struct server *s, struct fail *why)
{
	const struct serve_config *config = s->config;
	const size_t count = config->given->count > 0 ? config->given->count
						      : config->address_count;
	const struct http_service_config service = {
		.loop = s->loop,
		.handler = serve_site_handler(&s->state),
		.connections_max = config->connections_max,
		.connections_per_address = config->connections_per_address,
		.request_ms = config->request_ms,
		.idle_ms = config->idle_ms,
	};

	s->service = http_service_new(&service, why);
	if (s->service == NULL)
		return -1;
	s->state.http = http_service_counters(s->service);
	for (size_t i = 0; i < count; i++)
		if (open_address(s, i, why) == -1)
			return -1;
	return 0;
}

static int
load_files(struct server *s, struct fail *why)
{
	struct tls_context *tls = NULL;
	struct serve_tokens *tokens = NULL;

	if (serve_reload_open(&s->reload, s->config->cert_file,
		s->config->key_file, s->config->token_file, why) == -1 ||
	    serve_reload_load(&s->reload, &tls, &tokens, why) == -1)
		return -1;
	if (tls != NULL)
		http_service_use_tls(s->service, tls);
	serve_site_use_tokens(&s->state, tokens);
	return 0;
}

static void
set_context(const struct server *s, struct verify_config *config)
{
	config->context.notice = notice;
	if (s->config->last_good != NULL)
		config->context.last_good = s->config->last_good;
}

static int
read_verify(void *ctx, struct verify_config *config, struct fail *why)
{
	const struct server *s = ctx;

	if (verify_settings_load(config, s->config->verify_file, why) == -1)
		return -1;
	if (config->ask_ms == 0)
		config->ask_ms = s->config->ask_ms;
	set_context(s, config);
	return 0;
}

static void
tell_verify(void *ctx, bool is_bad, const char *text)
{
	(void)ctx;
	if (is_bad)
		log_error("derpverify: %s", text);
	else
		log_info("derpverify: %s", text);
}

static int
open_verify(struct server *s, struct fail *why)
{
	const struct verify_config_file_events events = { read_verify,
		tell_verify, s };
	struct verify_config verify = *s->config->verify;

	set_context(s, &verify);
	s->verify = verify_current_new(&verify, why);
	s->state.verify = s->verify;
	if (s->verify == NULL)
		return -1;
	verify_config_file_init(&s->verify_file, s->verify,
	    s->config->verify_file, &verify, &events);
	return 0;
}

static void
report(const struct server *s)
{
	char text[SERVE_LISTEN_TEXT];

	for (size_t i = 0; i < s->address_count; i++) {
		const struct serve_listen *l = &s->addresses[i];
		const bool tls =
		    s->config->cert_file != NULL && l->unix_path == NULL;

		serve_listen_format(l, text);
		log_info("derpverify: serving admission on %s (%s)", text,
		    tls ? "https" : "http");
	}
	if (s->config->token_file == NULL)
		log_info("derpverify: whoever can connect may ask about keys; "
			 "--token-file limits that");
}

static void *
run_loop(void *ctx)
{
	struct server *s = ctx;

	loop_run(s->loop);
	return NULL;
}

static int
start(struct server *s, struct fail *why)
{
	serve_log_init(&s->state.log, s->config->quiet);
	s->state.answer_ms = s->config->answer_ms;
	if (supervision_open(&s->supervision, getenv, why) == -1)
		return -1;
	s->loop = loop_new(why);
	if (s->loop == NULL)
		return -1;
	s->state.loop = s->loop;
	s->mailbox = mailbox_new(s->loop, s, why);
	if (s->mailbox == NULL)
		return -1;
	s->state.mailbox = s->mailbox;
	supervision_watch(&s->supervision, s->mailbox);
	if (make_service(s, why) == -1 || load_files(s, why) == -1 ||
	    open_verify(s, why) == -1)
		return -1;
	errno = pthread_create(&s->thread, NULL, run_loop, s);
	if (errno != 0)
		return fail_errno(why, "cannot start a thread");
	s->started = true;
	report(s);
	supervision_started(&s->supervision, clock_now_us());
	return 0;
}

/* ---- life and end */

static void
reload(struct server *s, bool forced)
{
	struct tls_context *tls = NULL;
	struct serve_tokens *tokens = NULL;

	serve_reload_poll(&s->reload, forced, &tls, &tokens);
	if (tls != NULL || tokens != NULL)
		post_files(s, tls, tokens);
	verify_config_file_poll(&s->verify_file, forced);
}

/* Between signals: often for the service manager, less often for files. */
static void
tick(struct server *s)
{
	const uint64_t now_us = clock_now_us();
	struct fail why = { 0 };

	if (supervision_is_used(&s->supervision) &&
	    supervision_poll(&s->supervision, now_us,
		verify_current_is_ready(s->verify), &why) == -1)
		log_error("derpverify: %s", why.text);
	if (now_us - s->polled_us < POLL_US)
		return;
	s->polled_us = now_us;
	reload(s, false);
}

static void
wait_for_end(struct server *s, const sigset_t *signals)
{
	for (;;) {
		const struct timespec longest =
		    supervision_tick(&s->supervision, POLL_US);

		switch (sigtimedwait(signals, NULL, &longest)) {
		case SIGINT:
		case SIGTERM:
			return;
		case SIGHUP:
			log_info("derpverify: received SIGHUP, reloading");
			supervision_reloading(&s->supervision, clock_now_us());
			reload(s, true);
			supervision_reloaded(&s->supervision);
			break;
		default:
			tick(s);
			break;
		}
	}
}

static void
stop(struct server *s)
{
	if (!s->started)
		return;
	log_info("derpverify: shutting down");
	supervision_stopping(&s->supervision, s->config->drain_ms);
	s->end = (struct message){ .handle = begin_end, .drop = drop_end };
	mailbox_post(s->mailbox, &s->end, &s->end);
	pthread_join(s->thread, NULL);
}

/* The engine first: it answers what is pending, by message to a mailbox that
 * is still there. */
static void
server_clear(struct server *s)
{
	http_service_free(s->service);
	verify_current_free(s->verify);
	mailbox_free(s->mailbox);
	loop_free(s->loop);
	serve_site_use_tokens(&s->state, NULL);
	supervision_close(&s->supervision);
	for (size_t i = 0; i < s->address_count; i++)
		serve_listen_remove(&s->addresses[i]);
}

/* All threads block what the main thread waits for. */
static void
block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int
serve_run(const struct serve_config *config, struct fail *why)
{
	struct server s = { .config = config };
	sigset_t signals;
	int rc;

	block_signals(&signals);
	rc = start(&s, why);
	if (rc == 0)
		wait_for_end(&s, &signals);
	stop(&s);
	server_clear(&s);
	return rc;
}
