/* routes: see routes.h. */
#include "routes.h"

#include "acme_page.h"
#include "conn.h"
#include "debug_pages.h"
#include "http_conn.h"
#include "http_router.h"
#include "pages.h"
#include "upgrade.h"

#define URL_MAX 8192

enum { ON_MAIN = 1, ON_PLAIN = 2 }; /* listeners */

static const struct http_route table[] = {
	{ .path = "/derp", .handle = upgrade_handle, .listeners = ON_MAIN },
	{ .path = "/derp/probe", .handle = pages_probe, .listeners = ON_MAIN },
	{ .path = "/derp/latency-check",
	    .handle = pages_probe,
	    .listeners = ON_MAIN },
	{ .path = "/generate_204", .handle = pages_generate_204 },
	{ .path = "/healthz", .handle = pages_healthz },
	{ .path = "/robots.txt", .handle = pages_robots, .listeners = ON_MAIN },
	{ .path = "/bootstrap-dns",
	    .handle = pages_bootstrap_dns,
	    .listeners = ON_MAIN },
	{ .path = "/debug", .handle = debug_pages_folder },
	{ .path = "/debug/", .handle = debug_pages },
	{ .path = "/metrics", .handle = debug_pages_metrics },
	{ .path = "/", .handle = pages_home, .listeners = ON_MAIN },
};
static const struct http_router router = { table,
	sizeof table / sizeof table[0] };

/* The plain listener sends everything else to HTTPS.
 *
 * DIFFERS: upstream appends an absolute target as it is, and makes a location
 * without a host when the request names none; neither leads anywhere. */
static void
to_https(const struct conn *c, struct http_server *s,
    const struct http1_request *req)
{
	uint8_t url[URL_MAX];
	struct writer w = writer_of(url, sizeof url);
	struct slice path = req->path;
	struct slice host = req->authority.n > 0
	    ? req->authority
	    : http1_header(req->headers, req->header_count, "Host");

	if (host.n == 0 ||
	    (!slice_is(req->method, "GET") && !slice_is(req->method, "HEAD"))) {
		http_server_error(s, 400, "Use HTTPS");
		return;
	}
	/* who runs the relay looks for these pages, as upstream has it */
	if (slice_is(req->target, "/") && debug_pages_allow(c, req))
		path = slice_str("/debug/");
	writer_printf(&w, "https://");
	writer_bytes(&w, host.p, host.n);
	writer_bytes(&w, path.p, path.n);
	if (req->query.n > 0)
		writer_u8(&w, '?');
	writer_bytes(&w, req->query.p, req->query.n);
	if (w.failed)
		http_server_error(s, 414, "URI Too Long");
	else
		http_server_redirect(s, 302, writer_slice(&w));
}

/* The target "*" is the relay as a whole, which only OPTIONS can ask for. */
static void
answer_asterisk(struct http_server *s, const struct http1_request *req)
{
	const bool options = slice_is(req->method, "OPTIONS");

	http_server_answer(s,
	    &(struct http_server_answer){
		.status = options ? 200 : 400, .close = !options });
}

void
routes_handle(struct conn *c, struct http_server *s,
    const struct http1_request *req, struct slice body)
{
	const struct http_conn *http = c->session;
	const bool plain = http->port->plain_port;

	if (slice_is(req->method, "CONNECT")) {
		upgrade_handle_connect(c, s, req);
		return;
	}
	if (slice_is(req->target, "*")) {
		answer_asterisk(s, req);
		return;
	}
	if (plain && acme_page_handle(&http->port->site->acme, s, req))
		return;
	/* on the main listener "/" takes everything */
	if (!http_router_clean(s, req) &&
	    !http_router_handle(
		&router, plain ? ON_PLAIN : ON_MAIN, c, s, req, body))
		to_https(c, s, req);
}
