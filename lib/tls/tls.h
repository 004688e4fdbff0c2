/*
 * tls: TLS over bytes in memory. No descriptors here: `stream` moves bytes.
 *
 * A tls_context holds the server's certificate and policy and is immutable
 * once made, so that all loops share it; a reload makes a new one and the old
 * one lives until its last connection has finished its handshake (counted). A
 * struct tls is one connection: OpenSSL makes the handshake; then, for TLS 1.3
 * with an AEAD we know, the traffic keys are taken over, the SSL object is
 * freed and records are sealed and opened by tls_record. Everything else stays
 * on the SSL object. Callers cannot tell the difference.
 *
 * Life: tls_context_new -> tls_accept -> tls_input / tls_output ... ->
 * tls_close -> tls_free. Threads: a context is immutable and counted
 * atomically; a struct tls is loop-owned.
 * Source: RFC 8446, OpenSSL 3.0.
 */
#ifndef DERPKIT_TLS_H
#define DERPKIT_TLS_H

#include "bytes.h"
#include "fail.h"

struct tls;
struct tls_context;

enum tls_records { /* who seals and opens records after the handshake */
	TLS_RECORDS_NATIVE,
	TLS_RECORDS_OPENSSL,
};

struct tls_server_config {
	/* PEM files: leaf first, then its chain; unencrypted key. */
	const char *cert_file;
	const char *key_file;
	/* The name clients must ask for by SNI, exactly; NULL accepts any SNI
	 * and none (host names that are IP addresses). */
	const char *sni;
	/* DER of a certificate appended to the chain as its last element (the
	 * DERP metacert), or an empty slice. Copied. */
	struct slice extra_cert;
	enum tls_records records;
	/* Records sealed or opened with one key before a KeyUpdate renews it;
	 * 0: the limit of RFC 8446 §5.5. For tests; own records only. */
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

/* A connection that expects a ClientHello, or NULL when memory is short.
 * Holds the context until the handshake is over. Returns owned. */
struct tls *tls_accept(struct tls_context *ctx);

/* Frees and wipes. NULL is fine. */
void tls_free(struct tls *t);

enum tls_status {
	TLS_OPEN,      /* fine; more input may bring more */
	TLS_EOF,       /* the peer sent close_notify: a clean end */
	TLS_BROKEN,    /* *why tells; send what is in wire, then close */
	TLS_NO_MEMORY, /* this connection must be closed */
};

/*
 * Bytes that came from the peer. Consumes whole records from the front of *in
 * (what is left there is part of a record: hand it in again with more behind
 * it, at most TLS_RECORD_MAX bytes stay) and stops early when `plain` has less
 * room than the next record has bytes (TLS_RECORD_MAX always suffice; memory of
 * plain behind what is appended is used as scratch). Received application bytes
 * are appended to plain, bytes to be sent (handshake, alerts, KeyUpdate
 * answers) to wire, which should have TLS_WIRE_ROOM bytes of room.
 *
 * At most one handshake record that makes OpenSSL compute is handled per call,
 * so that a caller can bound the work of one turn: call again as long as
 * something is consumed and left.
 *
 * Why a connection broke: "remote error: tls: ..." for the peer's alert,
 * "first record does not look like a TLS handshake" for bytes that are no TLS,
 * "cert mismatch with hostname: ..." for another SNI, and else what was wrong.
 */
enum tls_status tls_input(struct tls *t, struct slice *in, struct writer *plain,
    struct writer *wire, struct fail *why);

#define TLS_RECORD_PLAIN_MAX 16384
#define TLS_RECORD_MAX (5 + 16384 + 256) /* header and ciphertext */
/* most bytes that sealing adds to one record, a KeyUpdate before it included */
#define TLS_RECORD_COST 64
#define TLS_WIRE_ROOM 32768

/* Whether the handshake is over, so that tls_output may be called. */
bool tls_established(const struct tls *t);

/*
 * Seals plaintext into records of at most 16 KiB, appended to wire; there must
 * be room for plain.n + TLS_RECORD_COST per started 16 KiB. -1 when the
 * connection cannot send any more (it must be closed).
 */
int tls_output(struct tls *t, struct slice plain, struct writer *wire);

/* Appends close_notify where the state allows it. */
void tls_close(struct tls *t, struct writer *wire);

/* Whether the connection broke because the first bytes were an HTTP request,
 * which deserves an answer in plain text. */
bool tls_saw_http(const struct tls *t);

/* What was negotiated, for logs and metrics: "1.2", "1.3"; "" before that. */
const char *tls_version(const struct tls *t);
/* Whether our own record layer carries this connection. */
bool tls_is_native(const struct tls *t);

#endif
