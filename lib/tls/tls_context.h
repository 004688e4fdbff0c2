/*
 * tls_context: certificate and policy of a TLS server.
 *
 * Immutable once made, so that all loops share it; a reload makes a new one and
 * the old one lives until the last handshake under it is over (counted). Life:
 * tls_context_new -> tls_context_hold ... -> tls_context_release. Threads:
 * immutable, counted atomically. Source: RFC 8446, OpenSSL 3.0.
 */
#ifndef DERPKIT_TLS_CONTEXT_H
#define DERPKIT_TLS_CONTEXT_H

#include "bytes.h"
#include "fail.h"

struct tls_challenge;
struct tls_context;

enum tls_records { /* TLS 1.3 record implementation after the handshake */
	TLS_RECORDS_NATIVE,
	TLS_RECORDS_OPENSSL,
};

struct tls_server_config {
	/* PEM files: leaf first, then its chain; unencrypted key. Both may be
	 * one file. NULL: there is no certificate yet, and all handshakes but
	 * those of `challenge` are refused. */
	const char *cert_file;
	const char *key_file;
	/* The name clients must ask for by SNI, exactly; NULL accepts any SNI
	 * and none (host names that are IP addresses). */
	const char *sni;
	bool sni_any_case; /* upper and lower case are the same there */
	/* What a certificate authority is shown; borrowed for as long as the
	 * context lives. NULL: nothing. */
	struct tls_challenge *challenge;
	/* DER of a certificate appended to the chain as its last element (the
	 * DERP metacert), or an empty slice. Copied. */
	struct slice extra_cert;
	enum tls_records records;
	/* Records sealed or opened with one key before a KeyUpdate renews it;
	 * 0: the limit of RFC 8446 §5.5. For tests; native records only. */
	uint32_t key_records_max;
};

/* Makes a server context. Reads the files. NULL and the reason on failure.
 * Returns owned: give back with tls_context_release. Blocking (files). */
struct tls_context *tls_context_new(
    const struct tls_server_config *config, struct fail *why);

/* One more owner. Atomic. */
struct tls_context *tls_context_hold(struct tls_context *ctx);
/* One owner less; the last one frees. NULL is fine. */
void tls_context_release(struct tls_context *ctx);

/* For tls and tls_handshake. */

/* OpenSSL's context; borrowed. */
struct ssl_ctx_st *tls_context_ssl(const struct tls_context *ctx);
/* tls_server_config.challenge; borrowed. */
struct tls_challenge *tls_context_challenge(const struct tls_context *ctx);
/* Whether native records are wanted after the handshake. */
bool tls_context_native(const struct tls_context *ctx);
/* tls_server_config.key_records_max. */
uint32_t tls_context_key_records_max(const struct tls_context *ctx);

/* What the callbacks of OpenSSL report of one handshake. The SSL object's app
 * data points here. */
struct tls_context_report {
	struct fail why; /* why we refused the handshake */
	bool challenge;  /* a certificate authority looks for a proof */
	bool no_name;    /* because no server name was sent */
};

#endif
