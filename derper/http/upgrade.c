/* upgrade: see upgrade.h. */
#include "upgrade.h"

#include "answer.h"
#include "conn.h"
#include "derp_frame.h"
#include "http_conn.h"
#include "relay.h"
#include "session.h"
#include "worker.h"

#include "quote.h"

static void
answer_switching(struct conn *c)
{
	const struct http_conn *http = c->session;
	uint8_t head[256];
	char key[DERP_KEY_HEX_TEXT];
	struct writer w = writer_of(head, sizeof head);

	derp_key_format_hex(http->relay->shared->public_key, key);
	writer_printf(&w,
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: DERP\r\n"
	    "Connection: Upgrade\r\n"
	    "Derp-Version: %d\r\n"
	    "Derp-Public-Key: %s\r\n\r\n",
	    DERP_PROTOCOL_VERSION, key);
	session_begin(c, http->relay, writer_slice(&w));
}

void
upgrade_handle(struct conn *c, const struct http1_request *req)
{
	const struct http_conn *http = c->session;
	struct slice upgrade =
	    http1_header(req->headers, req->header_count, "Upgrade");
	struct slice fast =
	    http1_header(req->headers, req->header_count, "Derp-Fast-Start");
	char shown[QUOTE_TEXT];

	if (!http->site->derp) {
		answer_error(c, req, 404, "derp server disabled");
		return;
	}
	/* ancient clients say "WebSocket" and speak raw DERP */
	if (!slice_is_nocase(upgrade, "derp") &&
	    !slice_is_nocase(upgrade, "websocket")) {
		if (upgrade.n > 0 &&
		    log_allowed(
			&c->worker->log_login, loop_now_ms(c->worker->loop)))
			log_warn(
			    "Weird upgrade: %s", quote_text(shown, upgrade));
		answer_error(c, req, 426, "DERP requires connection upgrade");
		return;
	}
	if (slice_is(fast, "1"))
		session_begin(c, http->relay, slice_of(NULL, 0));
	else
		answer_switching(c);
}
