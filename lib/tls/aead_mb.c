/* aead_mb: see aead_mb.h. Without the library nothing here is usable. */
#include "aead_mb.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_IPSEC_MB

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>
#include <pthread.h>

struct aead_mb {
	struct gcm_key_data gcm;          /* first: wants its alignment */
	uint8_t chacha_key[AEAD_KEY_MAX]; /* ChaCha20 has no expanded form */
	enum aead_kind kind;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Immutable once set up. The direct calls use it as a table of functions. */
static IMB_MGR *mgr;

static void
set_up(void)
{
	IMB_ARCH arch = IMB_ARCH_NONE;
	IMB_MGR *m = alloc_mb_mgr(0);

	if (m == NULL)
		return;
	init_mb_mgr_auto(m, &arch);
	/* without AES instructions EVP's own code is the better one */
	if (imb_get_errno(m) != 0 || arch == IMB_ARCH_NONE ||
	    (m->features & IMB_FEATURE_AESNI) == 0 ||
	    (m->features & IMB_FEATURE_PCLMULQDQ) == 0) {
		free_mb_mgr(m);
		return;
	}
	mgr = m;
}

bool
aead_mb_usable(void)
{
	(void)pthread_once(&once, set_up);
	return mgr != NULL;
}

struct aead_mb *
aead_mb_new(void)
{
	static_assert(sizeof(struct aead_mb) % _Alignof(struct aead_mb) == 0,
	    "aligned_alloc wants a multiple");
	return aligned_alloc(_Alignof(struct aead_mb), sizeof(struct aead_mb));
}

void
aead_mb_wipe(struct aead_mb *m)
{
	OPENSSL_cleanse(m, sizeof *m);
}

void
aead_mb_free(struct aead_mb *m)
{
	if (m == NULL)
		return;
	aead_mb_wipe(m);
	free(m);
}

void
aead_mb_load(struct aead_mb *m, enum aead_kind kind, const uint8_t *key)
{
	m->kind = kind;
	switch (kind) {
	case AEAD_AES_128_GCM:
		IMB_AES128_GCM_PRE(mgr, key, &m->gcm);
		break;
	case AEAD_AES_256_GCM:
		IMB_AES256_GCM_PRE(mgr, key, &m->gcm);
		break;
	case AEAD_CHACHA20_POLY1305:
		memcpy(m->chacha_key, key, AEAD_KEY_MAX);
		break;
	}
}

/* The text and the last byte are two pieces, and copying them together would
 * cost more than the calls in pieces do. */
void
aead_mb_seal(struct aead_mb *m, const struct aead_record *record,
    struct slice text, uint8_t last, uint8_t *out)
{
	const uint8_t *iv = record->nonce, *aad = record->aad.p;
	uint8_t *tag = out + text.n + 1;
	struct chacha20_poly1305_context_data chacha;
	struct gcm_context_data gcm;
	const uint64_t n = text.n, aad_n = record->aad.n;

	switch (m->kind) {
	case AEAD_AES_128_GCM:
		IMB_AES128_GCM_INIT(mgr, &m->gcm, &gcm, iv, aad, aad_n);
		IMB_AES128_GCM_ENC_UPDATE(mgr, &m->gcm, &gcm, out, text.p, n);
		IMB_AES128_GCM_ENC_UPDATE(
		    mgr, &m->gcm, &gcm, out + n, &last, 1);
		IMB_AES128_GCM_ENC_FINALIZE(mgr, &m->gcm, &gcm, tag, AEAD_TAG);
		break;
	case AEAD_AES_256_GCM:
		IMB_AES256_GCM_INIT(mgr, &m->gcm, &gcm, iv, aad, aad_n);
		IMB_AES256_GCM_ENC_UPDATE(mgr, &m->gcm, &gcm, out, text.p, n);
		IMB_AES256_GCM_ENC_UPDATE(
		    mgr, &m->gcm, &gcm, out + n, &last, 1);
		IMB_AES256_GCM_ENC_FINALIZE(mgr, &m->gcm, &gcm, tag, AEAD_TAG);
		break;
	case AEAD_CHACHA20_POLY1305:
		IMB_CHACHA20_POLY1305_INIT(
		    mgr, m->chacha_key, &chacha, iv, aad, aad_n);
		IMB_CHACHA20_POLY1305_ENC_UPDATE(
		    mgr, m->chacha_key, &chacha, out, text.p, n);
		IMB_CHACHA20_POLY1305_ENC_UPDATE(
		    mgr, m->chacha_key, &chacha, out + n, &last, 1);
		IMB_CHACHA20_POLY1305_ENC_FINALIZE(mgr, &chacha, tag, AEAD_TAG);
		OPENSSL_cleanse(&chacha, sizeof chacha); /* has the key */
		break;
	}
}

void
aead_mb_open(struct aead_mb *m, const struct aead_record *record,
    struct slice text, uint8_t *out, uint8_t tag[static AEAD_TAG])
{
	const uint8_t *iv = record->nonce, *aad = record->aad.p;
	struct chacha20_poly1305_context_data chacha;
	struct gcm_context_data gcm;
	const uint64_t aad_n = record->aad.n;

	switch (m->kind) {
	case AEAD_AES_128_GCM:
		IMB_AES128_GCM_DEC(mgr, &m->gcm, &gcm, out, text.p, text.n, iv,
		    aad, aad_n, tag, AEAD_TAG);
		break;
	case AEAD_AES_256_GCM:
		IMB_AES256_GCM_DEC(mgr, &m->gcm, &gcm, out, text.p, text.n, iv,
		    aad, aad_n, tag, AEAD_TAG);
		break;
	case AEAD_CHACHA20_POLY1305:
		IMB_CHACHA20_POLY1305_INIT(
		    mgr, m->chacha_key, &chacha, iv, aad, aad_n);
		IMB_CHACHA20_POLY1305_DEC_UPDATE(
		    mgr, m->chacha_key, &chacha, out, text.p, text.n);
		IMB_CHACHA20_POLY1305_DEC_FINALIZE(mgr, &chacha, tag, AEAD_TAG);
		OPENSSL_cleanse(&chacha, sizeof chacha);
		break;
	}
}

#else /* no libipsec-mb */

bool
aead_mb_usable(void)
{
	return false;
}

struct aead_mb *
aead_mb_new(void)
{
	return NULL;
}

void
aead_mb_free(struct aead_mb *m)
{
	(void)m;
}

void
aead_mb_wipe(struct aead_mb *m)
{
	(void)m;
}

void
aead_mb_load(struct aead_mb *m, enum aead_kind kind, const uint8_t *key)
{
	(void)m, (void)kind, (void)key;
}

void
aead_mb_seal(struct aead_mb *m, const struct aead_record *record,
    struct slice text, uint8_t last, uint8_t *out)
{
	(void)m, (void)record, (void)text, (void)last, (void)out;
}

void
aead_mb_open(struct aead_mb *m, const struct aead_record *record,
    struct slice text, uint8_t *out, uint8_t tag[static AEAD_TAG])
{
	(void)m, (void)record, (void)text, (void)out, (void)tag;
}

#endif
