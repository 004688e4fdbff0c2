/*
 * aead_kind: the AEADs of TLS 1.3, and what one record needs of them.
 *
 * Threads: plain values. Source: RFC 5116, RFC 8446 §B.4.
 */
#ifndef DERPKIT_AEAD_KIND_H
#define DERPKIT_AEAD_KIND_H

#include "bytes.h"

#define AEAD_KEY_MAX 32 /* bytes of the longest raw key */
#define AEAD_NONCE 12
#define AEAD_TAG 16

enum aead_kind {
	AEAD_AES_128_GCM,
	AEAD_AES_256_GCM,
	AEAD_CHACHA20_POLY1305,
};

/* What one record is sealed or opened with. */
struct aead_record {
	const uint8_t *nonce; /* AEAD_NONCE bytes */
	struct slice aad;     /* additional data */
};

#endif
