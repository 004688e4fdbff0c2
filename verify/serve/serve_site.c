/* serve_site: see serve_site.h. */
#include "serve_site.h"

#include "admit.h"
#include "buf.h"
#include "http_router.h"
#include "serve_metrics.h"
#include "serve_question.h"

#include <string.h>

#define NO_SNIFF "X-Content-Type-Options: nosniff\r\n"

/* What a handler of the router is called with. */
struct call {
	struct serve_state *state;
	struct http_service_conn *conn;
};

/* Counted, and logged within limits. */
static void
refuse(const struct call *call, uint64_t *counter, unsigned status,
    const char *headers, const char *text)
{
	struct serve_state *state = call->state;
	char body[128];
	struct writer w = writer_of(body, sizeof body);

	++*counter;
	serve_log_refused(&state->log, loop_now_ms(state->loop),
	    http_service_peer(call->conn), text);
	writer_printf(&w, "%s\n", text);
	http_server_answer(http_service_server(call->conn),
	    &(struct http_server_answer){ .status = status,
		.type = "text/plain; charset=utf-8",
		.headers = headers,
		.body = writer_slice(&w) });
}

/* Whether who asks may; it has its answer otherwise. */
static bool
may_ask(const struct call *call, const struct http1_request *req)
{
	const struct serve_tokens *tokens = call->state->tokens;

	if (tokens == NULL || serve_tokens_accept(tokens, req))
		return true;
	refuse(call, &call->state->counters.unauthorized, 401,
	    "WWW-Authenticate: Bearer realm=\"derpverify\"\r\n" NO_SNIFF,
	    "unauthorized");
	return false;
}

/* The texts are headscale's. DIFFERS: Allow, which RFC 9110 wants. */
static void
handle_verify(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	const struct call *call = ctx;
	struct serve_counters *counters = &call->state->counters;
	struct netaddr client;
	struct derp_key key;

	(void)s;
	if (!may_ask(call, req))
		return;
	if (!slice_is(req->method, "POST"))
		refuse(call, &counters->method, 405, "Allow: POST\r\n" NO_SNIFF,
		    "method not allowed");
	else if (admit_request_parse(body, &key, &client, NULL) == -1)
		refuse(call, &counters->bad_request, 400, NO_SNIFF,
		    "Bad Request: invalid JSON");
	else
		serve_question_ask(call->state, call->conn, &key, &client);
}

static void
handle_metrics(void *ctx, struct http_server *s,
    const struct http1_request *req, struct slice body)
{
	const struct call *call = ctx;
	struct buf text;

	(void)body;
	if (!may_ask(call, req))
		return;
	buf_init(&text, SERVE_METRICS_MAX);
	if (serve_metrics_put(call->state, &text) == 0)
		http_server_answer(s,
		    &(struct http_server_answer){ .status = 200,
			.type = "text/plain; version=0.0.4; charset=utf-8",
			.body = buf_slice(&text) });
	else
		http_server_error(s, 500, "out of memory");
	buf_clear(&text);
}

static void
handle_health(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	const struct call *call = ctx;
	const bool stopping = call->state->stopping;

	(void)req;
	(void)body;
	http_server_answer(s,
	    &(struct http_server_answer){ .status = stopping ? 503 : 200,
		.type = "text/plain; charset=utf-8",
		.body = slice_str(stopping ? "shutting down\n" : "ok\n") });
}

static const struct http_route routes[] = {
	{ .path = "/verify",
	    .handle = handle_verify,
	    .body_max = ADMIT_BODY_MAX },
	{ .path = SERVE_TOKEN_PATH,
	    .handle = handle_verify,
	    .body_max = ADMIT_BODY_MAX },
	{ .path = "/metrics",
	    .methods = "GET, HEAD",
	    .handle = handle_metrics },
	{ .path = "/healthz", .methods = "GET, HEAD", .handle = handle_health },
};
static const struct http_router router = { routes,
	sizeof routes / sizeof routes[0] };

static size_t
body_max(void *ctx, const struct http1_request *req)
{
	const struct http_route *route =
	    http_router_find(&router, req->path, 1);

	(void)ctx;
	return route != NULL ? route->body_max : 0;
}

static void
request(void *ctx, struct http_service_conn *c, const struct http1_request *req,
    struct slice body)
{
	struct call call = { ctx, c };
	struct http_server *s = http_service_server(c);

	if (!http_router_handle(&router, 1, &call, s, req, body))
		refuse(&call, &call.state->counters.not_found, 404, NO_SNIFF,
		    "404 page not found");
}

static void
refused(void *ctx, const struct netaddr *peer, const char *why)
{
	struct serve_state *state = ctx;

	serve_log_refused(&state->log, loop_now_ms(state->loop), peer, why);
}

struct http_service_handler
serve_site_handler(struct serve_state *state)
{
	return (
	    struct http_service_handler){ body_max, request, refused, state };
}

void
serve_site_use_tokens(struct serve_state *state, struct serve_tokens *tokens)
{
	serve_tokens_free(state->tokens);
	state->tokens = tokens;
}
