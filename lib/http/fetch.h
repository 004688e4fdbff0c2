/*
 * fetch: one HTTP request with libcurl, with caps on size and time.
 *
 * Blocking: call it on a `thread_pool` or in a command-line program. What the
 * other side sees and how failures count is what Go's http.Client does, because
 * that is what the Go derper uses: its User-Agent, no Accept, gzip accepted, at
 * most ten requests along redirects of which 301, 302 and 303 turn a POST into
 * a GET, proxies and roots from the environment, loopback never through a
 * proxy. Only http and https, HTTP/1.1. DIFFERS: a redirect from https to http
 * is not followed, because anybody on the way could answer the second.
 *
 * Life: fetch_global_init once in main before threads start; fetch_client_new
 * -> fetch ... -> fetch_client_free. Threads: any; a struct fetch_client keeps
 * idle connections for later requests, may be used by several threads at once
 * and is locked inside.
 */
#ifndef DERPKIT_FETCH_H
#define DERPKIT_FETCH_H

#include "bytes.h"
#include "fail.h"

#include <stdatomic.h>

struct fetch_client;

/* A header field of the answer that is wanted: its value whole, or "". */
struct fetch_field {
	const char *name;
	char *to; /* cap bytes, the caller's */
	size_t cap;
};

struct fetch_request {
	const char *url;
	const char *unix_socket; /* connect there instead, or NULL */
	const char *ca_file; /* PEM roots instead of the system's, or NULL */
	const char *const *headers; /* NULL-terminated "Name: value"; or NULL.
				       "Name:" removes one that curl adds.
				       Sent along redirects too */
	bool has_secret;   /* headers or body hold one: no redirect is followed,
			      as it could lead to anybody */
	bool no_redirects; /* one is the answer, whatever it leads to */
	const struct slice *post; /* body of a POST; NULL: GET */
	uint64_t timeout_ms;      /* for the whole exchange */
	size_t body_max;          /* bytes of body read; the rest is ignored */
	const struct fetch_field *fields; /* field_count of them, or NULL */
	size_t field_count;
	const atomic_bool *stop; /* gives up within a second when it becomes
				    true, also while a name is resolved; or
				    NULL */
};

struct fetch_response {
	unsigned status;
	char status_line[128]; /* "403 Forbidden": code and phrase; a standard
				  phrase when the peer gave none */
	uint8_t *body;         /* owned: fetch_response_clear */
	size_t body_len;
	bool body_cut;          /* there was more than body_max */
	unsigned retry_after_s; /* what the peer asks for; 0: nothing */
	/* for a conditional request next time; "" without, or too long */
	char etag[256], last_modified[64];
};

enum fetch_result {
	FETCH_OK, /* a response with any status, body complete or cut */
	FETCH_UNREACHABLE, /* no response: DNS, connect, TLS, no HTTP, too many
			      redirects, time-out before the head of the last
			      response; *why tells */
	FETCH_BROKEN,      /* a response began and then failed or timed out */
	FETCH_UNTRUSTED,   /* the other side may be there, but is not to be
			      talked to: its certificate is not valid, it has
			      no TLS, it redirects from https to http or
			      elsewhere with a secret, or the request is wrong
			      (URL, roots) */
	FETCH_SHORT, /* memory, descriptors, ports or threads are short here:
			says nothing of the other side */
};

/* -1 when libcurl cannot start. */
int fetch_global_init(void);

/* A client that keeps up to max_idle connections: as many as there are threads
 * that use it, or each burst of requests closes some, and their ports are lost
 * for a minute. Returns owned; NULL when memory is short. */
struct fetch_client *fetch_client_new(size_t max_idle);
void fetch_client_free(struct fetch_client *c);

/* Makes the request and waits. Everything in `request` is borrowed for the
 * call. *response is set in every case: fetch_response_clear it. */
enum fetch_result fetch(struct fetch_client *c,
    const struct fetch_request *request, struct fetch_response *response,
    struct fail *why);

/* The date of a header field in seconds since 1970; 0 when it is none. */
int64_t fetch_date_s(const char *text);

/* Frees the body; the rest stays. */
void fetch_response_clear(struct fetch_response *response);

#endif
