/* aead: both makers give the same bytes and refuse the same ones. */
#include "aead.h"

#include "check.h"
#include "fake_alloc.h"
#include "memory_scan.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#define ROOM 17000

static uint8_t text[ROOM], evp[ROOM + 32], mb[ROOM + 32], back[ROOM + 32];
static uint8_t key[AEAD_KEY_MAX], nonce[AEAD_NONCE], aad[5];

static const enum aead_kind kinds[] = { AEAD_AES_128_GCM, AEAD_AES_256_GCM,
	AEAD_CHACHA20_POLY1305 };

static void
draw(void)
{
	randombytes_buf(text, sizeof text);
	randombytes_buf(key, sizeof key);
	randombytes_buf(nonce, sizeof nonce);
	randombytes_buf(aad, sizeof aad);
}

static int
seal(enum aead_kind kind, size_t n, uint8_t *out)
{
	const struct aead_record r = { nonce, { aad, sizeof aad } };
	struct aead *a = aead_load(AEAD_SEAL, kind, key);

	check(a != NULL);
	return aead_seal(a, &r, slice_of(text, n), 23, out);
}

static int
open_sealed(enum aead_kind kind, const uint8_t *sealed, size_t n)
{
	const struct aead_record r = { nonce, { aad, sizeof aad } };
	struct aead *a = aead_load(AEAD_OPEN, kind, key);

	check(a != NULL);
	return aead_open(a, &r, slice_of(sealed, n), back);
}

static void
check_makers_agree(enum aead_kind kind, size_t n)
{
	draw();
	check_int(aead_select(AEAD_EVP), 0);
	check_text(aead_name(), "evp");
	check_int(seal(kind, n, evp), 0);
	if (aead_select(AEAD_IPSEC_MB) == -1)
		return;
	check_text(aead_name(), "ipsec-mb");
	check_int(seal(kind, n, mb), 0);
	check_bytes(mb, evp, n + 1 + AEAD_TAG);
	for (int maker = AEAD_EVP; maker <= AEAD_IPSEC_MB; maker++) {
		check_int(aead_select((enum aead_maker)maker), 0);
		memset(back, 0, sizeof back);
		check_int(open_sealed(kind, evp, n + 1 + AEAD_TAG), 0);
		check_bytes(back, text, n);
		check_int(back[n], 23);
	}
}

static void
aead_makers_agree(void **state)
{
	(void)state;
	for (size_t k = 0; k < 3; k++) {
		for (size_t n = 0; n < 700; n++)
			check_makers_agree(kinds[k], n);
		for (size_t n = 16300; n <= 16385; n += 17)
			check_makers_agree(kinds[k], n);
		for (size_t i = 0; i < 200; i++)
			check_makers_agree(
			    kinds[k], randombytes_uniform(16385));
	}
}

static void
aead_refuses_what_was_changed(void **state)
{
	(void)state;
	for (int maker = AEAD_EVP; maker <= AEAD_IPSEC_MB; maker++) {
		if (aead_select((enum aead_maker)maker) == -1)
			continue;
		for (size_t k = 0; k < 3; k++) {
			const size_t n = 40 + 1 + AEAD_TAG;

			draw();
			check_int(seal(kinds[k], 40, evp), 0);
			for (size_t bit = 0; bit < n * 8; bit++) {
				evp[bit / 8] ^= (uint8_t)(1 << bit % 8);
				memset(back, 1, sizeof back);
				check_int(open_sealed(kinds[k], evp, n), -1);
				/* nothing of it is left to be used */
				for (size_t i = 0; i < 41; i++)
					check_int(back[i], 0);
				evp[bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
			for (size_t cut = 0; cut < n; cut++)
				check_int(open_sealed(kinds[k], evp, cut), -1);
			nonce[3] ^= 1;
			check_int(open_sealed(kinds[k], evp, n), -1);
			nonce[3] ^= 1;
			aad[0] ^= 1;
			check_int(open_sealed(kinds[k], evp, n), -1);
			aad[0] ^= 1;
			key[15] ^= 1;
			check_int(open_sealed(kinds[k], evp, n), -1);
			key[15] ^= 1;
			check_int(open_sealed(kinds[k], evp, n), 0);
		}
	}
}

static void
aead_switches_keys_and_forgets(void **state)
{
	(void)state;
	for (int maker = AEAD_EVP; maker <= AEAD_IPSEC_MB; maker++) {
		if (aead_select((enum aead_maker)maker) == -1)
			continue;
		for (size_t k = 0; k < 3; k++) {
			draw();
			check_int(seal(kinds[k], 100, evp), 0);
			key[0] ^= 1;
			check_int(seal(kinds[k], 100, mb), 0);
			check(memcmp(evp, mb, 100) != 0);
			aead_forget();
			key[0] ^= 1;
			check_int(seal(kinds[k], 100, mb), 0);
			check_bytes(mb, evp, 100 + 1 + AEAD_TAG);
			aead_forget();
			check_int(open_sealed(kinds[k], evp, 117), 0);
		}
	}
}

/* Expanded keys begin with the raw key (AES, FIPS 197 §5.2, but for some
 * implementations) or are that (ChaCha20): after aead_forget there is ours and
 * no other copy. */
static void
aead_forgets_every_copy(void **state)
{
	(void)state;
	for (int maker = AEAD_EVP; maker <= AEAD_IPSEC_MB; maker++) {
		if (aead_select((enum aead_maker)maker) == -1)
			continue;
		for (size_t k = 0; k < 3; k++) {
			uint8_t masked[MEMORY_SCAN_N];
			const struct memory_scan scan = { .masked = masked };

			draw();
			memcpy(masked, key, sizeof masked);
			memory_scan_mask(masked, sizeof masked);
			check_size(memory_scan(&scan), 1);
			check_int(seal(kinds[k], 100, evp), 0);
			check_int(open_sealed(kinds[k], evp, 117), 0);
			/* each use has it raw; expanded, it may look
			 * different */
			check(memory_scan(&scan) >= 3);
			aead_forget();
			check_size(memory_scan(&scan), 1);
		}
	}
}

static void *
ssl_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return fake_alloc_malloc(n);
}

static void *
ssl_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return realloc(p, n);
}

static void
ssl_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

/* Memory is short at each place in turn, while the contexts are still to be
 * made: neither the key that could not be expanded is kept nor the one before.
 */
static void
aead_keeps_no_key_when_memory_is_short(void **state)
{
	uint8_t masked[MEMORY_SCAN_N];
	const struct memory_scan scan = { .masked = masked };
	struct aead *a;
	size_t n = 0, refused = 0;

	(void)state;
	check_int(aead_select(AEAD_EVP), 0);
	/* OpenSSL sets itself up */
	check(aead_load(AEAD_OPEN, AEAD_CHACHA20_POLY1305, key) != NULL);
	do {
		draw();
		memcpy(masked, key, sizeof masked);
		memory_scan_mask(masked, sizeof masked);
		check(aead_load(AEAD_SEAL, AEAD_AES_128_GCM, key) != NULL);
		fake_alloc_fail_at(++n);
		a = aead_load(AEAD_SEAL, AEAD_AES_256_GCM, key);
		refused += a == NULL;
		if (a == NULL)
			check_size(memory_scan(&scan), 1); /* ours */
		aead_forget();
		check_size(memory_scan(&scan), 1);
	} while (fake_alloc_failed());
	check(refused >= 2);
	check(a != NULL);
}

static void *
use_in_thread(void *arg)
{
	uint8_t mine[300], opened[300], own_key[AEAD_KEY_MAX] = { 1 };
	const struct aead_record r = { nonce, { aad, sizeof aad } };
	int *bad = arg;

	for (int i = 0; i < 500; i++) {
		struct aead *a;

		own_key[1] = (uint8_t)(i & 0xff);
		a = aead_load(AEAD_SEAL, kinds[i % 3], own_key);
		if (a == NULL ||
		    aead_seal(a, &r, slice_of(text, 200), 23, mine) == -1)
			++*bad;
		a = aead_load(AEAD_OPEN, kinds[i % 3], own_key);
		if (a == NULL ||
		    aead_open(a, &r, slice_of(mine, 217), opened) == -1)
			++*bad;
	}
	return NULL;
}

static void
aead_threads_have_keys_of_their_own(void **state)
{
	int bad[4] = { 0 };
	pthread_t threads[4];

	(void)state;
	check_int(aead_select(AEAD_BEST), 0);
	draw();
	for (int i = 0; i < 4; i++)
		check_int(
		    pthread_create(&threads[i], NULL, use_in_thread, &bad[i]),
		    0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		check_int(bad[i], 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		/* first, as there are no contexts yet */
		cmocka_unit_test(aead_keeps_no_key_when_memory_is_short),
		cmocka_unit_test(aead_makers_agree),
		cmocka_unit_test(aead_refuses_what_was_changed),
		cmocka_unit_test(aead_switches_keys_and_forgets),
		cmocka_unit_test(aead_forgets_every_copy),
		cmocka_unit_test(aead_threads_have_keys_of_their_own),
	};

	if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1 ||
	    sodium_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
