/*
 * acme_http: sends for acme_client, with libcurl.
 *
 * Life: acme_http_init -> acme_http_send ... -> acme_http_clear. Threads: used
 * by one at a time. Blocking.
 */
#ifndef DERPKIT_ACME_HTTP_H
#define DERPKIT_ACME_HTTP_H

#include "acme_client.h"
#include "fetch.h"

struct acme_http {
	struct fetch_client *client; /* owned */
	const char *ca_file;         /* borrowed; NULL: the system's roots */
	const atomic_bool *stop;     /* borrowed; ends a request */
};

/* -1 when memory is short. */
int acme_http_init(
    struct acme_http *h, const char *ca_file, const atomic_bool *stop);
void acme_http_clear(struct acme_http *h);

/* As struct acme_transport's send. */
int acme_http_send(struct acme_http *h, const char *url,
    const struct slice *post, struct acme_reply *reply,
    struct acme_error *error);

#endif
