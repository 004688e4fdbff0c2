/* control: see control.h. */
#include "control.h"

#include "client.h"
#include "http_query.h"
#include "http_router.h"
#include "log.h"
#include "num.h"
#include "registry.h"
#include "relay.h"
#include "status_ask.h"
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define REQUEST_MS 10000
#define IDLE_MS 60000

struct control {
	struct control_config config;
	struct http_service *http; /* owned */
	bool draining;
};

/* What a handler is called with. */
struct call {
	struct control *control;
	struct http_service_conn *conn;
};

/* A question about the status, asked on a connection. */
struct question {
	struct status_ask ask;          /* first member */
	struct http_service_conn *conn; /* NULL: it has ended */
};

/* The worker that the message is for closes a key. */
struct closing {
	struct message message; /* first member */
	const struct relay_shared *relay;
	struct derp_key key;
};

static void
answer_json(struct http_server *s, unsigned status, const char *text)
{
	http_server_answer(s,
	    &(struct http_server_answer){ .status = status,
		.type = "application/json; charset=utf-8",
		.body = slice_str(text) });
}

/* ---- status */

static void
conn_gone(void *arg)
{
	struct question *q = arg;

	q->conn = NULL;
}

static void
question_done(struct status_ask *ask)
{
	struct question *q = (struct question *)ask;

	if (q->conn != NULL)
		http_service_answer(q->conn,
		    &(struct http_server_answer){ .status = ask->code,
			.type = ask->type,
			.body = status_ask_body(ask) });
	status_ask_free(ask);
}

static void
handle_status(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	const struct call *call = ctx;
	const struct control_config *config = &call->control->config;
	struct status_query query;
	struct question *q;
	const char *bad;

	(void)body;
	if (!status_query_parse(&query, STATUS_QUERY_JSON, req->query, &bad)) {
		http_server_error(s, 400, bad);
		return;
	}
	q = calloc(1, sizeof *q);
	if (q == NULL) {
		http_server_error(s, 503, "out of memory");
		return;
	}
	q->conn = call->conn;
	q->ask.query = query;
	q->ask.done = question_done;
	http_server_later(
	    s, &(struct http_server_promise){ .gone = conn_gone, .arg = q });
	config->ask(config->ctx, &q->ask);
}

/* ---- close */

static void
close_on_worker(void *ctx, struct message *m)
{
	const struct worker *worker = ctx;
	struct closing *closing = (struct closing *)m;

	client_close_key(closing->relay->relays[worker->index], &closing->key,
	    CLIENT_CLOSER_OPERATOR);
	free(closing);
}

static void
drop_closing(struct message *m)
{
	free(m);
}

/* Any worker can do it. */
static int
close_key(const struct relay_shared *relay, const struct derp_key *key)
{
	struct closing *closing = calloc(1, sizeof *closing);

	if (closing == NULL)
		return -1;
	closing->message =
	    (struct message){ .handle = close_on_worker, .drop = drop_closing };
	closing->relay = relay;
	closing->key = *key;
	mailbox_post(relay->crossing->mailboxes[0], &closing->message,
	    &closing->message);
	return 0;
}

static bool
read_key(const struct http1_request *req, struct derp_key *key)
{
	uint8_t text[DERP_KEY_TEXT];
	struct writer w = writer_of(text, sizeof text);

	return http_query_value(req->query, "key", &w) && !w.failed &&
	    (derp_key_parse(key, writer_slice(&w)) == 0 ||
		derp_key_parse_hex(key, writer_slice(&w)) == 0);
}

static void
handle_close(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	const struct call *call = ctx;
	const struct relay_shared *relay = call->control->config.relay;
	char shown[DERP_KEY_SHORT_TEXT], text[64];
	struct derp_key key;
	size_t count;

	(void)body;
	if (!read_key(req, &key)) {
		http_server_error(s, 400, "key: not a node key");
		return;
	}
	count = registry_count(relay->registry, &key);
	if (count == 0) {
		http_server_error(s, 404, "no client has that key");
		return;
	}
	if (close_key(relay, &key) == -1) {
		http_server_error(s, 503, "out of memory");
		return;
	}
	derp_key_format_short(&key, shown);
	log_info("derper: control socket: close %s", shown);
	snprintf(text, sizeof text, "{\"connections\": %zu}\n", count);
	answer_json(s, 200, text);
}

/* ---- the relay as a whole */

static void
handle_reload(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	const struct call *call = ctx;
	const struct control_events *events = call->control->config.events;

	(void)req;
	(void)body;
	log_info("derper: control socket: reload");
	events->reload(events->ctx);
	answer_json(s, 202, "{}\n");
}

static void
handle_drain(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	const struct call *call = ctx;
	const struct control_events *events = call->control->config.events;
	uint8_t text[32];
	struct writer w = writer_of(text, sizeof text);
	uint64_t within_ms;

	(void)body;
	if (!http_query_value(req->query, "within", &w) || w.failed ||
	    num_parse_decimal(
		writer_slice(&w), CONTROL_DRAIN_MS_MAX, &within_ms) == -1) {
		http_server_error(s, 400, "within: not a time in milliseconds");
		return;
	}
	call->control->draining = true;
	events->drain(events->ctx, within_ms);
	answer_json(s, 202, "{}\n");
}

static const struct http_route routes[] = {
	{ .path = "/status.json", .methods = "GET", .handle = handle_status },
	{ .path = "/close", .methods = "POST", .handle = handle_close },
	{ .path = "/reload", .methods = "POST", .handle = handle_reload },
	{ .path = "/drain", .methods = "POST", .handle = handle_drain },
};
static const struct http_router router = { routes,
	sizeof routes / sizeof routes[0] };

static void
request(void *ctx, struct http_service_conn *conn,
    const struct http1_request *req, struct slice body)
{
	struct call call = { ctx, conn };
	struct http_server *s = http_service_server(conn);

	if (!http_router_handle(&router, 1, &call, s, req, body))
		http_server_error(s, 404, "404 page not found");
}

static size_t
body_max(void *ctx, const struct http1_request *req)
{
	(void)ctx;
	(void)req;
	return 0;
}

static void
refused(void *ctx, const struct netaddr *peer, const char *why)
{
	(void)ctx;
	(void)peer;
	log_debug("derper: control socket: %s", why);
}

struct control *
control_new(const struct control_config *config, struct fail *why)
{
	struct control *c = calloc(1, sizeof *c);
	const struct http_service_config http = {
		.loop = config->loop,
		.handler = { .body_max = body_max,
		    .request = request,
		    .refused = refused,
		    .ctx = c },
		.connections_max = CONTROL_CONNECTIONS_MAX,
		.connections_per_address = CONTROL_CONNECTIONS_MAX,
		.request_ms = REQUEST_MS,
		.idle_ms = IDLE_MS,
	};

	if (c == NULL) {
		close(config->fd);
		fail_set(why, "out of memory");
		return NULL;
	}
	c->config = *config;
	c->http = http_service_new(&http, why);
	if (c->http == NULL) {
		close(config->fd);
		control_free(c);
		return NULL;
	}
	if (http_service_listen(c->http, config->fd, false, why) == -1) {
		control_free(c);
		return NULL;
	}
	return c;
}

void
control_free(struct control *c)
{
	if (c == NULL)
		return;
	http_service_free(c->http);
	free(c);
}

bool
control_is_draining(const struct control *c)
{
	return c != NULL && c->draining;
}
