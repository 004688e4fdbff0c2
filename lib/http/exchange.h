/*
 * exchange: one HTTP request and the head of its answer, over a dial.
 *
 * For those who must choose address and server name themselves and look at the
 * answer as it comes; everybody else uses fetch.h. Nothing is retried, no
 * redirect followed. Blocking, until the deadline. Threads: any, one connection
 * used by one at a time. Source: RFC 9112.
 */
#ifndef DERPKIT_EXCHANGE_H
#define DERPKIT_EXCHANGE_H

#include "dial.h"
#include "http1.h"

#define EXCHANGE_BODY_MAX 512 /* bytes of a body that are kept */

struct exchange_request {
	const char *method;
	const char *target; /* "/path?query", or "host:port" of a CONNECT */
	const char *host;   /* the Host header */
	const char *const *headers; /* NULL-terminated "Name: value"; or NULL */
};

struct exchange_response {
	struct http1_response head; /* borrows from bytes */
	struct slice body; /* its beginning, as far as it came; likewise */
	uint64_t time_us;  /* from the request to the end of the head */
	uint8_t bytes[HTTP1_HEAD_MAX + EXCHANGE_BODY_MAX];
	size_t n; /* bytes in use */
};

enum exchange_result {
	EXCHANGE_OK,       /* a whole head came, with any status */
	EXCHANGE_TIMEOUT,  /* it did not until the deadline */
	EXCHANGE_CLOSED,   /* the other side ended before that */
	EXCHANGE_NOT_HTTP, /* what came is not HTTP */
	EXCHANGE_TOO_LONG, /* its head is over the limits of http1.h */
	EXCHANGE_FAILED,   /* the connection failed, or the request is too long
			    */
};

/* *why says what failed. */
enum exchange_result exchange(struct dial *d,
    const struct exchange_request *request, uint64_t deadline_ms,
    struct exchange_response *response, struct fail *why);

#endif
