/*
 * tls_handshake: an SSL object of OpenSSL over bytes in memory.
 *
 * Does the handshake, and carries the connection afterwards where native
 * records do not. It is fed whole records, one at a time, so that nothing is
 * left inside it when the handshake ends. Life: tls_handshake_new ->
 * tls_handshake_input ... -> tls_handshake_free. Threads: loop-owned. For
 * tls only. Source: OpenSSL 3.0.
 */
#ifndef DERPKIT_TLS_HANDSHAKE_H
#define DERPKIT_TLS_HANDSHAKE_H

#include "tls_context.h"
#include "tls_native.h"
#include "tls_status.h"

struct ssl_st;
struct tls_handshake;

/* Returns owned; NULL when memory is short. Holds ctx until it is freed. */
struct tls_handshake *tls_handshake_new(struct tls_context *ctx);
/* The same for one whose handshake is over, in which nothing waits: takes it.
 * NULL when memory is short, and it is still the caller's. */
struct tls_handshake *tls_handshake_adopt(struct ssl_st *ssl);
/* Wipes and frees. */
void tls_handshake_free(struct tls_handshake *s);

/* As tls_input; during the handshake one record per call. After it, a peer who
 * wants to negotiate anew (TLS 1.2) or sends too many KeyUpdates is refused. */
enum tls_status tls_handshake_input(struct tls_handshake *s, struct slice *in,
    struct writer *plain, struct writer *wire, struct fail *why);

/* Whether the handshake is over, and nothing broke since. */
bool tls_handshake_done(const struct tls_handshake *s);
/* Whether it is over, whatever came since. */
bool tls_handshake_over(const struct tls_handshake *s);

/* Fills in what native records need; the caller wipes it. False when this
 * connection has to stay here. Only directly after the handshake. */
bool tls_handshake_secrets(
    const struct tls_handshake *s, struct tls_native_secrets *secrets);

/* As tls_output and tls_close. */
int tls_handshake_output(
    struct tls_handshake *s, struct slice plain, struct writer *wire);
void tls_handshake_close(struct tls_handshake *s, struct writer *wire);

/* As tls_saw_no_name and tls_version. */
bool tls_handshake_saw_no_name(const struct tls_handshake *s);
const char *tls_handshake_version(const struct tls_handshake *s);

#endif
