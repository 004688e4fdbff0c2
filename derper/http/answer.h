/*
 * answer: answers to HTTP requests.
 *
 * Heads and short bodies, sent at once; a request with a body is answered and
 * the connection closed. Threads: loop-owned.
 */
#ifndef DERPKIT_ANSWER_H
#define DERPKIT_ANSWER_H

#include "http1.h"

struct conn;

struct answer {
	unsigned status;
	const char *type;     /* Content-Type; NULL: none */
	const char *headers;  /* more header lines, each with CRLF; or NULL */
	struct slice body;    /* not sent to HEAD */
	bool browser_headers; /* add the security headers for browsers */
	bool close;           /* say so and close */
};

/* Sends the answer, then waits for the next request or finishes. */
void answer_send(
    struct conn *c, const struct http1_request *req, const struct answer *a);

/* A plain-text error in the form of Go's http.Error. */
void answer_error(struct conn *c, const struct http1_request *req,
    unsigned status, const char *text);

/* A redirect; `to` is any text without line ends. */
void answer_redirect(struct conn *c, const struct http1_request *req,
    unsigned status, struct slice to);

#endif
