/* tls: contexts and handshakes: what is agreed, what is refused and why. */
#include "tls_peer.h"

#include "aead.h"
#include "fake_alloc.h"

static void
tls_never_resumes(void **state)
{
	struct tls_peer p, again;
	SSL_SESSION *session;

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION;
	     version++) {
		tls_peer_start(&p, tls_peer_native);
		SSL_set_max_proto_version(p.client, version);
		check(tls_peer_handshake(&p));
		tls_peer_exchange(&p, 10, 0);
		session = SSL_get1_session(p.client);
		check_int(SSL_SESSION_has_ticket(session), 0);
		tls_peer_start(&again, tls_peer_native);
		SSL_set_max_proto_version(again.client, version);
		SSL_set_session(again.client, session);
		check(tls_peer_handshake(&again));
		check_int(SSL_session_reused(again.client), 0);
		tls_peer_exchange(&again, 10, 0);
		SSL_SESSION_free(session);
		tls_peer_stop(&again);
		tls_peer_stop(&p);
	}
}

static void
tls_wants_the_exact_name(void **state)
{
	static const struct {
		const char *sni, *why;
	} cases[] = {
		{ "derp.example.com", "" },
		{ "DERP.example.com",
		    "cert mismatch with hostname: \"DERP.example.com\"" },
		{ "derp.example.com.",
		    "cert mismatch with hostname: \"derp.example.com.\"" },
		{ "example.com",
		    "cert mismatch with hostname: \"example.com\"" },
		{ "a\"b\\c\n\x80",
		    "cert mismatch with hostname: \"a\\\"b\\\\c\\x0a\\x80\"" },
		{ "",
		    "cert mismatch with hostname: \"\" (the client sent no "
		    "server name)" },
	};
	struct tls_server_config config = { .sni = "derp.example.com" };
	struct tls_peer p;

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION;
	     version++) {
		for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
			bool good = cases[i].why[0] == '\0';

			tls_peer_start(&p, config);
			SSL_set_max_proto_version(p.client, version);
			if (cases[i].sni[0] != '\0')
				SSL_set_tlsext_host_name(
				    p.client, cases[i].sni);
			check_int(tls_peer_handshake(&p), good);
			check_text(p.why.text, cases[i].why);
			check_int(p.status, good ? TLS_OPEN : TLS_BROKEN);
			check_int(tls_peer_alert(&p), good ? -1 : 80);
			check_int(
			    tls_saw_no_name(p.tls), cases[i].sni[0] == '\0');
			tls_peer_stop(&p);
		}
	}
	tls_peer_start(&p, tls_peer_native);
	SSL_set_tlsext_host_name(p.client, "anything.example");
	check(tls_peer_handshake(&p));
	tls_peer_stop(&p);
}

static void
tls_selects_http11(void **state)
{
	static const struct {
		const char *offered, *selected, *why;
	} cases[] = {
		{ "\x08http/1.1", "http/1.1", "" },
		{ "\x02h2\x08http/1.1", "http/1.1", "" },
		{ "", "", "" },
		{ "\x02h2", NULL,
		    "tls: client requested unsupported application protocols "
		    "([\"h2\"])" },
		{ "\x02h2\x0a"
		  "acme-tls/1",
		    NULL,
		    "tls: client requested unsupported application protocols "
		    "([\"h2\" \"acme-tls/1\"])" },
	};
	struct tls_peer p;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const bool good = cases[i].selected != NULL;
		const unsigned char *got;
		unsigned n;

		tls_peer_start(&p, tls_peer_native);
		SSL_set_alpn_protos(p.client,
		    (const unsigned char *)cases[i].offered,
		    (unsigned)strlen(cases[i].offered));
		check_int(tls_peer_handshake(&p), good);
		check_text(p.why.text, cases[i].why);
		SSL_get0_alpn_selected(p.client, &got, &n);
		check_slice_text(
		    slice_of(got, n), good ? cases[i].selected : "");
		check_int(tls_peer_alert(&p), good ? -1 : 120);
		tls_peer_stop(&p);
	}
}

static void
tls_prefers_what_is_fast(void **state)
{
	struct tls_peer p;

	(void)state;
	tls_peer_start(&p, tls_peer_native);
	check(tls_peer_handshake(&p));
	check_text(SSL_get_cipher_name(p.client),
	    aead_aes_is_fast() ? tls_peer_suites[0] : tls_peer_suites[2]);
	check_int(SSL_get_negotiated_group(p.client), NID_X25519);
	tls_peer_stop(&p);
	tls_peer_start(&p, tls_peer_native);
	SSL_set_ciphersuites(
	    p.client, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256");
	SSL_set1_groups_list(p.client, "P-521:P-256");
	check(tls_peer_handshake(&p));
	check_text(SSL_get_cipher_name(p.client), tls_peer_suites[2]);
	check_int(SSL_get_negotiated_group(p.client), NID_X9_62_prime256v1);
	tls_peer_exchange(&p, 100, 0);
	tls_peer_stop(&p);
}

static void
tls_refuses_old_versions(void **state)
{
	struct tls_peer p;

	(void)state;
	tls_peer_start(&p, tls_peer_native);
	SSL_set_security_level(p.client, 0);
	SSL_set_min_proto_version(p.client, TLS1_VERSION);
	SSL_set_max_proto_version(p.client, TLS1_1_VERSION);
	check(!tls_peer_handshake(&p));
	check_int(p.status, TLS_BROKEN);
	check_text(p.why.text, "tls: unsupported protocol");
	check_int(tls_peer_alert(&p), SSL_AD_PROTOCOL_VERSION);
	tls_peer_stop(&p);
}

static void
tls_recognizes_what_is_not_tls(void **state)
{
	static const struct {
		const char *text;
		bool http;
	} cases[] = { { "GET / HTTP/1.1\r\n\r\n", true },
		{ "HEAD / HTTP/1.1\r\n\r\n", true },
		{ "POST / HTTP/1.1\r\n\r\n", true },
		{ "PUT /x HTTP/1.1\r\n\r\n", true },
		{ "OPTIONS * HTTP/1.1\r\n\r\n", true },
		{ "SSH-2.0-x\r\n", false }, { "\x16\x47\x45TTT", false },
		{ "\x80\x2e\x01\x03\x01zzzz", false } };
	struct tls_peer p;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const uint8_t *bytes = (const uint8_t *)cases[i].text;

		tls_peer_start(&p, tls_peer_native);
		tls_peer_give(&p, bytes, 4);
		check_int(p.status, TLS_OPEN);
		check(!tls_saw_http(p.tls));
		tls_peer_give(&p, bytes + 4, strlen(cases[i].text) - 4);
		check_int(p.status, TLS_BROKEN);
		check_text(p.why.text,
		    "first record does not look like a TLS handshake");
		check_int(tls_saw_http(p.tls), cases[i].http);
		check_int(BIO_pending(p.from_server), 0);
		check(!tls_established(p.tls));
		tls_peer_stop(&p);
	}
}

static void
tls_tells_the_peers_alert(void **state)
{
	struct tls_peer p;

	(void)state;
	tls_peer_start(&p, tls_peer_native);
	SSL_set_verify(p.client, SSL_VERIFY_PEER, NULL);
	check(!tls_peer_handshake(&p));
	check_int(p.status, TLS_BROKEN);
	check_contains(p.why.text, "remote error: tls: ");
	tls_peer_stop(&p);
}

static void
tls_serves_the_extra_certificate_last(void **state)
{
	struct tls_server_config config = { .records = TLS_RECORDS_NATIVE };
	uint8_t der[CERT_NAMED_MAX], *got = NULL;
	struct tls_peer p;
	size_t n;

	(void)state;
	check_int(cert_make_named("name", 2, 30, der, &n, NULL), 0);
	config.extra_cert = slice_of(der, n);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION;
	     version++) {
		STACK_OF(X509) * chain;

		tls_peer_start(&p, config);
		SSL_set_max_proto_version(p.client, version);
		check(tls_peer_handshake(&p));
		chain = SSL_get_peer_cert_chain(p.client);
		check_int(sk_X509_num(chain), 2);
		check_int(i2d_X509(sk_X509_value(chain, 1), &got), n);
		check_bytes(got, der, n);
		OPENSSL_free(got);
		got = NULL;
		tls_peer_stop(&p);
	}
}

/* The old certificate is not kept by connections that are through. */
static void
tls_context_is_held_by_handshakes_only(void **state)
{
	struct tls_peer p;

	(void)state;
	tls_peer_start(&p, tls_peer_native);
	tls_context_release(p.ctx);
	p.ctx = NULL;
	check(tls_peer_handshake(&p)); /* the sanitizer watches */
	tls_peer_exchange(&p, 100, 0);
	tls_peer_stop(&p);
}

static void
tls_context_tells_what_is_wrong(void **state)
{
	struct tls_server_config config = { .cert_file = tls_peer_cert,
		.key_file = "/nonexistent/k" };
	char other_cert[80], other_key[80];
	struct fail why = { 0 };
	struct netaddr ip;

	(void)state;
	check_null(tls_context_new(&config, &why));
	check_text(why.text, "open /nonexistent/k: No such file or directory");
	why.text[0] = '\0';
	config.cert_file = "/nonexistent/c";
	check_null(tls_context_new(&config, &why));
	check_text(why.text, "open /nonexistent/c: No such file or directory");
	why.text[0] = '\0';
	config.cert_file = tls_peer_key;
	config.key_file = tls_peer_key;
	check_null(tls_context_new(&config, &why));
	check_contains(why.text, "no certificate in PEM form in ");
	why.text[0] = '\0';
	snprintf(other_cert, sizeof other_cert, "%s2", tls_peer_cert);
	snprintf(other_key, sizeof other_key, "%s2", tls_peer_key);
	check_int(netaddr_parse_ip(&ip, slice_str("::1")), 0);
	check_int(cert_make_self_signed(&ip, other_cert, other_key, NULL), 0);
	config.cert_file = other_cert;
	check_null(tls_context_new(&config, &why));
	check_contains(why.text, "does not belong to certificate");
	unlink(other_cert);
	unlink(other_key);
}

static void
tls_survives_shortage_of_memory(void **state)
{
	struct tls_server_config config = { .cert_file = tls_peer_cert,
		.key_file = tls_peer_key };
	struct tls_context *ctx;
	struct tls *t;

	(void)state;
	for (size_t n = 1;; n++) {
		fake_alloc_fail_at(n);
		ctx = tls_context_new(&config, NULL);
		if (!fake_alloc_failed())
			break;
		check_null(ctx);
	}
	for (size_t n = 1;; n++) {
		fake_alloc_fail_at(n);
		t = tls_accept(ctx);
		if (!fake_alloc_failed())
			break;
		check_null(t);
	}
	tls_free(t);
	tls_context_release(ctx);
	tls_free(NULL);
	tls_context_release(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_never_resumes),
		cmocka_unit_test(tls_wants_the_exact_name),
		cmocka_unit_test(tls_selects_http11),
		cmocka_unit_test(tls_prefers_what_is_fast),
		cmocka_unit_test(tls_refuses_old_versions),
		cmocka_unit_test(tls_recognizes_what_is_not_tls),
		cmocka_unit_test(tls_tells_the_peers_alert),
		cmocka_unit_test(tls_serves_the_extra_certificate_last),
		cmocka_unit_test(tls_context_is_held_by_handshakes_only),
		cmocka_unit_test(tls_context_tells_what_is_wrong),
		cmocka_unit_test(tls_survives_shortage_of_memory),
	};

	return cmocka_run_group_tests(
	    tests, tls_peer_files, tls_peer_files_gone);
}
