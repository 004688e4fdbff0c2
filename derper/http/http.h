/*
 * http: requests on a connection that is not DERP yet, and their answers.
 *
 * Heads only: a request with a body is answered and the connection closed.
 * What is asked for is decided in routes.c. Threads: loop-owned.
 */
#ifndef DERPKIT_HTTP_H
#define DERPKIT_HTTP_H

#include "http1.h"

struct client;

struct http_answer {
	unsigned status;
	const char *type;     /* Content-Type; NULL: none */
	const char *headers;  /* more header lines, each with CRLF; or NULL */
	struct slice body;    /* not sent to HEAD */
	bool browser_headers; /* add the security headers for browsers */
	bool close;           /* say so and close */
};

/* Handles the request at the front of `in`; how many bytes it used, 0 when it
 * is not complete. */
size_t http_input(struct client *c, struct slice in);

/* Sends the answer, then waits for the next request or finishes. */
void http_answer(struct client *c, const struct http1_request *req,
    const struct http_answer *a);

/* A plain-text error in the form of Go's http.Error. */
void http_error(struct client *c, const struct http1_request *req,
    unsigned status, const char *text);

/* A redirect; `to` is any text without line ends. */
void http_redirect(struct client *c, const struct http1_request *req,
    unsigned status, struct slice to);

#endif
