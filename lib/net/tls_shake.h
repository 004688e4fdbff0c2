/*
 * tls_shake: an SSL object of OpenSSL over bytes in memory.
 *
 * Shakes hands, and carries the connection afterwards where our own records
 * do not. It is fed whole records, one at a time, so that nothing is left
 * inside it when the handshake ends. Life: tls_shake_new -> tls_shake_input
 * ... -> tls_shake_free. Threads: loop-owned. For tls only.
 * Source: OpenSSL 3.0.
 */
#ifndef DERPKIT_TLS_SHAKE_H
#define DERPKIT_TLS_SHAKE_H

#include "tls.h"
#include "tls_own.h"

struct tls_shake;

/* Returns owned; NULL when memory is short. Holds ctx until it is freed or
 * the handshake is over. */
struct tls_shake *tls_shake_new(struct tls_context *ctx);
/* Wipes and frees. */
void tls_shake_free(struct tls_shake *s);

/* As tls_input; during the handshake one record per call. */
enum tls_status tls_shake_input(struct tls_shake *s, struct slice *in,
    struct writer *plain, struct writer *wire, struct fail *why);

/* Whether the handshake is over. */
bool tls_shake_done(const struct tls_shake *s);

/* Fills in what our own records need; the caller wipes it. False when this
 * connection has to stay here. Only directly after the handshake. */
bool tls_shake_secrets(
    const struct tls_shake *s, struct tls_own_secrets *secrets);

/* As tls_output and tls_close. */
int tls_shake_output(
    struct tls_shake *s, struct slice plain, struct writer *wire);
void tls_shake_close(struct tls_shake *s, struct writer *wire);

/* As tls_saw_http and tls_version. */
bool tls_shake_saw_http(const struct tls_shake *s);
const char *tls_shake_version(const struct tls_shake *s);

#endif
