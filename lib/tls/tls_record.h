/*
 * tls_record: the record layer of TLS 1.3 after the handshake.
 *
 * One struct tls_record_key is one direction: the traffic secret, the key and
 * IV derived from it and the number of the next record. Nothing here knows
 * what content means. Life: tls_record_key_set -> seal or open ... ->
 * tls_record_key_wipe. Threads: plain values, loop-owned.
 * Source: RFC 8446 §5 (records), §7.1-7.3 (keys), §7.2 (KeyUpdate).
 */
#ifndef DERPKIT_TLS_RECORD_H
#define DERPKIT_TLS_RECORD_H

#include "aead.h"
#include "fail.h"

#define TLS_RECORD_HEADER 5
#define TLS_RECORD_CONTENT_MAX 16384      /* RFC 8446 §5.1 */
#define TLS_RECORD_BODY_MAX (16384 + 256) /* RFC 8446 §5.2 */
#define TLS_RECORD_MAX (TLS_RECORD_HEADER + TLS_RECORD_BODY_MAX)
#define TLS_RECORD_SECRET_MAX 48 /* SHA-384 */

enum tls_record_type { /* RFC 8446 §5.1, ContentType */
	TLS_RECORD_CHANGE_CIPHER_SPEC = 20,
	TLS_RECORD_ALERT = 21,
	TLS_RECORD_HANDSHAKE = 22,
	TLS_RECORD_DATA = 23,
};

enum tls_record_alert { /* RFC 8446 §6, AlertDescription; those we send */
	TLS_ALERT_CLOSE_NOTIFY = 0,
	TLS_ALERT_UNEXPECTED_MESSAGE = 10,
	TLS_ALERT_BAD_RECORD_MAC = 20,
	TLS_ALERT_RECORD_OVERFLOW = 22,
	TLS_ALERT_DECODE_ERROR = 50,
	TLS_ALERT_ILLEGAL_PARAMETER = 47,
	TLS_ALERT_INTERNAL_ERROR = 80,
	TLS_ALERT_USER_CANCELED = 90,
};

struct tls_record_key {
	uint64_t seq;                          /* of the next record */
	uint8_t secret[TLS_RECORD_SECRET_MAX]; /* for the next KeyUpdate */
	uint8_t key[AEAD_KEY_MAX];
	uint8_t iv[AEAD_NONCE];
};

/* Bytes of the traffic secrets that go with the AEAD. */
size_t tls_record_secret_len(enum aead_kind kind);

/* Derives key and IV from a traffic secret of that length; the next record is
 * the first. -1 when memory is short. */
int tls_record_key_set(
    struct tls_record_key *k, enum aead_kind kind, const uint8_t *secret);
/* Moves on to the next secret, as a KeyUpdate does. -1 when memory is short. */
int tls_record_key_next(struct tls_record_key *k, enum aead_kind kind);
void tls_record_key_wipe(struct tls_record_key *k);

/* Seals content (at most TLS_RECORD_CONTENT_MAX bytes) as one record appended
 * to wire. `a` holds the expanded k->key. -1 when there is no room or the
 * cipher fails. */
int tls_record_seal(struct tls_record_key *k, struct aead *a,
    enum tls_record_type type, struct slice content, struct writer *wire);

/* Header, tag and content type: what sealing adds. */
#define TLS_RECORD_OVERHEAD (TLS_RECORD_HEADER + 1 + AEAD_TAG)

enum tls_record_status {
	TLS_RECORD_OK,
	TLS_RECORD_PART, /* the record is not whole yet */
	TLS_RECORD_FULL, /* less room in plain than the record has bytes */
	TLS_RECORD_BAD,  /* fatal: send `alert`, *why tells */
};

struct tls_record {
	uint8_t type;         /* inner content type, any value but 0 */
	struct slice content; /* borrowed: lies in plain, after plain->n */
	enum tls_record_alert alert; /* for TLS_RECORD_BAD */
};

/*
 * Opens the record at the front of *in and consumes it. The content is written
 * after what plain holds already, but plain->n does not move: a caller who
 * wants it there adds content.n. `a` holds the expanded k->key.
 */
enum tls_record_status tls_record_open(struct tls_record_key *k, struct aead *a,
    struct slice *in, const struct writer *plain, struct tls_record *record);

/* Length of the whole record at the front of `in` by its header, or 0 when
 * there is no whole header yet. */
size_t tls_record_peek(struct slice in);

/* Why a record was refused, as a sentence. */
const char *tls_record_why(enum tls_record_alert alert);

#endif
