/*
 * aead: the three AEADs of TLS 1.3 behind one small interface.
 *
 * Expanded keys are big and quickly made, so connections keep raw keys only
 * and each thread has one expanded key per direction: aead_load puts a raw key
 * there, then any number of records are sealed or opened with it. The cipher
 * is libipsec-mb where it was there at build time and the CPU suits it, and
 * OpenSSL's EVP otherwise; both give the same bytes.
 *
 * Life: none for callers; a thread's keys go with it. Threads: any, each has
 * its own; aead_select is for one thread, before the others start.
 * Source: RFC 5116, RFC 8446 §5.2 (inner content type after the text).
 */
#ifndef DERPKIT_AEAD_H
#define DERPKIT_AEAD_H

#include "aead_kind.h"

enum aead_use { AEAD_SEAL, AEAD_OPEN };

enum aead_maker {
	AEAD_BEST, /* the fastest one that runs here */
	AEAD_EVP,
	AEAD_IPSEC_MB,
};

/* Whether the maker was compiled in and runs on this CPU. */
bool aead_has(enum aead_maker maker);
/* Uses the maker from the next aead_load on. -1 when it is not there. */
int aead_select(enum aead_maker maker);
/* "evp" or "ipsec-mb": the one in use, for logs. */
const char *aead_name(void);

/* Whether the CPU has instructions for AES: then GCM beats ChaCha20. */
bool aead_aes_is_fast(void);

/* Bytes of the kind's raw key. */
size_t aead_key_len(enum aead_kind kind);

/* A thread's expanded key. */
struct aead;

/* Expands the raw key for the use, unless it is there already. Borrowed until
 * the next aead_load of the same use on this thread; NULL when memory is
 * short. */
struct aead *aead_load(
    enum aead_use use, enum aead_kind kind, const uint8_t *key);

/* Seals text and the byte `last` after it: text.n + 1 + AEAD_TAG bytes go to
 * out, which must not overlap. -1 when the cipher fails. */
int aead_seal(struct aead *a, const struct aead_record *record,
    struct slice text, uint8_t last, uint8_t *out);

/* Opens: sealed.n - AEAD_TAG bytes go to out, which must not overlap. -1 when
 * the tag does not match (compared in constant time); out is then wiped. */
int aead_open(struct aead *a, const struct aead_record *record,
    struct slice sealed, uint8_t *out);

/* Wipes this thread's expanded keys. */
void aead_forget(void);

#endif
