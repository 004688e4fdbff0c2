/* pages: see pages.h. */
#include "pages.h"

#include "conn.h"
#include "http_conn.h"
#include "worker.h"

#include <stdio.h>
#include <string.h>

#define CHALLENGE_MAX 64 /* bytes of X-Tailscale-Challenge that are echoed */

static const char text_html[] = "text/html; charset=utf-8";
static const char text_plain[] = "text/plain; charset=utf-8";

/* What upstream sends with everything that a browser may show. */
static const char browser_headers[] =
    "Strict-Transport-Security: max-age=63072000; includeSubDomains\r\n"
    "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'; "
    "form-action 'self'; base-uri 'self'; block-all-mixed-content; "
    "object-src 'none'\r\n"
    "X-Frame-Options: DENY\r\n"
    "X-Content-Type-Options: nosniff\r\n";

void
pages_probe(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	(void)ctx;
	(void)body;
	/* not by the route's methods: the text is upstream's */
	if (!slice_is(req->method, "GET") && !slice_is(req->method, "HEAD")) {
		http_server_error(s, 405, "bogus probe method");
		return;
	}
	http_server_answer(s,
	    &(struct http_server_answer){ .status = 200,
		.headers = "Access-Control-Allow-Origin: *\r\n" });
}

/* Whether the challenge may be echoed: short and made of harmless bytes. */
static bool
good_challenge(struct slice challenge)
{
	if (challenge.n == 0 || challenge.n > CHALLENGE_MAX)
		return false;
	for (size_t i = 0; i < challenge.n; i++) {
		uint8_t ch = challenge.p[i];

		if (!(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z') &&
		    !(ch >= '0' && ch <= '9') && memchr(".-_:", ch, 4) == NULL)
			return false;
	}
	return true;
}

/* A portal would not know what to echo. */
void
pages_generate_204(void *ctx, struct http_server *s,
    const struct http1_request *req, struct slice body)
{
	char headers[512];
	struct slice challenge = http1_header(
	    req->headers, req->header_count, "X-Tailscale-Challenge");
	int n = snprintf(headers, sizeof headers,
	    "Cache-Control: no-cache, no-store, must-revalidate, "
	    "no-transform, max-age=0\r\n");

	(void)ctx;
	(void)body;
	if (good_challenge(challenge))
		snprintf(headers + n, sizeof headers - (size_t)n,
		    "X-Tailscale-Response: response %.*s\r\n", (int)challenge.n,
		    (const char *)challenge.p);
	http_server_answer(s,
	    &(struct http_server_answer){ .status = 204, .headers = headers });
}

void
pages_healthz(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	const struct conn *c = ctx;
	const bool draining = c->worker->draining;

	(void)req;
	(void)body;
	http_server_answer(s,
	    &(struct http_server_answer){ .status = draining ? 503 : 200,
		.type = text_plain,
		.headers = "Cache-Control: no-store\r\n",
		.body = slice_str(draining ? "shutting down" : "ok") });
}

void
pages_robots(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	(void)ctx;
	(void)req;
	(void)body;
	http_server_answer(s,
	    &(struct http_server_answer){ .status = 200,
		.type = text_plain,
		.headers = browser_headers,
		.body = slice_str("User-agent: *\nDisallow: /\n") });
}

/* Upstream answers with an empty body when it has no names to publish. */
void
pages_bootstrap_dns(void *ctx, struct http_server *s,
    const struct http1_request *req, struct slice body)
{
	const struct conn *c = ctx;

	(void)req;
	(void)body;
	counters_add(&c->worker->counters->bootstrap_dns_requests, 1);
	http_server_answer(s,
	    &(struct http_server_answer){ .status = 200,
		.type = "application/json",
		.headers = browser_headers,
		.close = true });
}

void
pages_home(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice in)
{
	static const char page[] =
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><title>DERP</title>"
	    "</head><body>\n<h1>DERP</h1>\n"
	    "<p>This is a DERP relay for Tailscale and headscale nodes, run "
	    "by <a href=\"https://tailscale.com/kb/1232/derp-servers\">whoever "
	    "runs this host</a>. It forwards packets between nodes that cannot "
	    "reach each other directly; the packets are encrypted end to end "
	    "and it cannot read them.</p>\n%s</body></html>\n";
	const struct conn *c = ctx;
	const struct http_conn *http = c->session;
	const struct http_site *site = http->port->site;
	char body[1024];
	struct writer w = writer_of(body, sizeof body);

	(void)req;
	(void)in;
	if (site->home_url != NULL) {
		http_server_redirect(s, 302, slice_str(site->home_url));
		return;
	}
	if (!site->home_blank)
		writer_printf(&w, page,
		    site->derp ? "" : "<p>Status: <b>disabled</b></p>\n");
	http_server_answer(s,
	    &(struct http_server_answer){ .status = 200,
		.type = text_html,
		.headers = browser_headers,
		.body = writer_slice(&w) });
}
