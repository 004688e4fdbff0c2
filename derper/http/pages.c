/* pages: see pages.h. */
#include "pages.h"

#include "bootstrap_dns.h"
#include "conn.h"
#include "debug_access.h"
#include "http_conn.h"
#include "http_query.h"
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
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

/* The value of "q"; empty where it has none, or one that no name can be. */
static struct slice
asked_name(const struct http1_request *req, uint8_t *p, size_t cap)
{
	struct writer w = writer_of(p, cap);

	if (!http_query_value(req->query, "q", &w) || w.failed)
		return slice_of(NULL, 0);
	return writer_slice(&w);
}

/* Who asks for names asks many relays: to keep the connection would be a waste.
 * The body is empty where no name is known. */
void
pages_bootstrap_dns(void *ctx, struct http_server *s,
    const struct http1_request *req, struct slice body)
{
	const struct conn *c = ctx;
	const struct http_conn *http = c->session;
	struct bootstrap_dns *names = http->port->site->bootstrap_dns;
	uint8_t name[BOOTSTRAP_DNS_NAME_MAX], *text = NULL;
	struct writer w = writer_of(NULL, 0);

	(void)body;
	counters_add(&c->worker->counters->bootstrap_dns_requests, 1);
	if (names != NULL && (text = malloc(BOOTSTRAP_DNS_TEXT_MAX)) == NULL) {
		http_server_error(s, 503, "out of memory");
		return;
	}
	if (names != NULL) {
		w = writer_of(text, BOOTSTRAP_DNS_TEXT_MAX);
		bootstrap_dns_answer(names, asked_name(req, name, sizeof name),
		    &c->remote, c->worker->counters, &w);
	}
	http_server_answer(s,
	    &(struct http_server_answer){ .status = 200,
		.type = "application/json",
		.headers = browser_headers,
		.body = writer_slice(&w),
		.close = true });
	free(text);
}

/* Who may see the debug pages is led there. */
static bool
may_debug(const struct conn *c, const struct http_site *site,
    const struct http1_request *req)
{
	return site->debug.access != NULL &&
	    debug_access_allows(
		site->debug.access, req, conn_trusted_remote(c));
}

void
pages_home(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice in)
{
	static const char page[] =
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><title>DERP</title>"
	    "</head><body>\n<h1>DERP</h1>\n"
	    "<p>This is a DERP relay for Tailscale and headscale nodes, run "
	    "by whoever runs this host. It forwards packets between nodes that "
	    "cannot "
	    "reach each other directly; the packets are encrypted end to end "
	    "and it cannot read them.</p>\n%s"
	    "<p>Documentation: <a href=\"https://tailscale.com/kb/1232/"
	    "derp-servers\">about DERP</a>, "
	    "<a href=\"https://tailscale.com/kb/1118/custom-derp-servers\">"
	    "relays of one's own</a>, "
	    "<a href=\"https://headscale.net/stable/ref/derp/\">with "
	    "headscale</a>.</p>\n%s</body></html>\n";
	const struct conn *c = ctx;
	const struct http_conn *http = c->session;
	const struct http_site *site = http->port->site;
	char body[2048];
	struct writer w = writer_of(body, sizeof body);

	(void)in;
	if (site->home_url != NULL) {
		http_server_redirect(s, 302, slice_str(site->home_url));
		return;
	}
	if (!site->home_blank)
		writer_printf(&w, page,
		    site->derp ? ""
			       : "<p>Status: <b>disabled</b>: this host "
				 "forwards no packets; it only answers STUN "
				 "and latency probes.</p>\n",
		    may_debug(c, site, req)
			? "<p><a href=\"/debug/\">Debug pages</a></p>\n"
			: "");
	http_server_answer(s,
	    &(struct http_server_answer){ .status = 200,
		.type = text_html,
		.headers = browser_headers,
		.body = writer_slice(&w) });
}
