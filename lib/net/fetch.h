/*
 * fetch: one HTTP request with libcurl, with caps on size and time.
 *
 * Blocking: call it on `workers` or in a command-line program. Redirects are
 * followed as Go's client does; proxies come from the environment. Threads:
 * any; a struct fetch_client keeps connections alive and is used by one at a
 * time. Call fetch_global_init once in main before threads start.
 */
#ifndef DERPKIT_FETCH_H
#define DERPKIT_FETCH_H

#include "bytes.h"
#include "fail.h"

struct fetch_client;

struct fetch_request {
	const char *url;
	const char *unix_socket; /* connect there instead, or NULL */
	const char *ca_file; /* PEM roots instead of the system's, or NULL */
	const char *const *headers; /* NULL-terminated "Name: value"; or NULL.
				       "Name:" removes one that curl adds */
	const struct slice *post;   /* body of a POST; NULL: GET */
	uint64_t timeout_ms;        /* for the whole exchange */
	size_t body_max; /* bytes of body read; the rest is ignored */
};

struct fetch_response {
	unsigned status;
	char status_line[128]; /* "403 Forbidden": code and phrase; a standard
				  phrase when the peer gave none */
	uint8_t *body;         /* owned: fetch_response_clear */
	size_t body_len;
	bool body_cut; /* there was more than body_max */
};

enum fetch_result {
	FETCH_OK, /* a response with any status, body complete or cut */
	FETCH_UNREACHABLE, /* no response: DNS, connect, TLS, time-out before
			      the response head; *why tells */
	FETCH_BROKEN,      /* a response began and then failed or timed out */
};

int fetch_global_init(void);

/* Returns owned; NULL when memory is short. */
struct fetch_client *fetch_client_new(void);
void fetch_client_free(struct fetch_client *c);

enum fetch_result fetch(struct fetch_client *c,
    const struct fetch_request *request, struct fetch_response *response,
    struct fail *why);

void fetch_response_clear(struct fetch_response *response);

#endif
