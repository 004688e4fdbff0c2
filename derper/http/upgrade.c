/* upgrade: see upgrade.h. */
#include "upgrade.h"

#include "client.h"
#include "derp_frame.h"
#include "http.h"
#include "quote.h"
#include "worker.h"

static void
answer_switching(struct client *c)
{
	uint8_t head[256];
	char key[DERP_KEY_HEX_TEXT];
	struct writer w = writer_of(head, sizeof head);

	derp_key_format_hex(server_public_key(c->worker->server), key);
	writer_printf(&w,
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: DERP\r\n"
	    "Connection: Upgrade\r\n"
	    "Derp-Version: %d\r\n"
	    "Derp-Public-Key: %s\r\n\r\n",
	    DERP_PROTOCOL_VERSION, key);
	client_begin_derp(c, writer_slice(&w));
}

void
upgrade_handle(struct client *c, const struct http1_request *req)
{
	struct slice upgrade =
	    http1_header(req->headers, req->header_count, "Upgrade");
	struct slice fast =
	    http1_header(req->headers, req->header_count, "Derp-Fast-Start");
	char shown[QUOTE_TEXT];

	if (!c->worker->config->derp) {
		http_error(c, req, 404, "derp server disabled");
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
		http_error(c, req, 426, "DERP requires connection upgrade");
		return;
	}
	if (slice_is(fast, "1"))
		client_begin_derp(c, slice_of(NULL, 0));
	else
		answer_switching(c);
}
