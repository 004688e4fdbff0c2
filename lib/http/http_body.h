/*
 * http_body: the body of a request: whether it has one, where it ends, what is
 * in it.
 *
 * Content-Length and chunked (RFC 9112 section 7.1, line ends as it wants
 * them). Chunk extensions and trailers are read over. Threads: pure functions;
 * bodies borrow. Source: RFC 9112 section 6.
 */
#ifndef DERPKIT_HTTP_BODY_H
#define DERPKIT_HTTP_BODY_H

#include "http1.h"

/* Bytes of chunk sizes, extensions and trailers that are accepted. */
#define HTTP_BODY_FRAMING_MAX 16384

struct http_body {
	bool chunked;
	struct slice wire; /* as received, borrowed */
	size_t len;        /* bytes of the body itself */
	size_t need;       /* HTTP_BODY_MORE: it ends no earlier than this */
};

enum http_body_result {
	HTTP_BODY_OK,       /* wire and len are set */
	HTTP_BODY_MORE,     /* not all of it is here; need is set */
	HTTP_BODY_BAD,      /* malformed: answer 400 */
	HTTP_BODY_TOO_LONG, /* answer 413 */
};

/* Whether the head says that a body of more than no bytes follows. */
bool http_body_follows(const struct http1_request *req);

/* Finds the body, of at most max bytes, at the front of what follows the
 * head. */
enum http_body_result http_body_find(const struct http1_request *req,
    struct slice in, size_t max, struct http_body *body);

/* Appends the body's own bytes to w, which has room for body->len. */
void http_body_copy(const struct http_body *body, struct writer *w);

#endif
