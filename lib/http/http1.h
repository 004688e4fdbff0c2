/*
 * http1: heads of HTTP/1 requests and responses.
 *
 * Heads only: what follows the blank line is the caller's. Names are matched
 * without case, values are trimmed. Bare LF ends a line as CRLF does (RFC 9112
 * section 2.2), obsolete folding is refused, and so are blanks before a colon.
 * Also malformed, because a proxy before us might read it in another way: no or
 * several Hosts in HTTP/1.1, Content-Lengths that differ or are not numbers,
 * and any Transfer-Encoding of a request but one "chunked" without
 * Content-Length. Source: RFC 9110, RFC 9112. Threads: pure functions; parsed
 * heads borrow.
 */
#ifndef DERPKIT_HTTP1_H
#define DERPKIT_HTTP1_H

#include "bytes.h"

#define HTTP1_HEAD_MAX 16384 /* bytes of a head that we accept */
#define HTTP1_HEADERS_MAX 64

struct http1_header {
	struct slice name, value;
};

struct http1_request {
	struct slice method;
	struct slice target;    /* as sent */
	struct slice authority; /* of an absolute target, or empty; it goes
				   before Host (RFC 9112 section 3.2.2) */
	struct slice path;      /* target up to "?"; of an absolute target the
				   part after the authority */
	struct slice query;     /* after "?", or empty */
	unsigned minor;         /* HTTP/1.minor: 0 or 1 */
	struct http1_header headers[HTTP1_HEADERS_MAX];
	size_t header_count;
};

struct http1_response {
	unsigned status;
	unsigned minor;
	struct slice reason;
	struct http1_header headers[HTTP1_HEADERS_MAX];
	size_t header_count;
};

enum http1_result {
	HTTP1_OK,       /* *used bytes are the head, blank line included */
	HTTP1_MORE,     /* not all of the head is here yet */
	HTTP1_BAD,      /* malformed: answer 400 */
	HTTP1_TOO_LONG, /* over HTTP1_HEAD_MAX or HTTP1_HEADERS_MAX: 431 */
};

/* Parses the head at the front of `in`; the request borrows from it. */
enum http1_result http1_request_parse(
    struct slice in, struct http1_request *req, size_t *used);
enum http1_result http1_response_parse(
    struct slice in, struct http1_response *res, size_t *used);

/* The first header of that name (any case), trimmed; an empty slice with p ==
 * NULL when there is none. */
struct slice http1_header(
    const struct http1_header *headers, size_t count, const char *name);

/* Whether a comma-separated header value holds the token, in any case. */
bool http1_has_token(struct slice value, const char *token);

/* Standard reason phrase ("Not Found"), "" when unknown. */
const char *http1_reason(unsigned status);

#endif
