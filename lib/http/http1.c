/* http1: see http1.h. */
#include "http1.h"

#include "encode.h"
#include "num.h"

#include <string.h>

/* What is at the front of the head; a line without its end. */
enum line_result {
	LINE_OK,
	LINE_END, /* the blank line */
	LINE_MORE,
};

static enum line_result take_line(struct reader *r, struct slice *line);
static enum http1_result parse_head(struct slice in, void *out,
    int (*start)(void *out, struct slice line), struct http1_header *headers,
    size_t *count, size_t *used);
static int request_start(void *out, struct slice line);
static int response_start(void *out, struct slice line);
static int parse_version(struct slice text, unsigned *minor);
static int parse_target(struct http1_request *req);
static int parse_header(struct slice line, struct http1_header *h);
static bool is_host(struct slice s);
static bool request_is_sound(const struct http1_request *req);
static bool lengths_are_sound(const struct http1_header *h, size_t count);

static bool
is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static bool
is_token_char(uint8_t c)
{
	return is_alnum(c) ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_token(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_token_char(s.p[i]))
			return false;
	return s.n > 0;
}

/* Whether all bytes are visible, or blanks where those are allowed. Bytes
 * above ASCII are let through, as in Go: RFC 9110 calls them obs-text. */
static bool
is_text(struct slice s, bool blanks)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == 0x7f || c < ' ' || c == ' ')
			if (!blanks || (c != ' ' && c != '\t'))
				return false;
	}
	return true;
}

static struct slice
trim_blanks(struct slice s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = slice_of(s.p + 1, s.n - 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

enum http1_result
http1_request_parse(struct slice in, struct http1_request *req, size_t *used)
{
	enum http1_result result;

	*used = 0;
	*req = (struct http1_request){ 0 };
	/* a client that speaks something else (TLS, most often) may never
	 * send a line's end */
	if (in.n > 0 && !is_token_char(in.p[0]) && in.p[0] != '\r' &&
	    in.p[0] != '\n')
		return HTTP1_BAD;
	result = parse_head(
	    in, req, request_start, req->headers, &req->header_count, used);
	if (result == HTTP1_OK && !request_is_sound(req))
		result = HTTP1_BAD;
	return result;
}

enum http1_result
http1_response_parse(struct slice in, struct http1_response *res, size_t *used)
{
	enum http1_result result;

	*used = 0;
	*res = (struct http1_response){ 0 };
	if (in.n > 0 && in.p[0] != 'H')
		return HTTP1_BAD;
	result = parse_head(
	    in, res, response_start, res->headers, &res->header_count, used);
	if (result == HTTP1_OK &&
	    !lengths_are_sound(res->headers, res->header_count))
		result = HTTP1_BAD;
	return result;
}

static enum http1_result
parse_head(struct slice in, void *out,
    int (*start)(void *out, struct slice line), struct http1_header *headers,
    size_t *count, size_t *used)
{
	struct slice window =
	    slice_of(in.p, in.n < HTTP1_HEAD_MAX ? in.n : HTTP1_HEAD_MAX);
	struct reader r = { .rest = window };
	struct slice line;
	enum line_result got = take_line(&r, &line);

	/* RFC 9112 section 2.2: one blank line before the head is allowed */
	if (got == LINE_END)
		got = take_line(&r, &line);
	if (got == LINE_END || (got == LINE_OK && start(out, line) == -1))
		return HTTP1_BAD;
	while (got == LINE_OK) {
		got = take_line(&r, &line);
		if (got != LINE_OK)
			break;
		if (*count == HTTP1_HEADERS_MAX)
			return HTTP1_TOO_LONG;
		if (parse_header(line, &headers[*count]) == -1)
			return HTTP1_BAD;
		++*count;
	}
	if (got == LINE_MORE)
		return window.n == HTTP1_HEAD_MAX ? HTTP1_TOO_LONG : HTTP1_MORE;
	*used = window.n - r.rest.n;
	return HTTP1_OK;
}

static enum line_result
take_line(struct reader *r, struct slice *line)
{
	struct slice tail;

	if (!slice_cut(r->rest, '\n', line, &tail))
		return LINE_MORE;
	r->rest = tail;
	/* one CR belongs to the end; any other is text, and bad text */
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return line->n == 0 ? LINE_END : LINE_OK;
}

/* method SP target SP version */
static int
request_start(void *out, struct slice line)
{
	struct http1_request *req = out;
	struct slice rest, version;

	if (!slice_cut(line, ' ', &req->method, &rest) ||
	    !slice_cut(rest, ' ', &req->target, &version) ||
	    !is_token(req->method) || parse_version(version, &req->minor) == -1)
		return -1;
	return parse_target(req);
}

/* version SP status [SP reason]; the last blank is often forgotten */
static int
response_start(void *out, struct slice line)
{
	struct http1_response *res = out;
	struct slice version, rest, status;
	uint64_t n;

	if (!slice_cut(line, ' ', &version, &rest) ||
	    parse_version(version, &res->minor) == -1)
		return -1;
	slice_cut(rest, ' ', &status, &res->reason);
	if (status.n != 3 || num_parse_decimal(status, 999, &n) == -1 ||
	    n < 100 || !is_text(res->reason, true))
		return -1;
	res->status = (unsigned)n;
	return 0;
}

/* HTTP/1.x; a minor version that we do not know is compatible with 1.1. */
static int
parse_version(struct slice text, unsigned *minor)
{
	struct reader r = { .rest = text };
	uint64_t n;

	if (!slice_is(reader_take(&r, 7), "HTTP/1.") || r.rest.n != 1 ||
	    num_parse_decimal(r.rest, 9, &n) == -1)
		return -1;
	*minor = n == 0 ? 0 : 1;
	return 0;
}

/* The part of an absolute target after its scheme; empty for others. */
static struct slice
after_scheme(struct slice target)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		struct reader r = { .rest = target };

		if (slice_is_nocase(
			reader_take(&r, strlen(schemes[i])), schemes[i]))
			return r.rest;
	}
	return slice_of(NULL, 0);
}

/* Every % is followed by two hex digits. */
static bool
escapes_are_sound(struct slice path)
{
	struct slice rest = path, before;
	uint8_t byte;

	while (slice_cut(rest, '%', &before, &rest))
		if (rest.n < 2 ||
		    decode_hex(&byte, 1, slice_of(rest.p, 2)) == -1)
			return false;
	return true;
}

/* RFC 9112 section 3.2: the four forms of a target. */
static int
parse_target(struct http1_request *req)
{
	struct slice path = req->target;
	size_t authority = 0;

	if (path.n == 0 || !is_text(path, false))
		return -1;
	if (slice_is(req->method, "CONNECT")) {
		req->path = path;
		return is_host(path) ? 0 : -1;
	}
	if (slice_is(path, "*")) {
		req->path = path;
		return 0;
	}
	if (path.p[0] != '/') {
		path = after_scheme(path);
		while (authority < path.n && path.p[authority] != '/' &&
		    path.p[authority] != '?')
			authority++;
		req->authority = slice_of(path.p, authority);
		if (authority == 0 || !is_host(req->authority))
			return -1;
		path = slice_of(path.p + authority, path.n - authority);
	}
	slice_cut(path, '?', &req->path, &req->query);
	if (req->path.n == 0)
		req->path = slice_str("/");
	return escapes_are_sound(req->path) ? 0 : -1;
}

/* A line that begins with a blank (obsolete folding) has no name. */
static int
parse_header(struct slice line, struct http1_header *h)
{
	if (!slice_cut(line, ':', &h->name, &h->value) || !is_token(h->name))
		return -1;
	h->value = trim_blanks(h->value);
	return is_text(h->value, true) ? 0 : -1;
}

static bool
is_named(const struct http1_header *h, const char *name)
{
	return slice_is_nocase(h->name, name);
}

static size_t
count_named(const struct http1_header *h, size_t count, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += is_named(&h[i], name);
	return n;
}

/* Every Content-Length is a number, and all are the same number. */
static bool
lengths_are_sound(const struct http1_header *h, size_t count)
{
	uint64_t first = 0, n;
	bool have = false;

	for (size_t i = 0; i < count; i++) {
		if (!is_named(&h[i], "Content-Length"))
			continue;
		if (num_parse_decimal(h[i].value, INT64_MAX, &n) == -1 ||
		    (have && n != first))
			return false;
		first = n;
		have = true;
	}
	return true;
}

/* The characters of RFC 3986 sections 3.2.2 and 3.2.3. */
static bool
is_host(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) &&
		    (s.p[i] == '\0' ||
			strchr("-._~%!$&'()*+,;=:[]", s.p[i]) == NULL))
			return false;
	return true;
}

/*
 * What a proxy before us might understand in another way than we do, and so
 * smuggle a request past it: several or no hosts, and more than one opinion
 * on where the body ends (RFC 9112 sections 3.2, 6.1 and 6.3).
 */
static bool
request_is_sound(const struct http1_request *req)
{
	const struct http1_header *h = req->headers;
	size_t n = req->header_count;
	size_t hosts = count_named(h, n, "Host");
	size_t codings = count_named(h, n, "Transfer-Encoding");

	if (hosts > 1 || (hosts == 0 && req->minor > 0) ||
	    !is_host(http1_header(h, n, "Host")) || !lengths_are_sound(h, n))
		return false;
	if (codings == 0)
		return true;
	return codings == 1 && req->minor > 0 &&
	    slice_is_nocase(
		http1_header(h, n, "Transfer-Encoding"), "chunked") &&
	    count_named(h, n, "Content-Length") == 0;
}

struct slice
http1_header(const struct http1_header *headers, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (is_named(&headers[i], name))
			return headers[i].value;
	return slice_of(NULL, 0);
}

bool
http1_has_token(struct slice value, const char *token)
{
	struct slice part;
	bool more = true;

	while (more) {
		more = slice_cut(value, ',', &part, &value);
		if (slice_is_nocase(trim_blanks(part), token))
			return true;
	}
	return false;
}

const char *
http1_reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} reasons[] = {
		{ 100, "Continue" },
		{ 101, "Switching Protocols" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 411, "Length Required" },
		{ 413, "Request Entity Too Large" },
		{ 414, "Request URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 421, "Misdirected Request" },
		{ 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}
