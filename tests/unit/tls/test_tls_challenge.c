/* tls_challenge: who is shown a proof, and which. */
#include "tls_challenge.h"
#include "tls_peer.h"

#include <openssl/x509.h>

#define NAME "derp.example.org"
#define OTHER "else.example.org"
#define PROTOCOL "\x0a" TLS_CHALLENGE_PROTOCOL

static EVP_PKEY *key;

static X509 *
make(const char *common_name)
{
	X509 *x = X509_new();

	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)common_name, -1, -1, 0);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 60);
	X509_set_pubkey(x, key);
	check(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static void
show(struct tls_challenge *c, enum tls_challenge_maker maker, const char *cn)
{
	X509 *x = make(cn);

	tls_challenge_set(c, maker, x, key);
	X509_free(x);
}

/* Whose certificate a client is shown: its common name, "" for the server's
 * own, NULL when it is refused. */
static const char *
shown(struct tls_challenge *c, const char *sni, const char *protocols,
    int version)
{
	static char name[64];
	/* any name is served otherwise: it is the challenge that is for one */
	struct tls_server_config config = { .challenge = c };
	struct tls_peer p;
	const char *got = NULL;
	X509 *x;

	tls_peer_start(&p, config);
	SSL_set_max_proto_version(p.client, version);
	if (sni != NULL)
		SSL_set_tlsext_host_name(p.client, sni);
	SSL_set_alpn_protos(p.client, (const unsigned char *)protocols,
	    (unsigned)strlen(protocols));
	(void)tls_peer_handshake(&p);
	(void)SSL_do_handshake(p.client); /* with the last that was sent */
	if (SSL_is_init_finished(p.client) == 1) {
		x = SSL_get1_peer_certificate(p.client);
		name[0] = '\0';
		X509_NAME_get_text_by_NID(X509_get_subject_name(x),
		    NID_commonName, name, sizeof name);
		got = strncmp(name, "proof", 5) == 0 ? name : "";
		X509_free(x);
		/* an authority says nothing more, and nobody else poses as one
		 */
		check_int(p.status, got[0] != '\0' ? TLS_EOF : TLS_OPEN);
	}
	tls_peer_stop(&p);
	return got;
}

static void
tls_challenge_is_for_authorities_alone(void **state)
{
	struct tls_challenge *c = tls_challenge_new(NAME);

	(void)state;
	for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		tls_challenge_clear(c, TLS_CHALLENGE_OWN);
		check_null(shown(c, NAME, PROTOCOL, v));
		show(c, TLS_CHALLENGE_OWN, "proof");
		check_text(shown(c, NAME, PROTOCOL, v), "proof");
		check_text(shown(c, "DERP.example.ORG", PROTOCOL, v), "proof");
		/* RFC 8737 3: for the name, and the protocol alone */
		check_null(shown(c, OTHER, PROTOCOL, v));
		check_null(shown(c, NULL, PROTOCOL, v));
		check_text(shown(c, NAME, PROTOCOL "\x08http/1.1", v), "");
		check_text(shown(c, NAME, "\x08http/1.1", v), "");
	}
	tls_challenge_free(c);
}

static void
tls_challenge_shows_its_own_before_others(void **state)
{
	struct tls_challenge *c = tls_challenge_new(NAME);
	const int v = TLS1_3_VERSION;

	(void)state;
	show(c, TLS_CHALLENGE_OTHER, "proof of others");
	check_text(shown(c, NAME, PROTOCOL, v), "proof of others");
	show(c, TLS_CHALLENGE_OWN, "proof");
	check_text(shown(c, NAME, PROTOCOL, v), "proof");
	/* whatever others do meanwhile */
	tls_challenge_clear(c, TLS_CHALLENGE_OTHER);
	check_text(shown(c, NAME, PROTOCOL, v), "proof");
	show(c, TLS_CHALLENGE_OTHER, "proof of others");
	tls_challenge_clear(c, TLS_CHALLENGE_OWN);
	check_text(shown(c, NAME, PROTOCOL, v), "proof of others");
	tls_challenge_free(c);
}

static int
start(void **state)
{
	key = EVP_EC_gen("P-256");
	return tls_peer_files(state);
}

static int
end(void **state)
{
	EVP_PKEY_free(key);
	return tls_peer_files_gone(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_challenge_is_for_authorities_alone),
		cmocka_unit_test(tls_challenge_shows_its_own_before_others),
	};

	return cmocka_run_group_tests(tests, start, end);
}
