/*
 * tls_context: the inside of struct tls_context, for tls and tls_handshake
 * only.
 *
 * Threads: immutable, counted atomically. Source: OpenSSL 3.0.
 */
#ifndef DERPKIT_TLS_CONTEXT_H
#define DERPKIT_TLS_CONTEXT_H

#include "tls.h"

#include <openssl/ssl.h>

/* OpenSSL's context; borrowed. */
SSL_CTX *tls_context_ssl(const struct tls_context *ctx);
/* Whether records are to be carried by us after the handshake. */
bool tls_context_native(const struct tls_context *ctx);
/* tls_server_config.key_records_max. */
uint32_t tls_context_key_records_max(const struct tls_context *ctx);

/* What the callbacks of OpenSSL report of one handshake. The SSL object's app
 * data points here. */
struct tls_context_report {
	struct fail why; /* the reason of a refusal of ours */
	/* traffic secrets as OpenSSL made them; lengths 0: not yet */
	uint8_t client[EVP_MAX_MD_SIZE], server[EVP_MAX_MD_SIZE];
	size_t client_n, server_n;
};

#endif
