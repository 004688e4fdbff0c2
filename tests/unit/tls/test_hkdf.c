/* hkdf: vectors, and what may not be. Whole derivations are compared with
 * OpenSSL's in test_tls_kdf. */
#include "check.h"
#include "memory_scan.h"

#include "hkdf.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

/* RFC 5869 §A.1 to A.3: PRK of SHA-256. */
static void
hkdf_extracts_as_rfc5869(void **state)
{
	static const uint8_t prk1[] = { 0x07, 0x77, 0x09, 0x36, 0x2c, 0x2e,
		0x32, 0xdf, 0x0d, 0xdc, 0x3f, 0x0d, 0xc4, 0x7b, 0xba, 0x63,
		0x90, 0xb6, 0xc7, 0x3b, 0xb5, 0x0f, 0x9c, 0x31, 0x22, 0xec,
		0x84, 0x4a, 0xd7, 0xc2, 0xb3, 0xe5 };
	static const uint8_t prk3[] = { 0x19, 0xef, 0x24, 0xa3, 0x2c, 0x71,
		0x7b, 0x16, 0x7f, 0x33, 0xa9, 0x1d, 0x6f, 0x64, 0x8b, 0xdf,
		0x96, 0x59, 0x67, 0x76, 0xaf, 0xdb, 0x63, 0x77, 0xac, 0x43,
		0x4c, 0x1c, 0x29, 0x3c, 0xcb, 0x04 };
	uint8_t secret[22], salt[13], out[HKDF_HASH_MAX];

	(void)state;
	memset(secret, 0x0b, sizeof secret);
	for (uint8_t i = 0; i < sizeof salt; i++)
		salt[i] = i;
	check_int(hkdf_extract(HKDF_SHA256, slice_of(salt, sizeof salt),
		      slice_of(secret, sizeof secret), out),
	    0);
	check_bytes(out, prk1, sizeof prk1);
	check_int(hkdf_extract(HKDF_SHA256, slice_of(NULL, 0),
		      slice_of(secret, sizeof secret), out),
	    0);
	check_bytes(out, prk3, sizeof prk3);
	/* the salt that TLS has is never longer than a hash */
	check_int(hkdf_extract(HKDF_SHA256, slice_of(prk1, sizeof prk1),
		      slice_of(secret, sizeof secret), out),
	    0);
	check_int(hkdf_extract(HKDF_SHA256, slice_of(out, 33),
		      slice_of(secret, sizeof secret), out),
	    -1);
}

/* FIPS 180-4's examples: SHA-256 and SHA-384 of "abc". */
static void
hkdf_digests(void **state)
{
	static const uint8_t want256[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01,
		0xcf, 0xea };
	static const uint8_t want384[] = { 0xcb, 0x00, 0x75, 0x3f, 0x45, 0xa3,
		0x5e, 0x8b };
	uint8_t out[HKDF_HASH_MAX];

	(void)state;
	check_size(hkdf_hash_len(HKDF_SHA256), 32);
	check_size(hkdf_hash_len(HKDF_SHA384), 48);
	for (int i = 0; i < 2; i++) {
		check_int(hkdf_digest(HKDF_SHA256, slice_str("abc"), out), 0);
		check_bytes(out, want256, sizeof want256);
		check_int(hkdf_digest(HKDF_SHA384, slice_str("abc"), out), 0);
		check_bytes(out, want384, sizeof want384);
	}
}

static void
hkdf_expands_no_more_than_a_hash(void **state)
{
	static const uint8_t secret[HKDF_HASH_MAX], text[200];
	struct hkdf_label label = { .label = slice_str("key") };
	uint8_t out[HKDF_HASH_MAX + 1];

	(void)state;
	for (int i = 0; i < 2; i++) {
		const enum hkdf_hash hash = (enum hkdf_hash)i;
		const size_t n = hkdf_hash_len(hash);

		memset(out, 0x55, sizeof out);
		check_int(hkdf_expand_label(hash, secret, &label, out, n), 0);
		check_int(out[n], 0x55); /* nothing after it */
		check_int(
		    hkdf_expand_label(hash, secret, &label, out, n + 1), -1);
	}
	label.label = slice_of(text, sizeof text);
	check_int(hkdf_expand_label(HKDF_SHA256, secret, &label, out, 16), -1);
	label = (struct hkdf_label){ .context = slice_of(text, sizeof text) };
	check_int(hkdf_expand_label(HKDF_SHA256, secret, &label, out, 16), -1);
}

/* Threads have contexts of their own, and take them along. */
static void *
derive_often(void *arg)
{
	uint8_t secret[HKDF_HASH_MAX] = { 0 };
	const struct hkdf_label label = { .label = slice_str("traffic upd") };

	for (int i = 0; i < 1000; i++)
		if (hkdf_expand_label(
			HKDF_SHA384, secret, &label, secret, 48) == -1)
			return NULL;
	memcpy(arg, secret, sizeof secret);
	OPENSSL_thread_stop();
	return arg;
}

static void
hkdf_works_in_threads(void **state)
{
	uint8_t out[4][HKDF_HASH_MAX] = { { 0 } };
	pthread_t threads[4];
	void *result;

	(void)state;
	for (int i = 0; i < 4; i++)
		check_int(
		    pthread_create(&threads[i], NULL, derive_often, out[i]), 0);
	for (int i = 0; i < 4; i++) {
		check_int(pthread_join(threads[i], &result), 0);
		check(result == out[i]);
		check_bytes(out[i], out[0], HKDF_HASH_MAX);
	}
}

/* As the hash has it in its state: words of n bytes, in this machine's order.
 */
static void
to_words(uint8_t *p, size_t len, size_t n)
{
	const uint16_t one = 1;

	if (*(const uint8_t *)&one == 0)
		return;
	for (uint8_t *word = p; word < p + len; word += n)
		for (size_t i = 0; i < n / 2; i++) {
			const uint8_t byte = word[i];

			word[i] = word[n - 1 - i];
			word[n - 1 - i] = byte;
		}
}

/* The state of a hash after its end is its result, and of HMAC's outer hash
 * that is the derived secret. */
static void
hkdf_leaves_no_secret_in_its_hashes(void **state)
{
	static const uint8_t secret[HKDF_HASH_MAX] = { 3 };
	static const struct {
		enum hkdf_hash hash;
		size_t word;
	} cases[] = { { HKDF_SHA256, 4 }, { HKDF_SHA384, 8 } };
	const struct hkdf_label label = { .label = slice_str("key") };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const size_t n = hkdf_hash_len(cases[i].hash);
		uint8_t out[HKDF_HASH_MAX];
		const struct memory_scan scan = { .masked = out };

		check_int(
		    hkdf_expand_label(cases[i].hash, secret, &label, out, n),
		    0);
		memory_scan_mask(out, n);
		to_words(out, n, cases[i].word);
		check_size(memory_scan(&scan), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hkdf_extracts_as_rfc5869),
		cmocka_unit_test(hkdf_digests),
		cmocka_unit_test(hkdf_expands_no_more_than_a_hash),
		cmocka_unit_test(hkdf_works_in_threads),
		cmocka_unit_test(hkdf_leaves_no_secret_in_its_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
