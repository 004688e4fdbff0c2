/*
 * hkdf: the key derivation of TLS 1.3, with hashes that are fetched once.
 *
 * Each thread has hash contexts of its own, which are wiped after each use: a
 * derivation allocates nothing but the first time. OpenSSL's own takes some
 * 20 locks and 30 allocations for each. Life: none for callers; a thread's
 * contexts go with it. Threads: any. Source: RFC 5869, RFC 8446 §7.1.
 */
#ifndef DERPKIT_HKDF_H
#define DERPKIT_HKDF_H

#include "bytes.h"

enum hkdf_hash { HKDF_SHA256, HKDF_SHA384 };

#define HKDF_HASH_MAX 48 /* bytes of the longest hash */

/* What a derived secret is for. */
struct hkdf_label {
	struct slice label;   /* without "tls13 " */
	struct slice context; /* most often the hash of a transcript */
};

/* Bytes of the hash. */
size_t hkdf_hash_len(enum hkdf_hash hash);

/* The hash of the text goes to out. -1 when memory is short. */
int hkdf_digest(enum hkdf_hash hash, struct slice text, uint8_t *out);

/* HKDF-Extract; one hash goes to out. -1 when memory is short or the salt is
 * longer than a hash. */
int hkdf_extract(
    enum hkdf_hash hash, struct slice salt, struct slice secret, uint8_t *out);

/* HKDF-Expand-Label from a secret of one hash; n bytes go to out. -1 when
 * memory is short, n more than a hash, or the label longer than any is. */
int hkdf_expand_label(enum hkdf_hash hash, const uint8_t *secret,
    const struct hkdf_label *label, uint8_t *out, size_t n);

#endif
