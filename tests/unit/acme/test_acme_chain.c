/* acme_chain, acme_csr, acme_proof: certificates made and checked. */
#include "acme_chain.h"
#include "acme_csr.h"
#include "acme_proof.h"
#include "check.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define NOW_S 1800000000

static struct acme_key *key, *other;

static int
start(void **state)
{
	(void)state;
	key = acme_key_make(NULL);
	other = acme_key_make(NULL);
	return key != NULL && other != NULL ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	acme_key_free(key);
	acme_key_free(other);
	return 0;
}

static void
add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	check(e != NULL && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

/* The identifiers of RFC 9773 4.1. */
static void
add_issuer(X509 *x)
{
	static const uint8_t der[] = { 0x30, 0x16, 0x80, 0x14, 0x69, 0x88, 0x5b,
		0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b,
		0xa0, 0xae, 0x2c, 0xde, 0x01, 0xc8, 0xd4 };
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	ASN1_OCTET_STRING_set(octets, der, sizeof der);
	e = X509_EXTENSION_create_by_NID(
	    NULL, NID_authority_key_identifier, 0, octets);
	check(X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(octets);
}

/* Appends a certificate from NOW_S + from_s to NOW_S + to_s in PEM form. */
static void
put_cert(struct buf *pem, const char *san, int from_s, int to_s)
{
	X509 *x = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), 0x87654321);
	ASN1_TIME_set(X509_getm_notBefore(x), NOW_S + from_s);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW_S + to_s);
	X509_set_pubkey(x, acme_key_pkey(key));
	add_extension(x, NID_subject_alt_name, san);
	add_issuer(x);
	check(X509_sign(x, acme_key_pkey(key), EVP_sha256()) > 0);
	check(PEM_write_bio_X509(bio, x) == 1);
	n = BIO_get_mem_data(bio, &p);
	check_int(buf_append(pem, p, (size_t)n), 0);
	BIO_free(bio);
	X509_free(x);
}

static void
judge_chain(const struct buf *pem, const struct acme_chain_want *want,
    enum acme_chain_verdict verdict, const char *text)
{
	struct fail why = { 0 };

	check_int(acme_chain_check(buf_slice(pem), want, &why), verdict);
	check_contains(why.text, text);
}

static void
check_chain(const struct buf *pem, const struct acme_key *whose,
    const char *name, bool is_ip, const char *want)
{
	judge_chain(pem,
	    &(struct acme_chain_want){
		.key = whose, .name = name, .is_ip = is_ip, .now_s = NOW_S },
	    want == NULL ? ACME_CHAIN_GOOD : ACME_CHAIN_BAD,
	    want == NULL ? "" : want);
}

/* OpenSSL does not say what is wrong with it: no shortage. */
static void
acme_chain_gives_an_empty_block_up(void **state)
{
	static const char block[] = "-----BEGIN CERTIFICATE-----\n"
				    "-----END CERTIFICATE-----\n";
	struct buf pem;

	(void)state;
	buf_init(&pem, 65536);
	buf_printf(&pem, "%s", block);
	check_chain(&pem, key, "a.example", false, "not a certificate");
	buf_clear(&pem);
	put_cert(&pem, "DNS:a.example", -10, 10);
	buf_printf(&pem, "%s", block);
	check_chain(&pem, key, "a.example", false, "chain that was issued is");
	buf_clear(&pem);
}

static void
acme_chain_checks_what_was_issued(void **state)
{
	const struct acme_chain_want a_example = {
		.key = key, .name = "a.example", .now_s = NOW_S
	};
	int64_t from_s, to_s;
	struct buf pem;

	(void)state;
	buf_init(&pem, 65536);
	put_cert(&pem, "DNS:a.example,IP:192.0.2.1", -10, 10);
	check_chain(&pem, key, "a.example", false, NULL);
	check_chain(&pem, key, "192.0.2.1", true, NULL);
	check_chain(&pem, other, "a.example", false, "is for another key");
	check_chain(&pem, key, "b.example", false, "is not for b.example");
	check_chain(&pem, key, "192.0.2.2", true, "is not for 192.0.2.2");
	put_cert(&pem, "DNS:ca", -10, 10);
	check_int(acme_chain_dates(buf_slice(&pem), &from_s, &to_s), 0);
	check_int(from_s, NOW_S - 10);
	check_int(to_s, NOW_S + 10);
	check_chain(&pem, key, "a.example", false, NULL);
	buf_printf(&pem, "-----BEGIN CERTIFICATE-----\nAA\n");
	check_chain(&pem, key, "a.example", false, "chain that was issued is");
	buf_clear(&pem);
	put_cert(&pem, "DNS:a.example", -10, 0);
	judge_chain(&pem, &a_example, ACME_CHAIN_EXPIRED, "has expired");
	buf_clear(&pem);
	put_cert(&pem, "DNS:a.example", 1, 10);
	judge_chain(&pem, &a_example, ACME_CHAIN_NOT_YET, "not valid yet");
	buf_clear(&pem);
	check_chain(&pem, key, "a.example", false, "not a certificate");
	put_cert(&pem, "DNS:a.example", -10, 10);
	check_int(acme_key_write(key, &pem), 0);
	check_chain(&pem, key, "a.example", false, "chain that was issued is");
	buf_clear(&pem);
	for (int i = 0; i <= ACME_CHAIN_CERTS_MAX; i++)
		put_cert(&pem, "DNS:a.example", -10, 10);
	check_chain(&pem, key, "a.example", false, "chain that was issued is");
	buf_clear(&pem);
}

static void
acme_chain_has_the_name_of_the_rfc(void **state)
{
	char id[ACME_CHAIN_ID_MAX];
	struct buf pem;

	(void)state;
	buf_init(&pem, 65536);
	check_int(acme_chain_id(buf_slice(&pem), id), -1);
	check_int(acme_key_write(key, &pem), 0);
	put_cert(&pem, "DNS:a.example", -10, 10);
	check_int(acme_chain_id(buf_slice(&pem), id), 0);
	check_text(id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
	buf_clear(&pem);
}

static void
acme_csr_asks_for_one_name(void **state)
{
	static const struct {
		const char *name;
		bool is_ip;
		int type, bytes;
	} rows[] = {
		{ "derp.example.org", false, GEN_DNS, 16 },
		{ "192.0.2.1", true, GEN_IPADD, 4 },
		{ "2001:db8::1", true, GEN_IPADD, 16 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf der;
		const uint8_t *p;
		X509_REQ *request;
		STACK_OF(X509_EXTENSION) * all;
		GENERAL_NAMES *names;
		GENERAL_NAME *name;

		buf_init(&der, 4096);
		check_int(
		    acme_csr_make(key, rows[i].name, rows[i].is_ip, &der), 0);
		p = buf_slice(&der).p;
		request = d2i_X509_REQ(NULL, &p, (long)buf_len(&der));
		check(request != NULL);
		check_int(X509_REQ_verify(request, acme_key_pkey(key)), 1);
		all = X509_REQ_get_extensions(request);
		check_int(sk_X509_EXTENSION_num(all), 1);
		names = X509V3_get_d2i(all, NID_subject_alt_name, NULL, NULL);
		check_int(sk_GENERAL_NAME_num(names), 1);
		name = sk_GENERAL_NAME_value(names, 0);
		check_int(name->type, rows[i].type);
		check_int(ASN1_STRING_length(name->d.ia5), rows[i].bytes);
		GENERAL_NAMES_free(names);
		sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
		X509_REQ_free(request);
		buf_clear(&der);
	}
}

static void
acme_proof_is_as_the_rfc_wants(void **state)
{
	X509 *x =
	    acme_proof_make(key, "derp.example.org", "token.print", NOW_S);
	ASN1_OBJECT *type = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
	uint8_t want[34] = { 4, 32 };
	const ASN1_OCTET_STRING *value;
	X509_EXTENSION *e;

	(void)state;
	check(x != NULL);
	e = X509_get_ext(x, X509_get_ext_by_OBJ(x, type, -1));
	check(e != NULL);
	check_int(X509_EXTENSION_get_critical(e), 1);
	value = X509_EXTENSION_get_data(e);
	EVP_Digest("token.print", 11, want + 2, NULL, EVP_sha256(), NULL);
	check_slice(slice_of(ASN1_STRING_get0_data(value),
			(size_t)ASN1_STRING_length(value)),
	    slice_of(want, sizeof want));
	check_int(X509_check_host(x, "derp.example.org", 0, 0, NULL), 1);
	check_int(X509_check_private_key(x, acme_key_pkey(key)), 1);
	check_int(X509_self_signed(x, 1), 1);
	ASN1_OBJECT_free(type);
	X509_free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acme_chain_gives_an_empty_block_up),
		cmocka_unit_test(acme_chain_checks_what_was_issued),
		cmocka_unit_test(acme_chain_has_the_name_of_the_rfc),
		cmocka_unit_test(acme_csr_asks_for_one_name),
		cmocka_unit_test(acme_proof_is_as_the_rfc_wants),
	};

	return cmocka_run_group_tests(tests, start, end);
}
