/* tls_kdf: every derivation against OpenSSL's own, and who gets to know the
 * traffic secrets. */
#include "check.h"

#include "tls_kdf.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define UNKNOWN 99 /* no mode of a KDF */

/* What is asked for; a slice without bytes is left out. */
struct request {
	const char *digest;
	int mode;
	struct slice key, salt, prefix, label, data;
};

static uint8_t random_bytes[2][HKDF_HASH_MAX];

static void
add(OSSL_PARAM **p, const char *name, struct slice s)
{
	static uint8_t copies[8][256];
	static unsigned next;
	uint8_t *copy = copies[next++ % 8];

	if (s.p == NULL)
		return;
	check(s.n <= sizeof copies[0]);
	memcpy(copy, s.p, s.n);
	*(*p)++ = OSSL_PARAM_construct_octet_string(name, copy, s.n);
}

/* n bytes by ours or by OpenSSL's. */
static int
derive(bool ours, const struct request *r, uint8_t *out, size_t n)
{
	OSSL_LIB_CTX *library = ours ? tls_kdf_library() : NULL;
	EVP_KDF *kdf = EVP_KDF_fetch(
	    library, "TLS13-KDF", ours ? TLS_KDF_PROPERTIES : NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM params[8], *p = params;
	char digest[32];
	int mode = r->mode, ok;

	check(kdf != NULL && ctx != NULL);
	check_text(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf)),
	    ours ? "derpkit" : "default");
	snprintf(digest, sizeof digest, "%s", r->digest);
	*p++ =
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	*p++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	add(&p, OSSL_KDF_PARAM_KEY, r->key);
	add(&p, OSSL_KDF_PARAM_SALT, r->salt);
	add(&p, OSSL_KDF_PARAM_PREFIX, r->prefix);
	add(&p, OSSL_KDF_PARAM_LABEL, r->label);
	add(&p, OSSL_KDF_PARAM_DATA, r->data);
	*p = OSSL_PARAM_construct_end();
	ok = EVP_KDF_derive(ctx, out, n, params);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	ERR_clear_error();
	return ok;
}

static void
check_same(const struct request *r, size_t n)
{
	uint8_t want[HKDF_HASH_MAX] = { 0 }, got[HKDF_HASH_MAX] = { 0 };

	check_int(derive(false, r, want, n), 1);
	check_int(derive(true, r, got, n), 1);
	check_bytes(got, want, sizeof got);
}

static const struct {
	const char *digest;
	size_t n;
} hashes[] = { { "SHA2-256", 32 }, { "SHA256", 32 }, { "SHA2-384", 48 },
	{ "SHA384", 48 } };

#define HASHES (sizeof hashes / sizeof hashes[0])

/* The steps of RFC 8446 §7.1, with and without a secret before and a secret
 * that goes in. */
static void
tls_kdf_extracts_as_openssl_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < 6 * HASHES; i++) {
		const size_t n = hashes[i % HASHES].n;
		struct request r = { .digest = hashes[i % HASHES].digest,
			.mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY,
			.prefix = slice_str("tls13 "),
			.label = slice_str("derived") };

		check_int(RAND_bytes(random_bytes[0], HKDF_HASH_MAX), 1);
		check_int(RAND_bytes(random_bytes[1], HKDF_HASH_MAX), 1);
		if (i / HASHES % 2 == 1)
			r.salt = slice_of(random_bytes[0], n);
		/* a shared secret may be of any length: P-256, X25519, P-384 */
		if (i / HASHES / 2 > 0)
			r.key = slice_of(
			    random_bytes[1], i / HASHES / 2 == 2 ? 48 : 32);
		check_same(&r, n);
	}
}

static void
tls_kdf_expands_as_openssl_does(void **state)
{
	static const char *const labels[] = { "key", "iv", "finished",
		"derived", "c hs traffic", "s ap traffic", "exp master",
		"res master", "traffic upd", "resumption" };

	(void)state;
	for (size_t i = 0; i < HASHES; i++)
		for (size_t l = 0; l < sizeof labels / sizeof labels[0]; l++) {
			const size_t n = hashes[i].n;
			struct request r = { .digest = hashes[i].digest,
				.mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY,
				.key = slice_of(random_bytes[0], n),
				.prefix = slice_str("tls13 "),
				.label = slice_str(labels[l]) };

			check_int(
			    RAND_bytes(random_bytes[0], HKDF_HASH_MAX), 1);
			check_same(&r, 12);
			check_same(&r, n);
			r.data = slice_of(random_bytes[1], n);
			check_same(&r, 16);
			check_same(&r, n);
		}
}

/* Nothing else is derived, least of all something wrong. */
static void
tls_kdf_refuses_the_rest(void **state)
{
	const struct request good = { .digest = "SHA2-256",
		.mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY,
		.key = slice_of(random_bytes[0], 32),
		.prefix = slice_str("tls13 "),
		.label = slice_str("key") };
	uint8_t out[2 * HKDF_HASH_MAX], longest[200] = { 0 };
	struct request r[7];

	(void)state;
	check_int(derive(true, &good, out, 32), 1);
	check_int(derive(true, &good, out, 33), 0);
	for (size_t i = 0; i < 7; i++)
		r[i] = good;
	r[0].digest = "SHA2-512";
	r[1].mode = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND;
	r[2].mode = UNKNOWN;
	r[3].key = slice_of(random_bytes[0], 31);
	r[4].prefix = slice_str("dtls13");
	r[5].label = slice_of(longest, sizeof longest);
	r[6].mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
	r[6].salt = slice_of(random_bytes[0], 20);
	for (size_t i = 0; i < 7; i++)
		check_int(derive(true, &r[i], out, 32), 0);
	r[6].salt = slice_of(NULL, 0);
	check_int(derive(true, &r[6], out, 32), 1);
	check_int(derive(true, &r[6], out, 16), 0);
}

static void
tls_kdf_tells_who_watches(void **state)
{
	struct request r = { .digest = "SHA2-384",
		.mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY,
		.key = slice_of(random_bytes[0], 48),
		.prefix = slice_str("tls13 "),
		.data = slice_of(random_bytes[1], 48) };
	struct tls_kdf_secrets secrets = { 0 };
	uint8_t client[48], server[48], other[48];

	(void)state;
	tls_kdf_watch(&secrets);
	r.label = slice_str("c hs traffic");
	check_int(derive(true, &r, other, 48), 1);
	check_size(secrets.client_n + secrets.server_n, 0);
	r.label = slice_str("c ap traffic");
	check_int(derive(true, &r, client, 48), 1);
	check_size(secrets.client_n, 48);
	check_size(secrets.server_n, 0);
	r.label = slice_str("s ap traffic");
	check_int(derive(true, &r, server, 48), 1);
	check_size(secrets.server_n, 48);
	check_bytes(secrets.client, client, 48);
	check_bytes(secrets.server, server, 48);
	/* and nobody else */
	tls_kdf_watch(NULL);
	memset(&secrets, 0, sizeof secrets);
	check_int(derive(true, &r, server, 48), 1);
	check_size(secrets.client_n + secrets.server_n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_kdf_extracts_as_openssl_does),
		cmocka_unit_test(tls_kdf_expands_as_openssl_does),
		cmocka_unit_test(tls_kdf_refuses_the_rest),
		cmocka_unit_test(tls_kdf_tells_who_watches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
