/*
 * tls: TLS over bytes in memory. No descriptors here: `stream` moves bytes.
 *
 * A struct tls is one connection of a server. OpenSSL's objects are made when
 * the first record is whole, so that a silent peer costs none; OpenSSL does the
 * handshake; then, for TLS 1.3 with an AEAD we know, the traffic keys are taken
 * over, the SSL object is freed and records are sealed and opened by
 * tls_native. Everything else stays on the SSL object. Callers cannot tell the
 * difference.
 *
 * Life: tls_context_new -> tls_accept (or tls_adopt) -> tls_input / tls_output
 * ... -> tls_close -> tls_free. Threads: loop-owned. Source: RFC 8446,
 * OpenSSL 3.0.
 */
#ifndef DERPKIT_TLS_H
#define DERPKIT_TLS_H

#include "tls_context.h"
#include "tls_record.h"
#include "tls_status.h"

struct tls;

/* A connection that expects a ClientHello, or NULL when memory is short.
 * Holds the context until the handshake is over. Returns owned. */
struct tls *tls_accept(struct tls_context *ctx);

struct ssl_st;
/* A connection whose handshake is over, of a client (or a server) that OpenSSL
 * carries, and goes on to: takes the SSL object, in which nothing may wait
 * (SSL_has_pending). NULL when memory is short, and it is still the caller's.
 * Returns owned. */
struct tls *tls_adopt(struct ssl_st *ssl);

/* Frees and wipes. NULL is fine. */
void tls_free(struct tls *t);

/*
 * Bytes that came from the peer. Consumes whole records from the front of *in
 * (what is left there is part of a record: hand it in again with more after
 * it, at most TLS_RECORD_MAX bytes stay) and stops early when `plain` has less
 * room than the next record has bytes (TLS_RECORD_MAX always suffice; memory of
 * plain after what is appended is used as scratch). Received application bytes
 * are appended to plain, bytes to be sent (handshake, alerts, KeyUpdate
 * answers) to wire, which should have TLS_WIRE_ROOM bytes of room.
 *
 * During the handshake one record is handled per call: call again as long as
 * something is consumed and left. That alone bounds no turn's work: what does
 * is how much the caller reads in a turn.
 *
 * Why a connection broke: "remote error: tls: ..." for the peer's alert,
 * "first record does not look like a TLS handshake" for bytes that are not TLS,
 * "cert mismatch with hostname: ..." for another SNI, and else what was wrong.
 */
enum tls_status tls_input(struct tls *t, struct slice *in, struct writer *plain,
    struct writer *wire, struct fail *why);

/* most bytes that sealing adds to one record, a KeyUpdate before it included */
#define TLS_RECORD_COST 64
/* shortest records that a peer may ask for (RFC 6066 §4), bytes */
#define TLS_FRAGMENT_MIN 512
/* most bytes that sealing adds to n */
#define TLS_OUTPUT_COST(n) (TLS_RECORD_COST * ((n) / TLS_FRAGMENT_MIN + 1))
#define TLS_WIRE_ROOM 32768

/* Whether the handshake is over, so that tls_output may be called. */
bool tls_established(const struct tls *t);

/* Bytes that OpenSSL's objects take, at most, besides those of their context:
 * during the handshake, and after it where native records do not carry the
 * connection. A unit test measures both. */
#define TLS_HELD_HANDSHAKE 49152
#define TLS_HELD_OPENSSL 16384
/* Of the two what this connection holds now, or 0. */
size_t tls_held(const struct tls *t);
/* Whether a handshake has begun and is not over. */
bool tls_in_handshake(const struct tls *t);

/*
 * Seals plaintext into records of at most 16 KiB, appended to wire; there must
 * be room for plain.n + TLS_OUTPUT_COST(plain.n). -1 when the connection cannot
 * send any more (it must be closed).
 */
int tls_output(struct tls *t, struct slice plain, struct writer *wire);

/* Appends close_notify where the state allows it. */
void tls_close(struct tls *t, struct writer *wire);

/* Whether the connection broke because the first bytes were an HTTP request,
 * which deserves an answer in plain text. */
bool tls_saw_http(const struct tls *t);

/* Whether the handshake was refused because the client sent no server name
 * (SNI) where one is wanted. */
bool tls_saw_no_name(const struct tls *t);

/* What was negotiated, for logs and metrics: "1.2", "1.3"; "" before that. */
const char *tls_version(const struct tls *t);
/* Whether native records carry this connection. */
bool tls_is_native(const struct tls *t);

#endif
