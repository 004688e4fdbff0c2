/*
 * acme_key: a P-256 key, of an account or of a certificate.
 *
 * Life: acme_key_make or acme_key_read -> use -> acme_key_free. Its PEM is what
 * Go's autocert writes and reads ("EC PRIVATE KEY"). Threads: immutable once
 * made. Source: RFC 7517, RFC 7518 3.4, RFC 7638.
 */
#ifndef DERPKIT_ACME_KEY_H
#define DERPKIT_ACME_KEY_H

#include "acme_reading.h"
#include "buf.h"
#include "fail.h"

#define ACME_KEY_SIGNATURE 64 /* bytes: r and s */
#define ACME_KEY_PEM_MAX 4096

struct acme_key;
struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* A new one. Returns owned; NULL and the reason. */
struct acme_key *acme_key_make(struct fail *why);

/* The first private key of a PEM text; other keys than P-256 are refused.
 * Returns owned; NULL and the reason. */
struct acme_key *acme_key_read(struct slice pem, struct fail *why);

/* The same, to tell a text that is bad from a shortage. *key is NULL unless it
 * is read. */
enum acme_reading acme_key_load(
    struct slice pem, struct acme_key **key, struct fail *why);

/* Wipes and frees. NULL is fine. */
void acme_key_free(struct acme_key *key);

/* Appends the key in PEM form; the caller wipes it. -1 when memory is short. */
int acme_key_write(const struct acme_key *key, struct buf *pem);

/* Signs with ES256 (SHA-256). -1 when OpenSSL fails. */
int acme_key_sign(const struct acme_key *key, struct slice message,
    uint8_t signature[static ACME_KEY_SIGNATURE]);

/* The public key as a JSON object with its members in the order that the
 * thumbprint wants, and the thumbprint in base64url; borrowed. */
const char *acme_key_jwk(const struct acme_key *key);
const char *acme_key_thumbprint(const struct acme_key *key);

/* OpenSSL's object, borrowed. */
struct evp_pkey_st *acme_key_pkey(const struct acme_key *key);

#endif
