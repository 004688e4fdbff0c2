/* tls: handshakes and what follows, against OpenSSL's client. */
#include "tls_peer.h"

#include "aead.h"
#include "fake_alloc.h"

static const struct tls_server_config own = { .records = TLS_RECORDS_OWN };
static const struct tls_server_config openssl = { .records =
						      TLS_RECORDS_OPENSSL };

static const char *const suites[] = { "TLS_AES_128_GCM_SHA256",
	"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256" };

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
			tls_peer_start(&p, own);
			SSL_set_ciphersuites(p.client, suites[i]);
			check(tls_peer_shake(&p));
			check(tls_is_own(p.tls));
			check_text(tls_version(p.tls), "1.3");
			check_text(SSL_get_cipher_name(p.client), suites[i]);
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
		tls_peer_start(&p, openssl);
		SSL_set_ciphersuites(p.client, suites[i]);
		check(tls_peer_shake(&p));
		check(!tls_is_own(p.tls));
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
		tls_peer_start(&p, own);
		SSL_set_max_proto_version(p.client, TLS1_2_VERSION);
		SSL_set_cipher_list(p.client, ciphers[i]);
		check(tls_peer_shake(&p));
		check(!tls_is_own(p.tls));
		check_text(tls_version(p.tls), "1.2");
		check_text(SSL_get_cipher_name(p.client), ciphers[i]);
		exchange_sizes(&p);
		tls_peer_stop(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_takes_over_every_suite),
		cmocka_unit_test(tls_leaves_records_to_openssl),
		cmocka_unit_test(tls_carries_tls12_by_openssl),
	};

	return cmocka_run_group_tests(
	    tests, tls_peer_files, tls_peer_files_gone);
}
