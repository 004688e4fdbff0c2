/*
 * tls_challenge: the certificate for whoever asks for one name and offers the
 * protocol "acme-tls/1" alone, which is a certificate authority that looks for
 * a proof (tls-alpn-01).
 *
 * There is room for one of our own and for one that another relay behind the
 * same name has made; the own one goes first. Life: tls_challenge_new ->
 * tls_challenge_set, tls_challenge_clear ... -> tls_challenge_free, after all
 * contexts that have it. Threads: any; locked inside. Source: RFC 8737.
 */
#ifndef DERPKIT_TLS_CHALLENGE_H
#define DERPKIT_TLS_CHALLENGE_H

#include <stdbool.h>

#define TLS_CHALLENGE_PROTOCOL "acme-tls/1"

struct evp_pkey_st; /* OpenSSL's EVP_PKEY, SSL and X509 */
struct ssl_st;
struct x509_st;

enum tls_challenge_maker { TLS_CHALLENGE_OWN, TLS_CHALLENGE_OTHER };

struct tls_challenge;

/* For the name, borrowed; has none. Returns owned; NULL when memory is short.
 */
struct tls_challenge *tls_challenge_new(const char *name);
void tls_challenge_free(struct tls_challenge *c);

/* Shows that one from now on; both are kept by reference. */
void tls_challenge_set(struct tls_challenge *c, enum tls_challenge_maker maker,
    struct x509_st *certificate, struct evp_pkey_st *key);
void tls_challenge_clear(
    struct tls_challenge *c, enum tls_challenge_maker maker);

/* For tls_context, from its callback for a ClientHello: whether the client
 * offers that protocol alone, for that name, and is now shown the certificate
 * for it instead of the server's. False when there is none. */
bool tls_challenge_use(struct tls_challenge *c, struct ssl_st *ssl);
/* Frees a connection for which that was true. */
void tls_challenge_end(struct tls_challenge *c, struct ssl_st *ssl);

#endif
