/* upgrade: see upgrade.h. */
#include "upgrade.h"

#include "conn.h"
#include "conn_websocket.h"
#include "derp_frame.h"
#include "http_conn.h"
#include "quote.h"
#include "relay.h"
#include "session.h"
#include "tunnel.h"
#include "websocket_request.h"
#include "worker.h"
#include "ws_frame.h"

static struct slice
header(const struct http1_request *req, const char *name)
{
	return http1_header(req->headers, req->header_count, name);
}

/* Answers a request that wants no upgrade, or another one. */
static void
refuse_without_upgrade(
    struct conn *c, struct http_server *s, struct slice upgrade)
{
	char shown[QUOTE_TEXT];

	counters_add(&c->worker->counters->derp_without_upgrade, 1);
	if (upgrade.n == 0)
		conn_log(c, "derp:",
		    "a request for /derp without Upgrade; a proxy before the "
		    "relay may have removed it");
	else if (log_allowed(
		     &c->worker->log_login, loop_now_ms(c->worker->loop)))
		log_warn("Weird upgrade: %s", quote_text(shown, upgrade));
	http_server_error(s, 426, "DERP requires connection upgrade");
}

/* A handshake of WebSocket, which ends in 101 or in why not. */
static void
judge_websocket(
    struct conn *c, struct http_server *s, const struct http1_request *req)
{
	struct http_conn *http = c->session;
	struct websocket_refusal refusal = { 0 };
	uint8_t body[sizeof refusal.text + 1];
	struct writer w = writer_of(body, sizeof body);

	if (websocket_request_judge(req, &http->handshake, &refusal) == 0) {
		http->websocket = true;
		http_server_upgrade(s);
		return;
	}
	counters_add(&c->worker->counters->websocket_refused, 1);
	conn_log(c, "websocket.Accept:", refusal.text);
	writer_printf(&w, "%s\n", refusal.text);
	http_server_answer(s,
	    &(struct http_server_answer){ .status = refusal.status,
		.type = "text/plain; charset=utf-8",
		.headers = refusal.headers,
		.body = writer_slice(&w) });
}

void
upgrade_handle(void *ctx, struct http_server *s,
    const struct http1_request *req, struct slice body)
{
	struct conn *c = ctx;
	struct http_conn *http = c->session;
	const struct slice upgrade = header(req, "Upgrade");

	(void)body;
	if (!http->port->site->derp) {
		http_server_error(s, 404, "derp server disabled");
		return;
	}
	if (websocket_request_is(req)) {
		judge_websocket(c, s, req);
		return;
	}
	if (!slice_is_nocase(upgrade, "derp") &&
	    !slice_is_nocase(upgrade, "websocket")) {
		refuse_without_upgrade(c, s, upgrade);
		return;
	}
	http->fast_start = slice_is(header(req, "Derp-Fast-Start"), "1");
	http->not_ideal = header(req, "Ideal-Node").n > 0;
	http_server_upgrade(s);
}

/* Only where eavesdroppers do not see who is asked for, as upstream. */
void
upgrade_handle_connect(
    struct conn *c, struct http_server *s, const struct http1_request *req)
{
	struct http_conn *http = c->session;

	if (!http->port->site->ace || c->stream.tls == NULL) {
		http_server_error(s, 403, "CONNECT not enabled");
	} else if (connect_target_parse(&http->target, req->target) == -1) {
		http_server_error(s, 403, "Invalid CONNECT target");
	} else {
		http->tunnel = true;
		http_server_upgrade(s);
	}
}

/* The same, in messages. Another spelling of the protocol is answered, and then
 * is not the one that is spoken here. */
static void
complete_websocket(struct conn *c, struct http_conn *http)
{
	struct relay *relay = http->port->relay;
	const bool derp = slice_is(slice_str(http->handshake.protocol), "derp");
	uint8_t head[256];
	struct writer w = writer_of(head, sizeof head);

	websocket_request_accept(&w, &http->handshake);
	conn_write(c, writer_slice(&w));
	if (c->ended)
		return;
	if (conn_websocket_begin(c) == -1) {
		conn_end(c, "out of memory");
		return;
	}
	if (!derp) {
		counters_add(&c->worker->counters->websocket_refused, 1);
		conn_websocket_close(c, WS_CLOSE_POLICY,
		    "client must speak the derp subprotocol");
		return;
	}
	counters_add(&c->worker->counters->websocket_accepts, 1);
	session_begin(c, relay, slice_of(NULL, 0), false);
}

void
upgrade_complete(struct conn *c)
{
	struct http_conn *http = c->session;
	struct relay *relay = http->port->relay;
	uint8_t head[256];
	char key[DERP_KEY_HEX_TEXT];
	struct writer w = writer_of(head, sizeof head);
	struct connect_target target;

	if (http->tunnel) {
		target = http->target; /* which goes with the HTTP state */
		tunnel_begin(c, &target, &http->port->tunnels);
		return;
	}
	if (http->websocket) {
		complete_websocket(c, http);
		return;
	}
	if (!http->fast_start) {
		derp_key_format_hex(relay->shared->public_key, key);
		writer_printf(&w,
		    "HTTP/1.1 101 Switching Protocols\r\n"
		    "Upgrade: DERP\r\n"
		    "Connection: Upgrade\r\n"
		    "Derp-Version: %d\r\n"
		    "Derp-Public-Key: %s\r\n\r\n",
		    DERP_PROTOCOL_VERSION, key);
	}
	session_begin(c, relay, writer_slice(&w), http->not_ideal);
}
