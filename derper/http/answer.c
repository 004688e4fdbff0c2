/* answer: see answer.h. */
#include "answer.h"

#include "conn.h"
#include "http_conn.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ANSWER_MAX 24576 /* bytes of an answer, which may quote a head */

/* What upstream sends with everything that a browser may show. */
static const char browser_headers[] =
    "Strict-Transport-Security: max-age=63072000; includeSubDomains\r\n"
    "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'; "
    "form-action 'self'; base-uri 'self'; block-all-mixed-content; "
    "object-src 'none'\r\n"
    "X-Frame-Options: DENY\r\n"
    "X-Content-Type-Options: nosniff\r\n";

/* Whether the connection must be closed after the answer. */
static bool
must_close(const struct http1_request *req)
{
	struct slice connection =
	    http1_header(req->headers, req->header_count, "Connection");
	struct slice length =
	    http1_header(req->headers, req->header_count, "Content-Length");
	struct slice coding =
	    http1_header(req->headers, req->header_count, "Transfer-Encoding");

	if (coding.p != NULL || (length.p != NULL && !slice_is(length, "0")))
		return true; /* there is a body, which nobody wants to read */
	if (http1_has_token(connection, "close"))
		return true;
	return req->minor == 0 && !http1_has_token(connection, "keep-alive");
}

static void
put_date(struct writer *w)
{
	char text[64];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	writer_printf(w, "Date: %s\r\n", text);
}

/* Gives it time for another request. */
static void
await_request(struct conn *c)
{
	struct http_conn *http = c->session;

	http->served = true;
	conn_deadline(c, HTTP_CONN_MS);
}

void
answer_send(
    struct conn *c, const struct http1_request *req, const struct answer *a)
{
	uint8_t bytes[ANSWER_MAX];
	struct writer w = writer_of(bytes, sizeof bytes);
	bool close = a->close || must_close(req);

	writer_printf(
	    &w, "HTTP/1.1 %u %s\r\n", a->status, http1_reason(a->status));
	if (a->type != NULL)
		writer_printf(&w, "Content-Type: %s\r\n", a->type);
	if (a->headers != NULL)
		writer_bytes(&w, a->headers, strlen(a->headers));
	if (a->browser_headers)
		writer_bytes(&w, browser_headers, sizeof browser_headers - 1);
	put_date(&w);
	if (a->status != 204)
		writer_printf(&w, "Content-Length: %zu\r\n", a->body.n);
	if (close)
		writer_printf(&w, "Connection: close\r\n");
	writer_printf(&w, "\r\n");
	if (!slice_is(req->method, "HEAD"))
		writer_bytes(&w, a->body.p, a->body.n);
	if (w.failed) {
		conn_end(c, "answer too long");
		return;
	}
	conn_write(c, writer_slice(&w));
	if (close)
		conn_finish(c);
	else
		await_request(c);
}

void
answer_error(struct conn *c, const struct http1_request *req, unsigned status,
    const char *text)
{
	char body[256];
	int n = snprintf(body, sizeof body, "%s\n", text);

	answer_send(c, req,
	    &(struct answer){ .status = status,
		.type = "text/plain; charset=utf-8",
		.headers = "X-Content-Type-Options: nosniff\r\n",
		.body = slice_of(body, (size_t)n) });
}

/* Text as HTML shows it. */
static void
put_escaped(struct writer *w, struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		switch (text.p[i]) {
		case '<':
			writer_printf(w, "&lt;");
			break;
		case '>':
			writer_printf(w, "&gt;");
			break;
		case '&':
			writer_printf(w, "&amp;");
			break;
		case '"':
			writer_printf(w, "&#34;");
			break;
		case '\'':
			writer_printf(w, "&#39;");
			break;
		default:
			writer_u8(w, text.p[i]);
		}
}

void
answer_redirect(struct conn *c, const struct http1_request *req,
    unsigned status, struct slice to)
{
	char headers[8192], body[8192];
	struct writer h = writer_of(headers, sizeof headers - 1);
	struct writer b = writer_of(body, sizeof body);

	writer_printf(&h, "Location: %.*s\r\n", (int)to.n, (const char *)to.p);
	writer_printf(&b, "<a href=\"");
	put_escaped(&b, to);
	writer_printf(&b, "\">%s</a>.\n\n", http1_reason(status));
	if (h.failed || b.failed) {
		answer_error(c, req, 414, "URI Too Long");
		return;
	}
	headers[h.n] = '\0';
	answer_send(c, req,
	    &(struct answer){ .status = status,
		.type = "text/html; charset=utf-8",
		.headers = headers,
		.body = writer_slice(&b) });
}
