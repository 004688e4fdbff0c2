/*
 * tls_native: a TLS 1.3 connection on native records, after the handshake.
 *
 * Keeps raw keys and a few counters: this is what an idle connection costs.
 * Life: tls_native_start -> tls_native_input, tls_native_output ... ->
 * tls_native_wipe. Threads: loop-owned. For tls only. Source: RFC 8446 §4.6.3,
 * §5, §6.
 */
#ifndef DERPKIT_TLS_NATIVE_H
#define DERPKIT_TLS_NATIVE_H

#include "tls_record.h"
#include "tls_status.h"

/* §5.5 allows 2^24.5 full records for AES-GCM; ChaCha20 needs no limit, but
 * renewing its keys as often costs nothing. */
#define TLS_NATIVE_KEY_RECORDS (1U << 24)
/* Records in a row that bring no application bytes. */
#define TLS_NATIVE_USELESS_MAX 32

#define TLS_NATIVE_MESSAGE \
	5 /* bytes of a KeyUpdate, the only message we take */

struct tls_native {
	struct tls_record_key in, out;
	uint32_t key_records_max;
	uint8_t kind;         /* enum aead_kind */
	uint8_t useless;      /* records without application bytes */
	uint8_t updates_left; /* see update_limit.h */
	uint8_t message_n;    /* bytes of a message that is not whole */
	uint8_t message[TLS_NATIVE_MESSAGE];
	bool answer : 1; /* the peer asked for a KeyUpdate of ours */
	bool asked : 1;  /* we asked the peer for one */
	bool eof : 1;    /* close_notify received */
	bool closed : 1; /* close_notify or a fatal alert sent */
	bool broken : 1;
};

/* Traffic secrets and what goes with them. */
struct tls_native_secrets {
	enum aead_kind kind;
	uint32_t key_records_max; /* 0: TLS_NATIVE_KEY_RECORDS */
	uint8_t client[TLS_RECORD_SECRET_MAX];
	uint8_t server[TLS_RECORD_SECRET_MAX];
};

/* Starts as the server, both directions at record 0. -1 when memory is
 * short. */
int tls_native_start(
    struct tls_native *t, const struct tls_native_secrets *secrets);
void tls_native_wipe(struct tls_native *t);

/* As tls_input, tls_output, tls_close. */
enum tls_status tls_native_input(struct tls_native *t, struct slice *in,
    struct writer *plain, struct writer *wire, struct fail *why);
int tls_native_output(
    struct tls_native *t, struct slice plain, struct writer *wire);
void tls_native_close(struct tls_native *t, struct writer *wire);

#endif
