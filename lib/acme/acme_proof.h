/*
 * acme_proof: the certificate that answers a challenge of type tls-alpn-01.
 *
 * Threads: pure functions. Source: RFC 8737 3.
 */
#ifndef DERPKIT_ACME_PROOF_H
#define DERPKIT_ACME_PROOF_H

#include "acme_key.h"

struct x509_st; /* OpenSSL's X509 */

/* A self-signed certificate for the name that carries the SHA-256 of the key
 * authorization. Returns owned (X509_free); NULL when memory is short or
 * OpenSSL fails. */
struct x509_st *acme_proof_make(const struct acme_key *key, const char *name,
    const char *key_authorization, int64_t now_s);

#endif
