/* upgrade: see upgrade.h. */
#include "upgrade.h"

#include "conn.h"
#include "derp_frame.h"
#include "http_conn.h"
#include "quote.h"
#include "relay.h"
#include "session.h"
#include "worker.h"

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

/* Whether the client will speak WebSocket. Ancient clients say "WebSocket" and
 * speak raw DERP: they have nothing of the handshake (RFC 6455 section 4.1). */
static bool
is_websocket(const struct http1_request *req, struct slice upgrade)
{
	return slice_is_nocase(upgrade, "websocket") &&
	    (header(req, "Sec-WebSocket-Key").p != NULL ||
		header(req, "Sec-WebSocket-Protocol").p != NULL);
}

/* A 101 would tell a browser that the relay understands it. */
static void
refuse_websocket(struct conn *c, struct http_server *s)
{
	counters_add(&c->worker->counters->websocket_refused, 1);
	conn_log(c, "derp:",
	    "refused a WebSocket client, as browsers are: DERP over WebSocket "
	    "is not supported");
	http_server_error(s, 501, "DERP over WebSocket is not supported");
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
	if (is_websocket(req, upgrade)) {
		refuse_websocket(c, s);
		return;
	}
	if (!slice_is_nocase(upgrade, "derp") &&
	    !slice_is_nocase(upgrade, "websocket")) {
		refuse_without_upgrade(c, s, upgrade);
		return;
	}
	http->fast_start = slice_is(header(req, "Derp-Fast-Start"), "1");
	http_server_upgrade(s);
}

void
upgrade_complete(struct conn *c)
{
	const struct http_conn *http = c->session;
	struct relay *relay = http->port->relay;
	uint8_t head[256];
	char key[DERP_KEY_HEX_TEXT];
	struct writer w = writer_of(head, sizeof head);

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
	session_begin(c, relay, writer_slice(&w));
}
