/*
 * tls_answer: what the first bytes are that came in answer to a ClientHello.
 *
 * TLS libraries say "wrong version number" of whatever is not TLS. Who
 * connected to the wrong port wants to know what is there instead.
 *
 * Life: zeroed -> tls_answer_keep ... -> tls_answer_kind. Threads: one at a
 * time. Source: RFC 8446 section 5.1.
 */
#ifndef DERPKIT_TLS_ANSWER_H
#define DERPKIT_TLS_ANSWER_H

#include "bytes.h"

#define TLS_ANSWER_BYTES 64 /* that are kept */

struct tls_answer {
	uint8_t first[TLS_ANSWER_BYTES];
	size_t n;
};

enum tls_answer_kind {
	TLS_ANSWER_NONE,  /* nothing came */
	TLS_ANSWER_TLS,   /* it may be a TLS record */
	TLS_ANSWER_HTTP,  /* an HTTP response, or an HTML page without a head */
	TLS_ANSWER_OTHER, /* something else */
};

/* Keeps what there is room for. */
void tls_answer_keep(struct tls_answer *a, struct slice bytes);

enum tls_answer_kind tls_answer_kind(const struct tls_answer *a);

#endif
