/* tls: records after the handshake, by OpenSSL and by ourselves, against
 * OpenSSL's client. */
#include "tls_peer.h"

#include "aead.h"

static void
exchange_sizes(struct tls_peer *p)
{
	static const size_t sizes[] = { 1, 2, 100, 1438, 16383, 16384, 16385,
		65536, 100000 };

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		tls_peer_exchange(p, sizes[i], (unsigned)i);
}

static void
tls_takes_over_every_suite(void **state)
{
	struct tls_peer p;

	(void)state;
	for (int maker = AEAD_EVP; maker <= AEAD_IPSEC_MB; maker++) {
		if (aead_select((enum aead_maker)maker) == -1)
			continue;
		for (size_t i = 0; i < 3; i++) {
			tls_peer_start(&p, tls_peer_native);
			SSL_set_ciphersuites(p.client, tls_peer_suites[i]);
			check(tls_peer_handshake(&p));
			check(tls_is_native(p.tls));
			check_text(tls_version(p.tls), "1.3");
			check_text(
			    SSL_get_cipher_name(p.client), tls_peer_suites[i]);
			exchange_sizes(&p);
			tls_peer_stop(&p);
		}
	}
	check_int(aead_select(AEAD_BEST), 0);
}

static void
tls_leaves_records_to_openssl(void **state)
{
	struct tls_peer p;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		tls_peer_start(&p, tls_peer_openssl);
		SSL_set_ciphersuites(p.client, tls_peer_suites[i]);
		check(tls_peer_handshake(&p));
		check(!tls_is_native(p.tls));
		check_text(tls_version(p.tls), "1.3");
		exchange_sizes(&p);
		tls_peer_stop(&p);
	}
}

static void
tls_carries_tls12_by_openssl(void **state)
{
	static const char *const ciphers[] = { "ECDHE-ECDSA-AES128-GCM-SHA256",
		"ECDHE-ECDSA-AES256-GCM-SHA384",
		"ECDHE-ECDSA-CHACHA20-POLY1305" };
	struct tls_peer p;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		tls_peer_start(&p, tls_peer_native);
		SSL_set_max_proto_version(p.client, TLS1_2_VERSION);
		SSL_set_cipher_list(p.client, ciphers[i]);
		check(tls_peer_handshake(&p));
		check(!tls_is_native(p.tls));
		check_text(tls_version(p.tls), "1.2");
		check_text(SSL_get_cipher_name(p.client), ciphers[i]);
		exchange_sizes(&p);
		tls_peer_stop(&p);
	}
}

/* Both handshake flights and data, handed over in pieces of every size. */
static void
tls_takes_any_split(void **state)
{
	struct tls_peer p;

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION;
	     version++) {
		for (size_t chunk = 1; chunk <= 330; chunk++) {
			tls_peer_start(&p, tls_peer_native);
			SSL_set_max_proto_version(p.client, version);
			p.chunk = chunk;
			check(tls_peer_handshake(&p));
			tls_peer_exchange(&p, 200, (unsigned)chunk);
			tls_peer_exchange(&p, 17, (unsigned)chunk);
			check(p.in_max <= TLS_RECORD_MAX);
			tls_peer_stop(&p);
		}
	}
}

/* The client's Finished and its first data come together, cut anywhere. */
static void
tls_takes_data_after_finished(void **state)
{
	static uint8_t bytes[4096];
	struct tls_peer p;
	int n = 2, done = 0;

	(void)state;
	for (int cut = 0; cut < n; cut++) {
		tls_peer_start(
		    &p, cut % 2 == 0 ? tls_peer_native : tls_peer_openssl);
		check_int(SSL_do_handshake(p.client), -1);
		tls_peer_move(&p);
		done = SSL_do_handshake(p.client);
		check_int(done, 1);
		check_int(SSL_write(p.client, "one", 3), 3);
		check_int(SSL_write(p.client, "two", 3), 3);
		n = BIO_read(p.to_server, bytes, sizeof bytes);
		check(n > 50);
		tls_peer_give(&p, bytes, (size_t)cut);
		tls_peer_give(&p, bytes + cut, (size_t)(n - cut));
		check_slice_text(slice_of(p.plain, p.plain_n), "onetwo");
		check_int(tls_is_native(p.tls), cut % 2 == 0);
		tls_peer_exchange(&p, 10, 0);
		tls_peer_stop(&p);
	}
}

static void
tls_stops_when_plain_is_full(void **state)
{
	static uint8_t bytes[70000], plain_bytes[TLS_RECORD_MAX];
	uint8_t *sent = tls_peer_bytes(65536, 1), wire_bytes[64];
	struct tls_peer p;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct writer wire = writer_of(wire_bytes, sizeof wire_bytes);
		struct slice in;
		size_t at = 0;

		tls_peer_start(&p, i == 0 ? tls_peer_native : tls_peer_openssl);
		check(tls_peer_handshake(&p));
		check_int(SSL_write(p.client, sent, 65536), 65536);
		in = slice_of(
		    bytes, (size_t)BIO_read(p.to_server, bytes, sizeof bytes));
		while (in.n > 0) {
			struct writer w =
			    writer_of(plain_bytes, sizeof plain_bytes);

			check_int(
			    tls_input(p.tls, &in, &w, &wire, &p.why), TLS_OPEN);
			check_size(w.n, 16384);
			check_bytes(plain_bytes, sent + at, w.n);
			at += w.n;
		}
		check_size(at, 65536);
		tls_peer_stop(&p);
	}
	free(sent);
}

static void
tls_sends_and_receives_close_notify(void **state)
{
	uint8_t wire_bytes[64];
	struct tls_peer p;
	size_t n;

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct writer wire = writer_of(wire_bytes, sizeof wire_bytes);

		tls_peer_start(
		    &p, i % 2 == 0 ? tls_peer_native : tls_peer_openssl);
		if (i >= 2)
			SSL_set_max_proto_version(p.client, TLS1_2_VERSION);
		check(tls_peer_handshake(&p));
		tls_close(p.tls, &wire);
		check(wire.n > 0);
		n = wire.n;
		tls_close(p.tls, &wire);
		check_size(wire.n, n);
		BIO_write(p.from_server, wire.p, (int)wire.n);
		check_int(SSL_read(p.client, &(char){ 0 }, 1), 0);
		check_int(SSL_get_error(p.client, 0), SSL_ERROR_ZERO_RETURN);
		check_int(tls_output(p.tls, slice_str("x"), &wire), -1);
		check_int(SSL_shutdown(p.client), 1);
		tls_peer_move(&p);
		check_int(p.status, TLS_EOF);
		tls_peer_give(&p, (const uint8_t *)"more", 4);
		check_int(p.status, TLS_EOF);
		check_size(p.in_n, 0);
		tls_peer_stop(&p);
	}
}

/* Bad bytes at each stage: the peer is told why, as TLS wants it. */
static void
tls_refuses_bad_records(void **state)
{
	static const uint8_t overlong[] = { 22, 3, 1, 0x41, 1 };
	static const uint8_t garbage[] = { 23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7,
		8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 };
	static const uint8_t ccs[] = { 20, 3, 3, 0, 1, 1 };
	static const uint8_t long_data[] = { 23, 3, 3, 0x41, 1 };
	static const uint8_t plain_alert[] = { 21, 3, 3, 0, 2, 1, 0 };
	const struct {
		struct slice bytes;
		int alert;
	} cases[] = { { slice_of(garbage, sizeof garbage), 20 },
		{ slice_of(ccs, sizeof ccs), 10 },
		{ slice_of(long_data, sizeof long_data), 22 },
		{ slice_of(plain_alert, sizeof plain_alert), 10 } };
	struct tls_peer p;

	(void)state;
	tls_peer_start(&p, tls_peer_native);
	tls_peer_give(&p, overlong, sizeof overlong);
	check_int(p.status, TLS_BROKEN);
	check(BIO_pending(p.from_server) > 0);
	tls_peer_stop(&p);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		tls_peer_start(&p, tls_peer_native);
		check(tls_peer_handshake(&p));
		tls_peer_exchange(&p, 20, 0);
		tls_peer_give(&p, cases[i].bytes.p, cases[i].bytes.n);
		check_int(p.status, TLS_BROKEN);
		check_contains(p.why.text, "local error: tls: ");
		check_int(tls_peer_alert(&p), cases[i].alert);
		tls_peer_give(&p, garbage, 3);
		check_int(p.status, TLS_BROKEN);
		check_int(tls_peer_send(&p, garbage, 3), -1);
		tls_peer_stop(&p);
	}
}

/* A client of TLS 1.2 may ask for a renegotiation once, and is gone. */
static void
tls_ends_at_a_renegotiation(void **state)
{
	struct tls_peer p;

	(void)state;
	for (int i = 0; i < 2; i++) {
		tls_peer_start(&p, i == 0 ? tls_peer_native : tls_peer_openssl);
		SSL_set_max_proto_version(p.client, TLS1_2_VERSION);
		check(tls_peer_handshake(&p));
		tls_peer_exchange(&p, 20, 0);
		check_int(SSL_renegotiate(p.client), 1);
		(void)SSL_do_handshake(p.client);
		tls_peer_move(&p);
		check_int(p.status, TLS_BROKEN);
		check_text(p.why.text, "tls: renegotiation is not allowed");
		check_int(tls_peer_send(&p, (const uint8_t *)"x", 1), -1);
		tls_peer_stop(&p);
	}
}

/* The longest record that the server has sent of n bytes; nothing is read. */
static size_t
longest_record(struct tls_peer *p, size_t n)
{
	static uint8_t bytes[40000];
	uint8_t *plain = tls_peer_bytes(n, 0);
	struct slice in;
	size_t longest = 0;

	check_int(tls_peer_send(p, plain, n), 0);
	free(plain);
	in = slice_of(
	    bytes, (size_t)BIO_read(p->from_server, bytes, sizeof bytes));
	while (in.n > 0) {
		const size_t record = tls_record_peek(in);

		check(record > 0 && record <= in.n);
		longest = record > longest ? record : longest;
		in = slice_of(in.p + record, in.n - record);
	}
	return longest;
}

/* max_fragment_length, RFC 6066: native records would be too long. */
static void
tls_keeps_to_short_records(void **state)
{
	struct tls_peer p;

	(void)state;
	for (int i = 0; i < 2; i++) {
		tls_peer_start(&p, i == 0 ? tls_peer_native : tls_peer_openssl);
		check_int(SSL_set_tlsext_max_fragment_length(
			      p.client, TLSEXT_max_fragment_length_1024),
		    1);
		check(tls_peer_handshake(&p));
		check(!tls_is_native(p.tls));
		tls_peer_exchange(&p, 5000, 0);
		check_size(longest_record(&p, 5000),
		    1024 + (size_t)TLS_RECORD_OVERHEAD);
		tls_peer_stop(&p);
	}
}

/* record_size_limit, RFC 8449 */
#define RECORD_SIZE_LIMIT 28

static int
offer_limit(SSL *ssl, unsigned type, unsigned context,
    const unsigned char **out, size_t *n, X509 *x, size_t chain, int *alert,
    void *arg)
{
	static const unsigned char limit[] = { 4, 0 };

	(void)ssl, (void)type, (void)context, (void)x, (void)chain;
	(void)alert, (void)arg;
	*out = limit;
	*n = sizeof limit;
	return 1;
}

static int
take_limit(SSL *ssl, unsigned type, unsigned context, const unsigned char *in,
    size_t n, X509 *x, size_t chain, int *alert, void *arg)
{
	(void)ssl, (void)type, (void)context, (void)in, (void)n, (void)x;
	(void)chain, (void)alert;
	*(bool *)arg = true;
	return 1;
}

/* OpenSSL does not agree to it. Should it ever, connections that have agreed
 * must be left to it, as with max_fragment_length. */
static void
tls_agrees_to_no_record_size_limit(void **state)
{
	bool agreed = false;
	struct tls_peer p;

	(void)state;
	tls_peer_start(&p, tls_peer_native);
	check_int(
	    SSL_CTX_add_custom_ext(p.client_ctx, RECORD_SIZE_LIMIT,
		SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
		offer_limit, NULL, NULL, take_limit, &agreed),
	    1);
	SSL_free(p.client);
	p.client = SSL_new(p.client_ctx);
	p.from_server = BIO_new(BIO_s_mem());
	p.to_server = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(p.from_server, -1);
	SSL_set_bio(p.client, p.from_server, p.to_server);
	SSL_set_connect_state(p.client);
	check(tls_peer_handshake(&p));
	check(!agreed || !tls_is_native(p.tls));
	tls_peer_exchange(&p, 20000, 0);
	tls_peer_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_takes_over_every_suite),
		cmocka_unit_test(tls_leaves_records_to_openssl),
		cmocka_unit_test(tls_carries_tls12_by_openssl),
		cmocka_unit_test(tls_takes_any_split),
		cmocka_unit_test(tls_takes_data_after_finished),
		cmocka_unit_test(tls_stops_when_plain_is_full),
		cmocka_unit_test(tls_sends_and_receives_close_notify),
		cmocka_unit_test(tls_refuses_bad_records),
		cmocka_unit_test(tls_ends_at_a_renegotiation),
		cmocka_unit_test(tls_keeps_to_short_records),
		cmocka_unit_test(tls_agrees_to_no_record_size_limit),
	};

	return cmocka_run_group_tests(
	    tests, tls_peer_files, tls_peer_files_gone);
}
