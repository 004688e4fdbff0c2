/* routes: see routes.h. */
#include "routes.h"

#include "answer.h"
#include "conn.h"
#include "http_conn.h"
#include "upgrade.h"

#include <stdio.h>
#include <string.h>

#define CHALLENGE_MAX 64 /* bytes of X-Tailscale-Challenge that are echoed */

static const char text_html[] = "text/html; charset=utf-8";
static const char text_plain[] = "text/plain; charset=utf-8";

static void
probe(struct conn *c, const struct http1_request *req)
{
	if (!slice_is(req->method, "GET") && !slice_is(req->method, "HEAD")) {
		answer_error(c, req, 405, "bogus probe method");
		return;
	}
	/* browsers measure latency from other origins */
	answer_send(c, req,
	    &(struct answer){ .status = 200,
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

/* Captive-portal detection: a portal would not know what to echo. */
static void
generate_204(struct conn *c, const struct http1_request *req)
{
	char headers[512];
	struct slice challenge = http1_header(
	    req->headers, req->header_count, "X-Tailscale-Challenge");
	int n = snprintf(headers, sizeof headers,
	    "Cache-Control: no-cache, no-store, must-revalidate, "
	    "no-transform, max-age=0\r\n");

	if (good_challenge(challenge))
		snprintf(headers + n, sizeof headers - (size_t)n,
		    "X-Tailscale-Response: response %.*s\r\n", (int)challenge.n,
		    (const char *)challenge.p);
	answer_send(
	    c, req, &(struct answer){ .status = 204, .headers = headers });
}

static void
robots(struct conn *c, const struct http1_request *req)
{
	answer_send(c, req,
	    &(struct answer){ .status = 200,
		.type = text_plain,
		.body = slice_str("User-agent: *\nDisallow: /\n"),
		.browser_headers = true });
}

/* Upstream answers with an empty body when it has no names to publish. */
static void
bootstrap_dns(struct conn *c, const struct http1_request *req)
{
	answer_send(c, req,
	    &(struct answer){ .status = 200,
		.type = "application/json",
		.browser_headers = true,
		.close = true });
}

static void
debug(struct conn *c, const struct http1_request *req)
{
	answer_error(c, req, 404, "debug pages are not supported yet");
}

static void
debug_folder(struct conn *c, const struct http1_request *req)
{
	answer_redirect(c, req, 301, slice_str("/debug/"));
}

static void
home(struct conn *c, const struct http1_request *req)
{
	static const char page[] =
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><title>DERP</title>"
	    "</head><body>\n<h1>DERP</h1>\n"
	    "<p>This is a DERP relay for Tailscale and headscale nodes, run "
	    "by <a href=\"https://tailscale.com/kb/1232/derp-servers\">whoever "
	    "runs this host</a>. It forwards packets between nodes that cannot "
	    "reach each other directly; the packets are encrypted end to end "
	    "and it cannot read them.</p>\n%s</body></html>\n";
	const struct http_conn *http = c->session;
	const struct http_site *site = http->site;
	char body[1024] = "";
	int n = 0;

	if (site->home_url != NULL) {
		answer_redirect(c, req, 302, slice_str(site->home_url));
		return;
	}
	if (!site->home_blank)
		n = snprintf(body, sizeof body, page,
		    site->derp ? "" : "<p>Status: <b>disabled</b></p>\n");
	answer_send(c, req,
	    &(struct answer){ .status = 200,
		.type = text_html,
		.body = slice_of(body, (size_t)n),
		.browser_headers = true });
}

static const struct {
	const char *path; /* exact; with a final "/": and all below it */
	void (*handle)(struct conn *c, const struct http1_request *req);
	bool on_http_port; /* served there too */
} table[] = {
	{ "/derp", upgrade_handle, false },
	{ "/derp/probe", probe, false },
	{ "/derp/latency-check", probe, false },
	{ "/generate_204", generate_204, true },
	{ "/robots.txt", robots, false },
	{ "/bootstrap-dns", bootstrap_dns, false },
	{ "/debug", debug_folder, false },
	{ "/debug/", debug, true },
	{ "/", home, false },
};

/* Go's mux redirects a path with empty, "." or ".." parts to the clean one.
 * False when it is clean already. */
static bool
clean_path(struct slice path, char *out, size_t cap)
{
	struct writer w = writer_of(out, cap - 1);
	struct slice rest = path, part;
	bool slash = path.n > 0 && path.p[path.n - 1] == '/';

	while (rest.n > 0) {
		slice_cut(rest, '/', &part, &rest);
		if (part.n == 0 || slice_is(part, "."))
			continue;
		if (slice_is(part, "..")) {
			while (w.n > 0 && out[--w.n] != '/')
				;
			continue;
		}
		writer_u8(&w, '/');
		writer_bytes(&w, part.p, part.n);
	}
	if (w.n == 0 || slash)
		writer_u8(&w, '/');
	out[w.n] = '\0';
	return !w.failed && !slice_is(path, out);
}

static bool
matches(const char *row, struct slice path)
{
	size_t n = strlen(row);

	return slice_is(path, row) ||
	    (row[n - 1] == '/' && slice_starts(path, row));
}

/* The port-80 listener sends everything else to HTTPS. */
static void
to_https(struct conn *c, const struct http1_request *req)
{
	char url[8192];
	struct writer w = writer_of(url, sizeof url);
	struct slice host =
	    http1_header(req->headers, req->header_count, "Host");

	if (!slice_is(req->method, "GET") && !slice_is(req->method, "HEAD")) {
		answer_error(c, req, 400, "Use HTTPS");
		return;
	}
	writer_printf(&w, "https://%.*s%.*s", (int)host.n, (const char *)host.p,
	    (int)req->target.n, (const char *)req->target.p);
	if (w.failed)
		answer_error(c, req, 414, "URI Too Long");
	else
		answer_redirect(c, req, 302, writer_slice(&w));
}

static void
to_clean_path(
    struct conn *c, const struct http1_request *req, const char *clean)
{
	char url[8192];
	struct writer w = writer_of(url, sizeof url);

	writer_printf(&w, "%s%s%.*s", clean, req->query.n > 0 ? "?" : "",
	    (int)req->query.n, (const char *)req->query.p);
	if (w.failed)
		answer_error(c, req, 414, "URI Too Long");
	else
		answer_redirect(c, req, 301, writer_slice(&w));
}

static bool
plain_port(const struct conn *c)
{
	const struct http_conn *http = c->session;

	return http->plain_port;
}

void
routes_handle(struct conn *c, const struct http1_request *req)
{
	char clean[4096];

	if (slice_is(req->method, "CONNECT")) {
		answer_error(c, req, 403, "CONNECT not enabled");
		return;
	}
	if (!plain_port(c) && clean_path(req->path, clean, sizeof clean)) {
		to_clean_path(c, req, clean);
		return;
	}
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (!matches(table[i].path, req->path) ||
		    (plain_port(c) && !table[i].on_http_port))
			continue;
		table[i].handle(c, req);
		return;
	}
	/* no "/" below a path that does not begin with it, as in OPTIONS * */
	if (plain_port(c))
		to_https(c, req);
	else
		answer_error(c, req, 400, "400 Bad Request");
}
