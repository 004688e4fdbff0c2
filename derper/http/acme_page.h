/*
 * acme_page: the page on the plain HTTP port where a certificate authority
 * looks for a proof (http-01).
 *
 * Threads: loop-owned. Source: RFC 8555 8.3; golang.org/x/crypto/acme/autocert
 * (HTTPHandler).
 */
#ifndef DERPKIT_ACME_PAGE_H
#define DERPKIT_ACME_PAGE_H

#include "http_server.h"

#define ACME_PAGE_TEXT_MAX 512 /* bytes of what is found */

/* What is known of proofs; all borrowed. find is NULL when there are none. */
struct acme_page {
	const char *host; /* the name that a request must be for */
	void *ctx;
	/* Writes what is to be shown for the token; false: nothing. Any thread.
	 */
	bool (*find)(void *ctx, struct slice token, struct writer *w);
};

/* Answers a request that looks for a proof; false: it does not. */
bool acme_page_handle(const struct acme_page *page, struct http_server *s,
    const struct http1_request *req);

#endif
