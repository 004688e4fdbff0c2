/* debug_pages: see debug_pages.h. */
#include "debug_pages.h"

#include "clock.h"
#include "conn.h"
#include "debug_access.h"
#include "html.h"
#include "http_conn.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define INDEX_MAX 4096
#define CHECK_MAX 8192 /* bytes of what is wrong */

static const char headers[] = "Cache-Control: no-store\r\n"
			      "X-Content-Type-Options: nosniff\r\n"
			      "X-Frame-Options: DENY\r\n"
			      "Content-Security-Policy: default-src 'none'; "
			      "style-src 'unsafe-inline'\r\n";

static const struct http_debug *
debug_of(const struct conn *c)
{
	const struct http_conn *http = c->session;

	return &http->port->site->debug;
}

static void
answer(struct http_server *s, const char *type, struct slice body)
{
	http_server_answer(s,
	    &(struct http_server_answer){ .status = 200,
		.type = type,
		.headers = headers,
		.body = body });
}

/* "1h2m3s", as Go prints a duration. */
static void
put_uptime(struct writer *w, uint64_t s)
{
	if (s >= 3600)
		writer_printf(w, "%" PRIu64 "h", s / 3600);
	if (s >= 60)
		writer_printf(w, "%" PRIu64 "m", s / 60 % 60);
	writer_printf(w, "%" PRIu64 "s", s % 60);
}

static void
put_link(struct writer *w, const char *path, const char *what)
{
	writer_printf(
	    w, "<li><a href=\"%s\">%s</a> (%s)</li>", path, path, what);
}

static void
answer_index(struct http_server *s, const struct http_debug *d)
{
	char text[INDEX_MAX], machine[256] = "";
	struct writer w = writer_of(text, sizeof text);

	(void)gethostname(machine, sizeof machine - 1);
	writer_printf(&w,
	    "<!DOCTYPE html><html><head><title>derper debug</title></head>"
	    "<body><h1>derper debug</h1><ul><li><b>Uptime:</b> ");
	put_uptime(&w, (clock_now_ms() - d->started_ms) / 1000);
	writer_printf(&w,
	    "</li><li><b>Version:</b> " DERPKIT_VERSION
	    "</li><li><b>Machine:</b> ");
	html_escape(&w, slice_str(machine));
	writer_printf(&w, "</li><li><b>TLS hostname:</b> ");
	html_escape(&w, slice_str(d->hostname));
	writer_printf(&w, "</li><li><b>Mesh key:</b> %s</li>",
	    d->has_mesh_key ? "true" : "false");
	put_link(&w, "/debug/status", "Status: clients, traffic, last hour");
	put_link(&w, "/debug/status.json", "the same as JSON");
	put_link(&w, "/debug/vars", "Metrics (JSON)");
	put_link(&w, "/debug/varz", "Metrics (Prometheus)");
	put_link(&w, "/debug/check", "Consistency check");
	put_link(&w, "/debug/traffic", "Traffic check");
	writer_printf(&w, "</ul></body></html>\n");
	answer(s, "text/html; charset=utf-8", writer_slice(&w));
}

/* A page that is written into memory of its own. */
static void
answer_written(struct http_server *s, const char *type,
    void (*write)(void *ctx, struct writer *w), void *ctx)
{
	uint8_t *text = malloc(HTTP_DEBUG_MAX);
	struct writer w;

	if (text == NULL) {
		http_server_error(s, 503, "out of memory");
		return;
	}
	w = writer_of(text, HTTP_DEBUG_MAX);
	write(ctx, &w);
	if (w.failed)
		http_server_error(s, 500, "the page does not fit");
	else
		answer(s, type, writer_slice(&w));
	free(text);
}

bool
debug_pages_allow(const struct conn *c, const struct http1_request *req)
{
	return debug_access_allows(
	    debug_of(c)->access, req, conn_trusted_remote(c));
}

static void
answer_metrics(struct http_server *s, const struct http_debug *d)
{
	answer_written(
	    s, "text/plain; version=0.0.4; charset=utf-8", d->metrics, d->ctx);
}

/* As upstream: without a line end. */
static void
answer_check(struct http_server *s, const struct http_debug *d)
{
	char problems[CHECK_MAX];
	struct writer w = writer_of(problems, sizeof problems);
	const bool okay = d->check(d->ctx, &w);

	http_server_answer(s,
	    &(struct http_server_answer){ .status = okay ? 200 : 500,
		.type = "text/plain; charset=utf-8",
		.headers = headers,
		.body = okay ? slice_str("derp.Server ConsistencyCheck okay")
			     : writer_slice(&w) });
}

/* Whether the peer may see it; otherwise the request is answered. */
static bool
allowed(struct http_server *s, const struct http_debug *d,
    const struct http1_request *req, const struct conn *c)
{
	char text[256], ip[NETADDR_TEXT];
	struct writer w = writer_of(text, sizeof text - 1);

	if (debug_pages_allow(c, req))
		return true;
	writer_printf(&w, "debug access denied");
	if (d->dev && !c->untrusted) {
		netaddr_format_ip(&c->remote, ip);
		writer_printf(&w, "\n\nTo allow it: TS_ALLOW_DEBUG_IP=%s", ip);
	}
	text[w.n] = '\0';
	http_server_error(s, 403, text);
	return false;
}

void
debug_pages(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	const struct conn *c = ctx;
	const struct http_debug *d = debug_of(c);

	(void)body;
	if (!allowed(s, d, req, c))
		return;
	if (slice_is(req->path, "/debug/"))
		answer_index(s, d);
	else if (slice_is(req->path, "/debug/varz"))
		answer_metrics(s, d);
	else if (slice_is(req->path, "/debug/vars"))
		answer_written(
		    s, "application/json; charset=utf-8", d->vars, d->ctx);
	else if (slice_is(req->path, "/debug/check"))
		answer_check(s, d);
	else if (d->status != NULL &&
	    (slice_is(req->path, "/debug/status") ||
		slice_is(req->path, "/debug/status.json")))
		d->status(d->status_ctx, c->worker, s, req, headers);
	else if (d->traffic != NULL && slice_is(req->path, "/debug/traffic"))
		d->traffic(d->status_ctx, c->worker, s, req, headers);
	else if (slice_starts(req->path, "/debug/pprof/") ||
	    slice_is(req->path, "/debug/gc") ||
	    slice_is(req->path, "/debug/set-mutex-profile-fraction"))
		http_server_error(s, 404,
		    "this looks into a Go program, which this relay is not");
	else
		http_server_error(s, 404, "404 page not found");
}

void
debug_pages_folder(void *ctx, struct http_server *s,
    const struct http1_request *req, struct slice body)
{
	(void)ctx;
	(void)req;
	(void)body;
	http_server_redirect(s, 301, slice_str("/debug/"));
}

void
debug_pages_metrics(void *ctx, struct http_server *s,
    const struct http1_request *req, struct slice body)
{
	const struct conn *c = ctx;
	const struct http_debug *d = debug_of(c);

	(void)body;
	if (allowed(s, d, req, c))
		answer_metrics(s, d);
}
