/*
 * acme_proofs: answers to challenges as files of the folder, where Go's
 * autocert keeps them, so that of several programs behind one name each can
 * answer for the one that orders.
 *
 * TOKEN+http-01 holds a key authorization, HOST+token the key and certificate
 * of tls-alpn-01. Threads: any; no shared state. Blocking (files). Source:
 * golang.org/x/crypto/acme/autocert (putHTTPToken, putCertToken).
 */
#ifndef DERPKIT_ACME_PROOFS_H
#define DERPKIT_ACME_PROOFS_H

#include "acme_folder.h"
#include "acme_note.h"

#define ACME_PROOFS_MAX 16 /* tokens that are read */

struct evp_pkey_st; /* OpenSSL's EVP_PKEY and X509 */
struct x509_st;

struct acme_proof_text {
	char token[ACME_TOKEN_MAX];
	char text[ACME_AUTHORIZATION_TEXT];
};

/* What is there; certificate and key are owned, NULL: none. */
struct acme_proofs {
	struct acme_proof_text texts[ACME_PROOFS_MAX];
	size_t count;
	struct x509_st *certificate;
	struct evp_pkey_st *key;
};

/* Reads what there is. -1 and nothing when descriptors or memory are short: it
 * is not known. */
int acme_proofs_read(const struct acme_folder *f, struct acme_proofs *proofs);
void acme_proofs_clear(struct acme_proofs *proofs);

/* Writes one. -1 and the reason. */
int acme_proofs_put_text(const struct acme_folder *f, const char *token,
    const char *text, struct fail *why);
int acme_proofs_put_certificate(const struct acme_folder *f,
    const struct acme_key *key, struct x509_st *certificate, struct fail *why);

/* Removes one; nothing to do when there is none. */
void acme_proofs_remove_text(const struct acme_folder *f, const char *token);
void acme_proofs_remove_certificate(const struct acme_folder *f);

/* Removes what has been there for an hour, of programs that were killed; for
 * whoever has the folder's lock. now_s since 1970. */
void acme_proofs_remove_old(const struct acme_folder *f, int64_t now_s);

#endif
