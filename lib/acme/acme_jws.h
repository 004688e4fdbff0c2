/*
 * acme_jws: signed requests, and the binding of an account to one that the
 * authority already knows its owner by.
 *
 * Threads: pure functions. Source: RFC 7515 (flattened JSON), RFC 8555 6.2 and
 * 7.3.4.
 */
#ifndef DERPKIT_ACME_JWS_H
#define DERPKIT_ACME_JWS_H

#include "acme_key.h"

/* All borrowed. */
struct acme_jws {
	const struct acme_key *key;
	const char *kid; /* URL of the account; NULL: the key says who */
	const char *nonce;
	const char *url;
	const char *payload; /* JSON; "": there is none (POST-as-GET) */
};

/* Appends the signed request. -1 when memory is short or OpenSSL fails. */
int acme_jws_sign(const struct acme_jws *jws, struct buf *body);

/* External account binding: all borrowed. */
struct acme_binding {
	const char *kid;     /* as the authority gave it; "": none */
	struct slice secret; /* of HMAC-SHA256 */
};

/* Appends the object that binds the account's key at the URL of newAccount.
 * Likewise. */
int acme_jws_bind(const struct acme_binding *binding,
    const struct acme_key *account, const char *url, struct buf *object);

#endif
