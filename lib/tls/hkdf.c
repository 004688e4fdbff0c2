/* hkdf: see hkdf.h. */
#include "hkdf.h"

#include "thread_memory.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HASHES 2
#define BLOCK_MAX 128 /* bytes of SHA-384's block */
#define INFO_MAX 128  /* of RFC 8446 §7.1's HkdfLabel, and a number */

static const struct {
	const char *name; /* as OpenSSL calls it */
	size_t len, block;
} hashes[HASHES] = {
	[HKDF_SHA256] = { "SHA2-256", 32, 64 },
	[HKDF_SHA384] = { "SHA2-384", 48, BLOCK_MAX },
};

/* A thread's contexts. */
struct thread_hashes {
	EVP_MD_CTX *of[HASHES]; /* owned; NULL until needed */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Set up once, immutable then. */
static EVP_MD *fetched[HASHES]; /* NULL: OpenSSL does not have it */
/* The thread's own. */
static _Thread_local struct thread_hashes *mine;

static void
clear_thread_hashes(void *p)
{
	struct thread_hashes *t = p;

	for (int i = 0; i < HASHES; i++)
		EVP_MD_CTX_free(t->of[i]);
}

static void
set_up(void)
{
	/* fetching by name takes locks and searches: once is enough */
	for (int i = 0; i < HASHES; i++)
		fetched[i] = EVP_MD_fetch(NULL, hashes[i].name, NULL);
}

static struct thread_hashes *
thread_hashes(void)
{
	struct thread_hashes *t = mine;

	if (t != NULL)
		return t;
	(void)pthread_once(&once, set_up);
	return mine = thread_memory_new(sizeof *t, clear_thread_hashes);
}

/* The thread's context, at the start of a hash; NULL when memory is short. */
static EVP_MD_CTX *
begin(enum hkdf_hash hash)
{
	struct thread_hashes *t = thread_hashes();
	EVP_MD_CTX **ctx;

	if (t == NULL)
		return NULL;
	ctx = &t->of[hash];
	if (*ctx != NULL)
		return EVP_DigestInit_ex2(*ctx, NULL, NULL) == 1 ? *ctx : NULL;
	*ctx = EVP_MD_CTX_new();
	if (fetched[hash] != NULL && *ctx != NULL &&
	    EVP_DigestInit_ex2(*ctx, fetched[hash], NULL) == 1)
		return *ctx;
	EVP_MD_CTX_free(*ctx);
	*ctx = NULL;
	return NULL;
}

size_t
hkdf_hash_len(enum hkdf_hash hash)
{
	return hashes[hash].len;
}

/* The hash of a block and a text. */
static int
digest(enum hkdf_hash hash, struct slice block, struct slice text, uint8_t *out)
{
	EVP_MD_CTX *ctx = begin(hash);

	if (ctx == NULL || EVP_DigestUpdate(ctx, block.p, block.n) != 1 ||
	    EVP_DigestUpdate(ctx, text.p, text.n) != 1 ||
	    EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		return -1;
	return 0;
}

int
hkdf_digest(enum hkdf_hash hash, struct slice text, uint8_t *out)
{
	return digest(hash, slice_of(NULL, 0), text, out);
}

/* HMAC, RFC 2104, with a key that is not longer than a block. */
static int
hmac(enum hkdf_hash hash, struct slice key, struct slice text, uint8_t *out)
{
	const size_t n = hashes[hash].block;
	uint8_t pad[BLOCK_MAX], inner[HKDF_HASH_MAX];
	struct reader r = { .rest = key };
	int result = -1;

	memset(pad, 0, sizeof pad);
	reader_copy(&r, pad, key.n);
	for (size_t i = 0; i < n; i++)
		pad[i] ^= 0x36;
	if (digest(hash, slice_of(pad, n), text, inner) == 0) {
		for (size_t i = 0; i < n; i++)
			pad[i] ^= 0x36 ^ 0x5c;
		result = digest(hash, slice_of(pad, n),
		    slice_of(inner, hashes[hash].len), out);
	}
	OPENSSL_cleanse(pad, sizeof pad);
	OPENSSL_cleanse(inner, sizeof inner);
	(void)begin(hash); /* the state after the end is the result */
	return result;
}

int
hkdf_extract(
    enum hkdf_hash hash, struct slice salt, struct slice secret, uint8_t *out)
{
	return salt.n <= hashes[hash].len ? hmac(hash, salt, secret, out) : -1;
}

int
hkdf_expand_label(enum hkdf_hash hash, const uint8_t *secret,
    const struct hkdf_label *label, uint8_t *out, size_t n)
{
	const size_t len = hashes[hash].len;
	uint8_t info[INFO_MAX], block[HKDF_HASH_MAX];
	struct writer w = writer_of(info, sizeof info);
	int result;

	writer_u16(&w, (uint16_t)n);
	writer_u8(&w, (uint8_t)(6 + label->label.n));
	writer_bytes(&w, "tls13 ", 6);
	writer_bytes(&w, label->label.p, label->label.n);
	writer_u8(&w, (uint8_t)label->context.n);
	writer_bytes(&w, label->context.p, label->context.n);
	writer_u8(&w, 1); /* one block of HKDF-Expand is enough */
	if (w.failed || n > len)
		return -1;
	result = hmac(hash, slice_of(secret, len), writer_slice(&w), block);
	if (result == 0)
		memcpy(out, block, n);
	OPENSSL_cleanse(block, sizeof block);
	return result;
}
