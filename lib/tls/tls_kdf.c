/* tls_kdf: see tls_kdf.h. */
#include "tls_kdf.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <string.h>

#define NAME "derpkit"

/* What OpenSSL asks for. */
struct request {
	int mode; /* EVP_KDF_HKDF_MODE_... */
	enum hkdf_hash hash;
	struct slice key, salt, prefix;
	struct hkdf_label label;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static OSSL_LIB_CTX *library; /* set up once, immutable then; NULL: failed */
static _Thread_local struct tls_kdf_secrets *watched; /* borrowed */

static int start_provider(const OSSL_CORE_HANDLE *handle,
    const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **ctx);

static void
set_up(void)
{
	OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();

	if (ctx == NULL)
		return;
	if (OSSL_PROVIDER_add_builtin(ctx, NAME, start_provider) == 1 &&
	    OSSL_PROVIDER_load(ctx, NAME) != NULL &&
	    OSSL_PROVIDER_load(ctx, "default") != NULL)
		library = ctx;
	else
		OSSL_LIB_CTX_free(ctx);
}

OSSL_LIB_CTX *
tls_kdf_library(void)
{
	(void)pthread_once(&once, set_up);
	return library;
}

void
tls_kdf_watch(struct tls_kdf_secrets *secrets)
{
	watched = secrets;
}

/* Bytes of a parameter, borrowed; no bytes when it is not there. */
static struct slice
bytes_of(const OSSL_PARAM *params, const char *name)
{
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, name);

	if (p == NULL || p->data_type != OSSL_PARAM_OCTET_STRING)
		return slice_of(NULL, 0);
	return slice_of(p->data, p->data_size);
}

static bool
hash_of(const OSSL_PARAM *params, enum hkdf_hash *hash)
{
	const OSSL_PARAM *p =
	    OSSL_PARAM_locate_const(params, OSSL_KDF_PARAM_DIGEST);
	struct slice name;

	if (p == NULL || p->data_type != OSSL_PARAM_UTF8_STRING)
		return false;
	name = slice_of(p->data, strnlen(p->data, p->data_size));
	*hash =
	    slice_is_nocase(name, "SHA2-384") || slice_is_nocase(name, "SHA384")
	    ? HKDF_SHA384
	    : HKDF_SHA256;
	return *hash == HKDF_SHA384 || slice_is_nocase(name, "SHA2-256") ||
	    slice_is_nocase(name, "SHA256");
}

static bool
read_request(const OSSL_PARAM *params, struct request *r)
{
	const OSSL_PARAM *mode =
	    OSSL_PARAM_locate_const(params, OSSL_KDF_PARAM_MODE);

	*r = (struct request){
		.key = bytes_of(params, OSSL_KDF_PARAM_KEY),
		.salt = bytes_of(params, OSSL_KDF_PARAM_SALT),
		.prefix = bytes_of(params, OSSL_KDF_PARAM_PREFIX),
		.label = { bytes_of(params, OSSL_KDF_PARAM_LABEL),
		    bytes_of(params, OSSL_KDF_PARAM_DATA) },
	};
	return mode != NULL && OSSL_PARAM_get_int(mode, &r->mode) == 1 &&
	    hash_of(params, &r->hash) && slice_is(r->prefix, "tls13 ");
}

/* Tells the traffic secrets to who watches. */
static void
tell(struct slice label, const uint8_t *secret, size_t n)
{
	if (watched == NULL || n > HKDF_HASH_MAX)
		return;
	if (slice_is(label, "c ap traffic")) {
		memcpy(watched->client, secret, n);
		watched->client_n = n;
	} else if (slice_is(label, "s ap traffic")) {
		memcpy(watched->server, secret, n);
		watched->server_n = n;
	}
}

static int
expand(const struct request *r, uint8_t *out, size_t n)
{
	if (r->key.n != hkdf_hash_len(r->hash) ||
	    hkdf_expand_label(r->hash, r->key.p, &r->label, out, n) == -1)
		return -1;
	tell(r->label.label, out, n);
	return 0;
}

/* The next secret of the schedule: extracted with a salt that is derived from
 * the secret before it. Where there is none, zeros take its place. */
static int
extract(const struct request *r, uint8_t *out, size_t n)
{
	static const uint8_t zeros[HKDF_HASH_MAX];
	const size_t len = hkdf_hash_len(r->hash);
	uint8_t empty[HKDF_HASH_MAX], salt[HKDF_HASH_MAX] = { 0 };
	const struct hkdf_label derived = { r->label.label,
		slice_of(empty, len) };
	int result = -1;

	if (n == len && (r->salt.n == 0 || r->salt.n == len) &&
	    hkdf_digest(r->hash, slice_of(NULL, 0), empty) == 0 &&
	    (r->salt.n == 0 ||
		hkdf_expand_label(r->hash, r->salt.p, &derived, salt, len) ==
		    0))
		result = hkdf_extract(r->hash, slice_of(salt, len),
		    r->key.p != NULL ? r->key : slice_of(zeros, len), out);
	OPENSSL_cleanse(salt, sizeof salt);
	return result;
}

static int
derive(void *ctx, unsigned char *out, size_t n, const OSSL_PARAM params[])
{
	struct request r;

	(void)ctx;
	if (!read_request(params, &r))
		return 0;
	switch (r.mode) {
	case EVP_KDF_HKDF_MODE_EXTRACT_ONLY:
		return extract(&r, out, n) == 0;
	case EVP_KDF_HKDF_MODE_EXPAND_ONLY:
		return expand(&r, out, n) == 0;
	default:
		return 0;
	}
}

/* All that a derivation needs comes with it: there is no context to keep, but
 * there has to be one. */
static void *
new_context(void *provider)
{
	return provider;
}

static void
free_context(void *ctx)
{
	(void)ctx;
}

static const OSSL_ALGORITHM *
algorithms(void *provider, int operation, int *no_cache)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_KDF_NEWCTX, (void (*)(void))new_context },
		{ OSSL_FUNC_KDF_FREECTX, (void (*)(void))free_context },
		{ OSSL_FUNC_KDF_DERIVE, (void (*)(void))derive },
		{ 0, NULL },
	};
	static const OSSL_ALGORITHM kdfs[] = {
		{ OSSL_KDF_NAME_TLS1_3_KDF, "provider=" NAME, functions,
		    "TLS 1.3 key derivation" },
		{ NULL, NULL, NULL, NULL },
	};

	(void)provider;
	*no_cache = 0;
	return operation == OSSL_OP_KDF ? kdfs : NULL;
}

static int
start_provider(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **ctx)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION,
		    (void (*)(void))algorithms },
		{ 0, NULL },
	};
	static char context; /* something to point at */

	(void)handle, (void)in;
	*out = functions;
	*ctx = &context;
	return 1;
}
