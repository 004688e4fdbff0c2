/*
 * tls_kdf: OpenSSL's library context for TLS servers, whose key derivation for
 * TLS 1.3 is ours.
 *
 * OpenSSL derives some twenty secrets in a handshake, each at the cost of
 * several locks and dozens of allocations, and shows the traffic secrets only
 * as lines of a key log, which it prints byte by byte. A provider (provider(7))
 * with the one algorithm "TLS13-KDF" is cheaper in both: it is a page of code
 * over hkdf, and the traffic secrets pass through it. Everything else is the
 * default provider's.
 *
 * Threads: any; what is watched is a thread's own. Source: RFC 8446 §7.1,
 * EVP_KDF-TLS13_KDF(7), provider-kdf(7).
 */
#ifndef DERPKIT_TLS_KDF_H
#define DERPKIT_TLS_KDF_H

#include "hkdf.h"

/* The library context; made at the first call and kept. NULL when memory is
 * short. Borrowed. */
struct ossl_lib_ctx_st *tls_kdf_library(void);
/* The property query with which algorithms have to be fetched from it. */
#define TLS_KDF_PROPERTIES "?provider=derpkit"

/* The first application traffic secrets. Lengths 0: not derived yet. */
struct tls_kdf_secrets {
	uint8_t client[HKDF_HASH_MAX], server[HKDF_HASH_MAX];
	size_t client_n, server_n;
};

/* Secrets that are derived on this thread from now on go to *secrets too;
 * NULL: to nobody. Borrowed until the next call. */
void tls_kdf_watch(struct tls_kdf_secrets *secrets);

#endif
