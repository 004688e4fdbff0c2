/* aead: see aead.h. */
#include "aead.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef __aarch64__
#include <sys/auxv.h>
#endif

#include "aead_mb.h"
#include "thread_memory.h"

#define KINDS 3
#define USES 2

struct aead {
	enum aead_use use;
	enum aead_kind kind;
	bool loaded;
	bool by_mb;
	uint8_t key[AEAD_KEY_MAX];  /* what is loaded */
	EVP_CIPHER_CTX *evp[KINDS]; /* owned; NULL until needed */
	struct aead_mb *mb;         /* owned; NULL until needed */
};

/* A thread's keys. */
struct thread_keys {
	struct aead of[USES];
};

static const struct {
	const char *name; /* as OpenSSL calls it */
	size_t key_len;
} kinds[KINDS] = {
	[AEAD_AES_128_GCM] = { "AES-128-GCM", 16 },
	[AEAD_AES_256_GCM] = { "AES-256-GCM", 32 },
	[AEAD_CHACHA20_POLY1305] = { "ChaCha20-Poly1305", 32 },
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Set up once, immutable then. */
static EVP_CIPHER *ciphers[KINDS]; /* NULL: OpenSSL does not have it */
/* Which maker; an unlocked flag, as it only matters at the next load. */
static atomic_int selected = AEAD_BEST;
/* The thread's own. */
static _Thread_local struct thread_keys *mine;

static void clear_thread_keys(void *p);
static void forget(struct aead *a);

static void
set_up(void)
{
	/* fetching by name takes locks and searches: once is enough */
	for (int i = 0; i < KINDS; i++)
		ciphers[i] = EVP_CIPHER_fetch(NULL, kinds[i].name, NULL);
}

bool
aead_has(enum aead_maker maker)
{
	return maker != AEAD_IPSEC_MB || aead_mb_usable();
}

int
aead_select(enum aead_maker maker)
{
	if (!aead_has(maker))
		return -1;
	atomic_store(&selected, (int)maker);
	return 0;
}

static bool
by_mb(void)
{
	return atomic_load_explicit(&selected, memory_order_relaxed) !=
	    AEAD_EVP &&
	    aead_mb_usable();
}

const char *
aead_name(void)
{
	return by_mb() ? "ipsec-mb" : "evp";
}

bool
aead_aes_is_fast(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_cpu_supports("aes") &&
	    __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
	const unsigned long hwcap_aes = 1UL << 3, hwcap_pmull = 1UL << 4;

	return (getauxval(AT_HWCAP) & (hwcap_aes | hwcap_pmull)) ==
	    (hwcap_aes | hwcap_pmull);
#else
	return false;
#endif
}

size_t
aead_key_len(enum aead_kind kind)
{
	return kinds[kind].key_len;
}

static void
clear_thread_keys(void *p)
{
	struct thread_keys *t = p;

	for (int use = 0; use < USES; use++) {
		struct aead *a = &t->of[use];

		for (int i = 0; i < KINDS; i++)
			EVP_CIPHER_CTX_free(a->evp[i]);
		aead_mb_free(a->mb);
	}
	OPENSSL_cleanse(t, sizeof *t);
}

/* The thread's keys; NULL when memory is short. */
static struct thread_keys *
thread_keys(void)
{
	struct thread_keys *t = mine;

	if (t != NULL)
		return t;
	(void)pthread_once(&once, set_up);
	t = thread_memory_new(sizeof *t, clear_thread_keys);
	if (t == NULL)
		return NULL;
	t->of[AEAD_OPEN].use = AEAD_OPEN;
	mine = t;
	return t;
}

static int
load_mb(struct aead *a)
{
	if (a->mb == NULL)
		a->mb = aead_mb_new();
	if (a->mb == NULL)
		return -1;
	aead_mb_load(a->mb, a->kind, a->key);
	return 0;
}

static int
load_evp(struct aead *a)
{
	const int enc = a->use == AEAD_SEAL;
	EVP_CIPHER_CTX **ctx = &a->evp[a->kind];

	if (*ctx != NULL)
		return EVP_CipherInit_ex2(
			   *ctx, NULL, a->key, NULL, enc, NULL) == 1
		    ? 0
		    : -1;
	if (ciphers[a->kind] == NULL)
		return -1;
	*ctx = EVP_CIPHER_CTX_new();
	if (*ctx != NULL &&
	    EVP_CipherInit_ex2(
		*ctx, ciphers[a->kind], a->key, NULL, enc, NULL) == 1)
		return 0;
	EVP_CIPHER_CTX_free(*ctx);
	*ctx = NULL;
	return -1;
}

struct aead *
aead_load(enum aead_use use, enum aead_kind kind, const uint8_t *key)
{
	const size_t n = kinds[kind].key_len;
	struct thread_keys *t = thread_keys();
	const bool mb = by_mb();
	struct aead *a;

	if (t == NULL)
		return NULL;
	a = &t->of[use];
	if (a->loaded && a->kind == kind && a->by_mb == mb &&
	    CRYPTO_memcmp(a->key, key, n) == 0)
		return a;
	a->kind = kind;
	a->by_mb = mb;
	memcpy(a->key, key, n);
	a->loaded = (mb ? load_mb(a) : load_evp(a)) == 0;
	if (a->loaded)
		return a;
	forget(a); /* contexts may hold the key before, too */
	return NULL;
}

static int
seal_evp(struct aead *a, const struct aead_record *record, struct slice text,
    uint8_t last, uint8_t *out)
{
	EVP_CIPHER_CTX *c = a->evp[a->kind];
	int n;

	if (EVP_EncryptInit_ex2(c, NULL, NULL, record->nonce, NULL) != 1 ||
	    EVP_EncryptUpdate(c, NULL, &n, record->aad.p, (int)record->aad.n) !=
		1 ||
	    (text.n > 0 &&
		EVP_EncryptUpdate(c, out, &n, text.p, (int)text.n) != 1) ||
	    EVP_EncryptUpdate(c, out + text.n, &n, &last, 1) != 1 ||
	    EVP_EncryptFinal_ex(c, out + text.n + 1, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(
		c, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, out + text.n + 1) != 1)
		return -1;
	return 0;
}

int
aead_seal(struct aead *a, const struct aead_record *record, struct slice text,
    uint8_t last, uint8_t *out)
{
	assert(a->use == AEAD_SEAL && a->loaded);
	if (!a->by_mb)
		return seal_evp(a, record, text, last, out);
	aead_mb_seal(a->mb, record, text, last, out);
	return 0;
}

/* EVP compares the tag in constant time itself. */
static int
open_evp(struct aead *a, const struct aead_record *record, struct slice text,
    uint8_t *out, const uint8_t *tag)
{
	EVP_CIPHER_CTX *c = a->evp[a->kind];
	uint8_t want[AEAD_TAG];
	int n;

	memcpy(want, tag, AEAD_TAG); /* the call takes no const */
	if (EVP_DecryptInit_ex2(c, NULL, NULL, record->nonce, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, want) !=
		1 ||
	    EVP_DecryptUpdate(c, NULL, &n, record->aad.p, (int)record->aad.n) !=
		1 ||
	    (text.n > 0 &&
		EVP_DecryptUpdate(c, out, &n, text.p, (int)text.n) != 1) ||
	    EVP_DecryptFinal_ex(c, out + text.n, &n) != 1)
		return -1;
	return 0;
}

int
aead_open(struct aead *a, const struct aead_record *record, struct slice sealed,
    uint8_t *out)
{
	uint8_t tag[AEAD_TAG];
	struct slice text;
	bool good;

	assert(a->use == AEAD_OPEN && a->loaded);
	if (sealed.n < AEAD_TAG)
		return -1;
	text = slice_of(sealed.p, sealed.n - AEAD_TAG);
	if (a->by_mb) {
		aead_mb_open(a->mb, record, text, out, tag);
		good = CRYPTO_memcmp(tag, text.p + text.n, AEAD_TAG) == 0;
	} else {
		good = open_evp(a, record, text, out, text.p + text.n) == 0;
	}
	if (good)
		return 0;
	OPENSSL_cleanse(out, text.n);
	return -1;
}

/* Overwriting a context's key with another costs less than making it anew. */
static void
wipe_evp(struct aead *a)
{
	static const uint8_t zeros[AEAD_KEY_MAX];

	for (int i = 0; i < KINDS; i++)
		if (a->evp[i] != NULL)
			(void)EVP_CipherInit_ex2(
			    a->evp[i], NULL, zeros, NULL, -1, NULL);
}

static void
forget(struct aead *a)
{
	a->loaded = false;
	OPENSSL_cleanse(a->key, sizeof a->key);
	if (a->mb != NULL)
		aead_mb_wipe(a->mb);
	wipe_evp(a);
}

void
aead_forget(void)
{
	for (int use = 0; mine != NULL && use < USES; use++)
		if (mine->of[use].loaded)
			forget(&mine->of[use]);
}
