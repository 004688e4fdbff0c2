/* tls_record: vectors of RFC 8448 §3, and records that must be refused. */
#include "tls_record.h"

#include "vectors.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define VECTORS "tls13.txt"
#define ROOM 40000

static uint8_t wire_bytes[ROOM], plain_bytes[ROOM];

static const enum aead_kind kinds[] = { AEAD_AES_128_GCM, AEAD_AES_256_GCM,
	AEAD_CHACHA20_POLY1305 };

static void
set_key(struct tls_record_key *k, const char *name)
{
	uint8_t secret[TLS_RECORD_SECRET_MAX];

	check_size(vector_get(VECTORS, name, secret, sizeof secret), 32);
	check_int(tls_record_key_set(k, AEAD_AES_128_GCM, secret), 0);
}

static struct aead *
load(enum aead_use use, enum aead_kind kind, const struct tls_record_key *k)
{
	struct aead *a = aead_load(use, kind, k->key);

	check(a != NULL);
	return a;
}

static void
tls_record_derives_keys_of_rfc8448(void **state)
{
	struct tls_record_key k;
	uint8_t want[32];

	(void)state;
	set_key(&k, "client_secret");
	vector_get(VECTORS, "client_key", want, sizeof want);
	check_bytes(k.key, want, 16);
	vector_get(VECTORS, "client_iv", want, sizeof want);
	check_bytes(k.iv, want, 12);
	check_size(k.seq, 0);
	set_key(&k, "server_secret");
	vector_get(VECTORS, "server_key", want, sizeof want);
	check_bytes(k.key, want, 16);
	vector_get(VECTORS, "server_iv", want, sizeof want);
	check_bytes(k.iv, want, 12);
}

/* Opens the vector as record seq, and seals the same again. */
static void
check_vector(const char *secret, const char *name, uint64_t seq,
    enum tls_record_type type, struct slice content)
{
	struct tls_record_key k;
	struct tls_record record;
	uint8_t bytes[128];
	struct slice in =
	    slice_of(bytes, vector_get(VECTORS, name, bytes, sizeof bytes));
	const struct slice whole = in;
	struct writer plain = writer_of(plain_bytes, ROOM);
	struct writer wire = writer_of(wire_bytes, ROOM);

	set_key(&k, secret);
	k.seq = seq;
	check_int(tls_record_open(&k, load(AEAD_OPEN, AEAD_AES_128_GCM, &k),
		      &in, &plain, &record),
	    TLS_RECORD_OK);
	check_size(in.n, 0);
	check_size(plain.n, 0);
	check_size(k.seq, seq + 1);
	check_int(record.type, type);
	check_slice(record.content, content);
	k.seq = seq;
	check_int(tls_record_seal(&k, load(AEAD_SEAL, AEAD_AES_128_GCM, &k),
		      type, content, &wire),
	    0);
	check_slice(writer_slice(&wire), whole);
	check_size(k.seq, seq + 1);
}

static void
tls_record_protects_as_rfc8448(void **state)
{
	static const uint8_t close[] = { 1, 0 };
	uint8_t data[50];

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)i;
	for (int maker = AEAD_EVP; maker <= AEAD_IPSEC_MB; maker++) {
		if (aead_select((enum aead_maker)maker) == -1)
			continue;
		check_vector("client_secret", "client_data_0", 0,
		    TLS_RECORD_DATA, slice_of(data, sizeof data));
		check_vector("client_secret", "client_alert_1", 1,
		    TLS_RECORD_ALERT, slice_of(close, 2));
		check_vector("server_secret", "server_data_1", 1,
		    TLS_RECORD_DATA, slice_of(data, sizeof data));
		check_vector("server_secret", "server_alert_2", 2,
		    TLS_RECORD_ALERT, slice_of(close, 2));
	}
	check_int(aead_select(AEAD_BEST), 0);
}

static void
tls_record_moves_to_the_next_secret(void **state)
{
	struct tls_record_key k, first;
	const uint8_t secret[48] = { 7 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		check_int(tls_record_key_set(&k, kinds[i], secret), 0);
		first = k;
		k.seq = 9;
		check_int(tls_record_key_next(&k, kinds[i]), 0);
		check_size(k.seq, 0);
		check(memcmp(k.secret, first.secret, 32) != 0);
		check(memcmp(k.key, first.key, 16) != 0);
		check(memcmp(k.iv, first.iv, 12) != 0);
		tls_record_key_wipe(&k);
		for (size_t at = 0; at < sizeof k; at++)
			check_int(((uint8_t *)&k)[at], 0);
	}
}

/* A record with any inner plaintext, type and padding included. */
static struct slice
sealed(struct tls_record_key *k, enum aead_kind kind, struct slice inner)
{
	static uint8_t bytes[ROOM];
	struct writer w = writer_of(bytes, sizeof bytes);
	uint8_t nonce[AEAD_NONCE];
	const struct aead_record r = { nonce, { bytes, 5 } };

	check(inner.n > 0);
	memcpy(nonce, k->iv, sizeof nonce);
	for (int i = 0; i < 8; i++)
		nonce[11 - i] ^= (uint8_t)(k->seq >> (8 * i));
	writer_u8(&w, 23);
	writer_u16(&w, 0x0303);
	writer_u16(&w, (uint16_t)(inner.n + AEAD_TAG));
	check_int(aead_seal(load(AEAD_SEAL, kind, k), &r,
		      slice_of(inner.p, inner.n - 1), inner.p[inner.n - 1],
		      bytes + 5),
	    0);
	return slice_of(bytes, 5 + inner.n + AEAD_TAG);
}

static enum tls_record_status
open_inner(
    size_t content_n, uint8_t type, size_t padding, struct tls_record *record)
{
	static uint8_t inner[ROOM];
	const uint8_t secret[48] = { 3 };
	struct writer plain = writer_of(plain_bytes, ROOM);
	struct tls_record_key k;
	struct slice in;

	memset(inner, 'x', content_n);
	inner[content_n] = type;
	memset(inner + content_n + 1, 0, padding);
	check_int(tls_record_key_set(&k, AEAD_AES_128_GCM, secret), 0);
	in = sealed(
	    &k, AEAD_AES_128_GCM, slice_of(inner, content_n + 1 + padding));
	return tls_record_open(
	    &k, load(AEAD_OPEN, AEAD_AES_128_GCM, &k), &in, &plain, record);
}

static void
tls_record_strips_padding(void **state)
{
	struct tls_record record;

	(void)state;
	for (size_t padding = 0; padding <= 200; padding += 40) {
		check_int(open_inner(16384 - padding, 23, padding, &record),
		    TLS_RECORD_OK);
		check_size(record.content.n, 16384 - padding);
		check_int(open_inner(0, 22, padding, &record), TLS_RECORD_OK);
		check_int(record.type, 22);
		check_size(record.content.n, 0);
	}
	check_int(open_inner(0, 23, 16384, &record), TLS_RECORD_OK);
}

static void
tls_record_refuses_bad_inner_plaintext(void **state)
{
	struct tls_record record;

	(void)state;
	check_int(open_inner(0, 0, 20, &record), TLS_RECORD_BAD);
	check_int(record.alert, TLS_ALERT_UNEXPECTED_MESSAGE);
	check_int(open_inner(16385, 23, 0, &record), TLS_RECORD_BAD);
	check_int(record.alert, TLS_ALERT_RECORD_OVERFLOW);
	check_int(open_inner(16385, 23, 100, &record), TLS_RECORD_BAD);
	check_int(record.alert, TLS_ALERT_RECORD_OVERFLOW);
	/* padding counts (RFC 8446 §5.4), also where nothing else is there */
	check_int(open_inner(16384, 23, 1, &record), TLS_RECORD_BAD);
	check_int(record.alert, TLS_ALERT_RECORD_OVERFLOW);
	check_int(open_inner(0, 23, 16385, &record), TLS_RECORD_BAD);
	check_int(record.alert, TLS_ALERT_RECORD_OVERFLOW);
	check_int(open_inner(0, 0, 16385, &record), TLS_RECORD_BAD);
	check_int(record.alert, TLS_ALERT_RECORD_OVERFLOW);
}

/* By the header alone: not a byte of the body has come. */
static void
check_header(uint8_t type, uint16_t n, int status, enum tls_record_alert alert)
{
	const uint8_t secret[48] = { 3 };
	const uint8_t header[] = { type, 3, 3, (uint8_t)(n >> 8),
		(uint8_t)(n & 0xff) };
	struct writer plain = writer_of(plain_bytes, ROOM);
	struct slice in = slice_of(header, sizeof header);
	struct tls_record record;
	struct tls_record_key k;

	check_int(tls_record_key_set(&k, AEAD_AES_128_GCM, secret), 0);
	check_int(tls_record_open(&k, load(AEAD_OPEN, AEAD_AES_128_GCM, &k),
		      &in, &plain, &record),
	    status);
	if (status == TLS_RECORD_BAD)
		check_int(record.alert, alert);
	check_size(k.seq, 0);
}

static void
tls_record_refuses_by_the_header(void **state)
{
	(void)state;
	check_header(23, 16384 + 256, TLS_RECORD_PART, 0);
	check_header(
	    23, 16384 + 257, TLS_RECORD_BAD, TLS_ALERT_RECORD_OVERFLOW);
	check_header(23, 0xffff, TLS_RECORD_BAD, TLS_ALERT_RECORD_OVERFLOW);
	check_header(23, 16, TLS_RECORD_PART, 0);
	check_header(23, 15, TLS_RECORD_BAD, TLS_ALERT_BAD_RECORD_MAC);
	check_header(23, 0, TLS_RECORD_BAD, TLS_ALERT_BAD_RECORD_MAC);
	check_header(20, 1, TLS_RECORD_BAD, TLS_ALERT_UNEXPECTED_MESSAGE);
	check_header(21, 2, TLS_RECORD_BAD, TLS_ALERT_UNEXPECTED_MESSAGE);
	check_header(22, 20, TLS_RECORD_BAD, TLS_ALERT_UNEXPECTED_MESSAGE);
	check_header(0, 0, TLS_RECORD_BAD, TLS_ALERT_UNEXPECTED_MESSAGE);
}

/* No bit of a record may change, except in the version, which only counts as
 * additional data and so is found out too. */
static void
tls_record_refuses_every_flipped_bit(void **state)
{
	const uint8_t secret[48] = { 5 };
	struct tls_record record;
	struct tls_record_key k;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct writer wire = writer_of(wire_bytes, ROOM);

		check_int(tls_record_key_set(&k, kinds[i], secret), 0);
		check_int(
		    tls_record_seal(&k, load(AEAD_SEAL, kinds[i], &k),
			TLS_RECORD_DATA, slice_str("some content"), &wire),
		    0);
		for (size_t bit = 0; bit < wire.n * 8; bit++) {
			struct writer plain = writer_of(plain_bytes, ROOM);
			struct slice in = writer_slice(&wire);

			k.seq = 0;
			wire_bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			/* a longer record is one that is not whole */
			check(tls_record_open(&k, load(AEAD_OPEN, kinds[i], &k),
				  &in, &plain, &record) != TLS_RECORD_OK);
			check_size(in.n, wire.n);
			check_size(k.seq, 0);
			wire_bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void
tls_record_waits_for_room_and_bytes(void **state)
{
	const uint8_t secret[48] = { 6 };
	struct writer wire = writer_of(wire_bytes, ROOM), plain;
	struct tls_record record;
	struct tls_record_key k;
	struct slice in;

	(void)state;
	check_int(tls_record_key_set(&k, AEAD_AES_128_GCM, secret), 0);
	check_int(tls_record_seal(&k, load(AEAD_SEAL, AEAD_AES_128_GCM, &k),
		      TLS_RECORD_DATA, slice_str("hello"), &wire),
	    0);
	check_size(wire.n, 5 + TLS_RECORD_OVERHEAD);
	k.seq = 0;
	plain = writer_of(plain_bytes, ROOM);
	for (size_t n = 0; n < wire.n; n++) {
		in = slice_of(wire.p, n);
		check_int(
		    tls_record_open(&k, load(AEAD_OPEN, AEAD_AES_128_GCM, &k),
			&in, &plain, &record),
		    TLS_RECORD_PART);
	}
	plain = writer_of(plain_bytes, wire.n - 1);
	in = writer_slice(&wire);
	check_int(tls_record_open(&k, load(AEAD_OPEN, AEAD_AES_128_GCM, &k),
		      &in, &plain, &record),
	    TLS_RECORD_FULL);
	plain = writer_of(plain_bytes, wire.n);
	check_int(tls_record_open(&k, load(AEAD_OPEN, AEAD_AES_128_GCM, &k),
		      &in, &plain, &record),
	    TLS_RECORD_OK);
	check_slice_text(record.content, "hello");
	/* no room to seal: nothing written, no number used */
	wire = writer_of(wire_bytes, 5 + TLS_RECORD_OVERHEAD - 1);
	check_int(tls_record_seal(&k, load(AEAD_SEAL, AEAD_AES_128_GCM, &k),
		      TLS_RECORD_DATA, slice_str("hello"), &wire),
	    -1);
	check_size(wire.n, 0);
	check_size(k.seq, 1);
}

/* A second implementation of RFC 8446 §5.2 and §5.3, by EVP alone: seals the
 * content as record number seq. */
static size_t
seal_by_evp(enum aead_kind kind, const struct tls_record_key *k, uint64_t seq,
    struct slice content, uint8_t *out)
{
	const EVP_CIPHER *ciphers[] = { EVP_aes_128_gcm(), EVP_aes_256_gcm(),
		EVP_chacha20_poly1305() };
	const uint8_t type = TLS_RECORD_DATA;
	const size_t body = content.n + 1 + AEAD_TAG;
	const uint8_t header[] = { 23, 3, 3, (uint8_t)(body >> 8),
		(uint8_t)body };
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t nonce[AEAD_NONCE];
	int n;

	for (unsigned i = 0; i < AEAD_NONCE; i++)
		nonce[i] = (uint8_t)(k->iv[i] ^
		    (i < 4 ? 0 : seq >> (8 * (AEAD_NONCE - 1 - i))));
	memcpy(out, header, sizeof header);
	out += sizeof header;
	check(EVP_EncryptInit_ex(c, ciphers[kind], NULL, k->key, nonce) == 1 &&
	    EVP_EncryptUpdate(c, NULL, &n, header, sizeof header) == 1 &&
	    EVP_EncryptUpdate(c, out, &n, content.p, (int)content.n) == 1 &&
	    EVP_EncryptUpdate(c, out + content.n, &n, &type, 1) == 1 &&
	    EVP_EncryptFinal_ex(c, out + content.n + 1, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(
		c, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, out + content.n + 1) == 1);
	EVP_CIPHER_CTX_free(c);
	return sizeof header + body;
}

static void
check_number(enum aead_kind kind, uint64_t seq)
{
	static uint8_t want[ROOM];
	const struct slice content = slice_str("a packet of some bytes");
	const uint8_t secret[48] = { 5 };
	struct writer wire = writer_of(wire_bytes, ROOM);
	struct writer plain = writer_of(plain_bytes, ROOM);
	struct tls_record_key k;
	struct tls_record record;
	struct slice in;

	check_int(tls_record_key_set(&k, kind, secret), 0);
	in = slice_of(want, seal_by_evp(kind, &k, seq, content, want));
	k.seq = seq;
	check_int(tls_record_seal(&k, load(AEAD_SEAL, kind, &k),
		      TLS_RECORD_DATA, content, &wire),
	    0);
	check_slice(writer_slice(&wire), in);
	check(k.seq == seq + 1);
	k.seq = seq;
	check_int(tls_record_open(
		      &k, load(AEAD_OPEN, kind, &k), &in, &plain, &record),
	    TLS_RECORD_OK);
	check_slice(record.content, content);
	check(k.seq == seq + 1);
}

/* Every byte of the record number is in the nonce. */
static void
tls_record_counts_in_64_bits(void **state)
{
	static const uint64_t numbers[] = { 0, 255, 256, 65535, 1 << 16,
		1 << 24, UINT64_C(1) << 32, UINT64_C(1) << 40,
		UINT64_C(1) << 48, UINT64_C(1) << 56, 0x0102030405060708,
		UINT64_MAX - 1 };

	(void)state;
	for (int maker = AEAD_EVP; maker <= AEAD_IPSEC_MB; maker++) {
		if (aead_select((enum aead_maker)maker) == -1)
			continue;
		for (size_t k = 0; k < 3; k++)
			for (size_t i = 0;
			     i < sizeof numbers / sizeof numbers[0]; i++)
				check_number(kinds[k], numbers[i]);
	}
	check_int(aead_select(AEAD_BEST), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_record_derives_keys_of_rfc8448),
		cmocka_unit_test(tls_record_protects_as_rfc8448),
		cmocka_unit_test(tls_record_counts_in_64_bits),
		cmocka_unit_test(tls_record_moves_to_the_next_secret),
		cmocka_unit_test(tls_record_strips_padding),
		cmocka_unit_test(tls_record_refuses_bad_inner_plaintext),
		cmocka_unit_test(tls_record_refuses_by_the_header),
		cmocka_unit_test(tls_record_refuses_every_flipped_bit),
		cmocka_unit_test(tls_record_waits_for_room_and_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
