/* upgrade: see upgrade.h. */
#include "upgrade.h"

#include "conn.h"
#include "derp_frame.h"
#include "http_conn.h"
#include "quote.h"
#include "relay.h"
#include "session.h"
#include "worker.h"

/* Warns of an Upgrade that is for something else. */
static void
log_other_upgrade(const struct conn *c, struct slice upgrade)
{
	char shown[QUOTE_TEXT];

	if (upgrade.n > 0 &&
	    log_allowed(&c->worker->log_login, loop_now_ms(c->worker->loop)))
		log_warn("Weird upgrade: %s", quote_text(shown, upgrade));
}

void
upgrade_handle(void *ctx, struct http_server *s,
    const struct http1_request *req, struct slice body)
{
	struct conn *c = ctx;
	struct http_conn *http = c->session;
	struct slice upgrade =
	    http1_header(req->headers, req->header_count, "Upgrade");
	struct slice fast =
	    http1_header(req->headers, req->header_count, "Derp-Fast-Start");

	(void)body;
	if (!http->port->site->derp) {
		http_server_error(s, 404, "derp server disabled");
		return;
	}
	/* ancient clients say "WebSocket" and speak raw DERP */
	if (!slice_is_nocase(upgrade, "derp") &&
	    !slice_is_nocase(upgrade, "websocket")) {
		log_other_upgrade(c, upgrade);
		http_server_error(s, 426, "DERP requires connection upgrade");
		return;
	}
	http->fast_start = slice_is(fast, "1");
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
