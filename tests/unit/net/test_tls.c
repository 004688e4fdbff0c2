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

/* Both handshake flights and data, handed over in pieces of every size. */
static void
tls_takes_any_split(void **state)
{
	struct tls_peer p;

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION;
	     version++) {
		for (size_t chunk = 1; chunk <= 330; chunk++) {
			tls_peer_start(&p, own);
			SSL_set_max_proto_version(p.client, version);
			p.chunk = chunk;
			check(tls_peer_shake(&p));
			tls_peer_exchange(&p, 200, (unsigned)chunk);
			tls_peer_exchange(&p, 17, (unsigned)chunk);
			check(p.in_max <= TLS_RECORD_MAX);
			tls_peer_stop(&p);
		}
	}
}

/* The client's Finished and its first data come together, cut anywhere. */
static void
tls_takes_data_behind_finished(void **state)
{
	static uint8_t bytes[4096];
	struct tls_peer p;
	int n = 2, done = 0;

	(void)state;
	for (int cut = 0; cut < n; cut++) {
		tls_peer_start(&p, cut % 2 == 0 ? own : openssl);
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
		check_int(tls_is_own(p.tls), cut % 2 == 0);
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

		tls_peer_start(&p, i == 0 ? own : openssl);
		check(tls_peer_shake(&p));
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
tls_never_resumes(void **state)
{
	struct tls_peer p, again;
	SSL_SESSION *session;

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION;
	     version++) {
		tls_peer_start(&p, own);
		SSL_set_max_proto_version(p.client, version);
		check(tls_peer_shake(&p));
		tls_peer_exchange(&p, 10, 0);
		session = SSL_get1_session(p.client);
		check_int(SSL_SESSION_has_ticket(session), 0);
		tls_peer_start(&again, own);
		SSL_set_max_proto_version(again.client, version);
		SSL_set_session(again.client, session);
		check(tls_peer_shake(&again));
		check_int(SSL_session_reused(again.client), 0);
		tls_peer_exchange(&again, 10, 0);
		SSL_SESSION_free(session);
		tls_peer_stop(&again);
		tls_peer_stop(&p);
	}
}

/* KeyUpdates that the client received, by whether they asked for one. */
static unsigned updates[2];

static void
count_updates(int sent, int version, int type, const void *p, size_t n,
    SSL *ssl, void *arg)
{
	const uint8_t *message = p;

	(void)version, (void)ssl, (void)arg;
	if (!sent && type == SSL3_RT_HANDSHAKE && n == 5 &&
	    message[0] == SSL3_MT_KEY_UPDATE)
		updates[message[4]]++;
}

static void
start_counting(struct tls_peer *p)
{
	updates[0] = updates[1] = 0;
	SSL_set_msg_callback(p->client, count_updates);
}

static void
tls_follows_key_updates(void **state)
{
	static const int kinds[] = { SSL_KEY_UPDATE_NOT_REQUESTED,
		SSL_KEY_UPDATE_REQUESTED };
	struct tls_peer p;

	(void)state;
	for (size_t suite = 0; suite < 3; suite++) {
		tls_peer_start(&p, own);
		SSL_set_ciphersuites(p.client, suites[suite]);
		check(tls_peer_shake(&p));
		start_counting(&p);
		for (unsigned i = 0; i < 12; i++) {
			check_int(SSL_key_update(p.client, kinds[i % 2]), 1);
			tls_peer_exchange(&p, 3000, i);
		}
		check(tls_is_own(p.tls));
		check_int(updates[0], 6); /* one answer per request */
		check_int(updates[1], 0);
		tls_peer_stop(&p);
	}
}

/* Enough records earn any number of KeyUpdates; a flood of them does not. */
static void
tls_limits_key_updates(void **state)
{
	struct tls_peer p;

	(void)state;
	tls_peer_start(&p, own);
	check(tls_peer_shake(&p));
	for (unsigned i = 0; i < 80; i++) {
		check_int(
		    SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED), 1);
		for (unsigned j = 0; j < 32; j++)
			tls_peer_exchange(&p, 1, j);
	}
	for (unsigned i = 0; i < 32; i++) {
		check_int(
		    SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED), 1);
		check_int(SSL_do_handshake(p.client), 1);
		tls_peer_move(&p);
		check_int(p.status, TLS_OPEN);
	}
	check_int(SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED), 1);
	check_int(SSL_do_handshake(p.client), 1);
	tls_peer_move(&p);
	check_int(p.status, TLS_BROKEN);
	check_text(p.why.text, "tls: too many key updates");
	tls_peer_stop(&p);
}

/* Our own KeyUpdates, at a limit low enough to see them; the client, asked,
 * renews its key as well. */
static void
tls_renews_keys_at_the_limit(void **state)
{
	struct tls_server_config config = own;
	struct tls_peer p;

	(void)state;
	for (uint32_t max = 1; max < 40; max += 3) {
		config.key_records_max = max;
		tls_peer_start(&p, config);
		check(tls_peer_shake(&p));
		start_counting(&p);
		for (unsigned i = 0; i < 20; i++)
			tls_peer_exchange(&p, 50000, i);
		for (unsigned i = 0; i < 40; i++)
			tls_peer_exchange(&p, 1, i);
		/* 120 records went each way; those of a KeyUpdate come on
		 * top */
		check(updates[0] + updates[1] >= 120 / (max + 2));
		check(updates[0] >= 1);
		check(updates[1] >= 120 / (max + 2) / 2);
		tls_peer_stop(&p);
	}
}

static void
tls_says_goodbye_and_hears_it(void **state)
{
	uint8_t wire_bytes[64];
	struct tls_peer p;
	size_t n;

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct writer wire = writer_of(wire_bytes, sizeof wire_bytes);

		tls_peer_start(&p, i % 2 == 0 ? own : openssl);
		if (i >= 2)
			SSL_set_max_proto_version(p.client, TLS1_2_VERSION);
		check(tls_peer_shake(&p));
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

/* Which alert the client was sent, or -1. */
static int
alert_received(struct tls_peer *p)
{
	int reason;

	ERR_clear_error();
	if (SSL_is_init_finished(p->client))
		(void)SSL_read(p->client, &(char){ 0 }, 1);
	else
		(void)SSL_do_handshake(p->client);
	reason = ERR_GET_REASON(ERR_peek_error());
	return reason >= SSL_AD_REASON_OFFSET ? reason - SSL_AD_REASON_OFFSET
					      : -1;
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
		{ NULL, "cert mismatch with hostname: \"\"" },
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
			if (cases[i].sni != NULL)
				SSL_set_tlsext_host_name(
				    p.client, cases[i].sni);
			check_int(tls_peer_shake(&p), good);
			check_text(p.why.text, cases[i].why);
			check_int(p.status, good ? TLS_OPEN : TLS_BROKEN);
			check_int(alert_received(&p), good ? -1 : 80);
			tls_peer_stop(&p);
		}
	}
	tls_peer_start(&p, own);
	SSL_set_tlsext_host_name(p.client, "anything.example");
	check(tls_peer_shake(&p));
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

		tls_peer_start(&p, own);
		SSL_set_alpn_protos(p.client,
		    (const unsigned char *)cases[i].offered,
		    (unsigned)strlen(cases[i].offered));
		check_int(tls_peer_shake(&p), good);
		check_text(p.why.text, cases[i].why);
		SSL_get0_alpn_selected(p.client, &got, &n);
		check_slice_text(
		    slice_of(got, n), good ? cases[i].selected : "");
		check_int(alert_received(&p), good ? -1 : 120);
		tls_peer_stop(&p);
	}
}

static void
tls_prefers_what_is_fast(void **state)
{
	struct tls_peer p;

	(void)state;
	tls_peer_start(&p, own);
	check(tls_peer_shake(&p));
	check_text(SSL_get_cipher_name(p.client),
	    aead_aes_is_fast() ? suites[0] : suites[2]);
	check_int(SSL_get_negotiated_group(p.client), NID_X25519);
	tls_peer_stop(&p);
	tls_peer_start(&p, own);
	SSL_set_ciphersuites(
	    p.client, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256");
	SSL_set1_groups_list(p.client, "P-521:P-256");
	check(tls_peer_shake(&p));
	check_text(SSL_get_cipher_name(p.client), suites[2]);
	check_int(SSL_get_negotiated_group(p.client), NID_X9_62_prime256v1);
	tls_peer_exchange(&p, 100, 0);
	tls_peer_stop(&p);
}

static void
tls_refuses_old_versions(void **state)
{
	struct tls_peer p;

	(void)state;
	tls_peer_start(&p, own);
	SSL_set_security_level(p.client, 0);
	SSL_set_min_proto_version(p.client, TLS1_VERSION);
	SSL_set_max_proto_version(p.client, TLS1_1_VERSION);
	check(!tls_peer_shake(&p));
	check_int(p.status, TLS_BROKEN);
	check_text(p.why.text, "tls: unsupported protocol");
	check_int(alert_received(&p), SSL_AD_PROTOCOL_VERSION);
	tls_peer_stop(&p);
}

static void
tls_knows_what_is_no_tls(void **state)
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

		tls_peer_start(&p, own);
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
	tls_peer_start(&p, own);
	tls_peer_give(&p, overlong, sizeof overlong);
	check_int(p.status, TLS_BROKEN);
	check(BIO_pending(p.from_server) > 0);
	tls_peer_stop(&p);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		tls_peer_start(&p, own);
		check(tls_peer_shake(&p));
		tls_peer_exchange(&p, 20, 0);
		tls_peer_give(&p, cases[i].bytes.p, cases[i].bytes.n);
		check_int(p.status, TLS_BROKEN);
		check_contains(p.why.text, "local error: tls: ");
		check_int(alert_received(&p), cases[i].alert);
		tls_peer_give(&p, garbage, 3);
		check_int(p.status, TLS_BROKEN);
		check_int(tls_peer_send(&p, garbage, 3), -1);
		tls_peer_stop(&p);
	}
}

static void
tls_tells_the_peers_alert(void **state)
{
	struct tls_peer p;

	(void)state;
	tls_peer_start(&p, own);
	SSL_set_verify(p.client, SSL_VERIFY_PEER, NULL);
	check(!tls_peer_shake(&p));
	check_int(p.status, TLS_BROKEN);
	check_contains(p.why.text, "remote error: tls: ");
	tls_peer_stop(&p);
}

static void
tls_serves_the_metacert_last(void **state)
{
	struct tls_server_config config = { .records = TLS_RECORDS_OWN };
	const struct derp_key key = { { 1, 2, 3 } };
	uint8_t der[CERT_META_MAX], *got = NULL;
	struct tls_peer p;
	size_t n;

	(void)state;
	check_int(cert_make_meta(&key, der, &n, NULL), 0);
	config.extra_cert = slice_of(der, n);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION;
	     version++) {
		STACK_OF(X509) * chain;

		tls_peer_start(&p, config);
		SSL_set_max_proto_version(p.client, version);
		check(tls_peer_shake(&p));
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
	tls_peer_start(&p, own);
	tls_context_release(p.ctx);
	p.ctx = NULL;
	check(tls_peer_shake(&p)); /* the sanitizer watches */
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
tls_survives_want_of_memory(void **state)
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
		cmocka_unit_test(tls_takes_over_every_suite),
		cmocka_unit_test(tls_leaves_records_to_openssl),
		cmocka_unit_test(tls_carries_tls12_by_openssl),
		cmocka_unit_test(tls_takes_any_split),
		cmocka_unit_test(tls_takes_data_behind_finished),
		cmocka_unit_test(tls_stops_when_plain_is_full),
		cmocka_unit_test(tls_never_resumes),
		cmocka_unit_test(tls_follows_key_updates),
		cmocka_unit_test(tls_limits_key_updates),
		cmocka_unit_test(tls_renews_keys_at_the_limit),
		cmocka_unit_test(tls_says_goodbye_and_hears_it),
		cmocka_unit_test(tls_wants_the_exact_name),
		cmocka_unit_test(tls_selects_http11),
		cmocka_unit_test(tls_prefers_what_is_fast),
		cmocka_unit_test(tls_refuses_old_versions),
		cmocka_unit_test(tls_knows_what_is_no_tls),
		cmocka_unit_test(tls_refuses_bad_records),
		cmocka_unit_test(tls_tells_the_peers_alert),
		cmocka_unit_test(tls_serves_the_metacert_last),
		cmocka_unit_test(tls_context_is_held_by_handshakes_only),
		cmocka_unit_test(tls_context_tells_what_is_wrong),
		cmocka_unit_test(tls_survives_want_of_memory),
	};

	return cmocka_run_group_tests(
	    tests, tls_peer_files, tls_peer_files_gone);
}
