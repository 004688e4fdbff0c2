/* acme_key, acme_jws: against the key of RFC 7517 A.1, and by verifying. */
#include "acme_jws.h"
#include "check.h"
#include "encode.h"

#include <jansson.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

/* the private key of RFC 7517 A.2 */
static const char known[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIPO9DAeoH7kyeB7VJ1L2DMiaa+XlGTT+AZON21XY93gBoAoGCCqGSM49\n"
    "AwEHoUQDQgAEMKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D7gS2XpJFbZ\n"
    "iItSs3m9+9Ue6GnvHw/GW2ZZaVtszggXIw==\n"
    "-----END EC PRIVATE KEY-----\n";

static struct acme_key *
known_key(void)
{
	struct fail why = { 0 };
	struct acme_key *key = acme_key_read(slice_str(known), &why);

	check_text(why.text, "");
	check(key != NULL);
	return key;
}

static void
acme_key_has_the_thumbprint_of_the_rfc(void **state)
{
	struct acme_key *key = known_key();

	(void)state;
	check_text(acme_key_jwk(key),
	    "{\"crv\":\"P-256\",\"kty\":\"EC\","
	    "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
	    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}");
	check_text(acme_key_thumbprint(key),
	    "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
	acme_key_free(key);
}

static void
acme_key_survives_its_pem(void **state)
{
	struct fail why = { 0 };
	struct acme_key *key = acme_key_make(&why), *again;
	struct buf pem;

	(void)state;
	buf_init(&pem, ACME_KEY_PEM_MAX);
	check(key != NULL);
	check_int(acme_key_write(key, &pem), 0);
	check(
	    slice_starts(buf_slice(&pem), "-----BEGIN EC PRIVATE KEY-----\n"));
	again = acme_key_read(buf_slice(&pem), &why);
	check(again != NULL);
	check_text(acme_key_thumbprint(again), acme_key_thumbprint(key));
	buf_clear(&pem);
	acme_key_free(again);
	acme_key_free(key);
	key = known_key();
	buf_init(&pem, ACME_KEY_PEM_MAX);
	check_int(acme_key_write(key, &pem), 0);
	check_slice_text(buf_slice(&pem), known);
	buf_clear(&pem);
	acme_key_free(key);
}

static void
write_pem(EVP_PKEY *pkey, struct buf *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	check(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) ==
	    1);
	n = BIO_get_mem_data(bio, &p);
	check_int(buf_append(pem, p, (size_t)n), 0);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
}

static void
acme_key_refuses_other_keys(void **state)
{
	struct fail why = { 0 };
	struct buf pem;

	(void)state;
	buf_init(&pem, ACME_KEY_PEM_MAX);
	write_pem(EVP_EC_gen("P-384"), &pem);
	check_null(acme_key_read(buf_slice(&pem), &why));
	check_text(why.text, "the private key is not for ECDSA with P-256");
	buf_clear(&pem);
	write_pem(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), &pem);
	check_null(acme_key_read(buf_slice(&pem), NULL));
	buf_clear(&pem);
	/* PKCS#8 is fine */
	write_pem(EVP_EC_gen("P-256"), &pem);
	acme_key_free(acme_key_read(buf_slice(&pem), &why));
	buf_clear(&pem);
	why = (struct fail){ 0 };
	check_null(acme_key_read(slice_str("garbage"), &why));
	check_text(why.text, "no usable private key in PEM form");
}

/* The member of a JSON object, decoded. */
static size_t
member(const json_t *object, const char *name, uint8_t *to, size_t cap)
{
	const char *text = json_string_value(json_object_get(object, name));
	size_t n = 0;

	check(text != NULL);
	check_int(decode_base64url(to, cap, &n, slice_str(text)), 0);
	return n;
}

/* "protected.payload" of an object. */
static size_t
input_of(const json_t *object, char *to, size_t cap)
{
	return (size_t)snprintf(to, cap, "%s.%s",
	    json_string_value(json_object_get(object, "protected")),
	    json_string_value(json_object_get(object, "payload")));
}

static bool
verifies(const struct acme_key *key, struct slice input, const uint8_t *sig)
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *der = NULL;
	int n, ok;

	check(ECDSA_SIG_set0(s, BN_bin2bn(sig, 32, NULL),
		  BN_bin2bn(sig + 32, 32, NULL)) == 1);
	n = i2d_ECDSA_SIG(s, &der);
	check(EVP_DigestVerifyInit(
		  ctx, NULL, EVP_sha256(), NULL, acme_key_pkey(key)) == 1);
	ok = EVP_DigestVerify(ctx, der, (size_t)n, input.p, input.n);
	EVP_MD_CTX_free(ctx);
	OPENSSL_free(der);
	ECDSA_SIG_free(s);
	return ok == 1;
}

static json_t *
load(struct buf *text)
{
	struct slice s = buf_slice(text);
	json_t *object = json_loadb((const char *)s.p, s.n, 0, NULL);

	check(json_is_object(object));
	check_size(json_object_size(object), 3);
	buf_clear(text);
	return object;
}

static void
acme_jws_signs(void **state)
{
	struct acme_key *key = known_key();
	struct acme_jws jws = { .key = key,
		.nonce = "n\"1",
		.url = "https://ca.example/new",
		.payload = "{\"a\":1}" };
	uint8_t bytes[1024], sig[ACME_KEY_SIGNATURE];
	char input[2048];
	struct buf body;
	json_t *object;
	size_t n;

	(void)state;
	buf_init(&body, 65536);
	for (int i = 0; i < 100; i++) { /* r and s of all lengths */
		check_int(acme_jws_sign(&jws, &body), 0);
		object = load(&body);
		n = input_of(object, input, sizeof input);
		check_size(member(object, "signature", sig, sizeof sig), 64);
		check(verifies(key, slice_of(input, n), sig));
		if (i == 0) {
			n = member(object, "protected", bytes, sizeof bytes);
			check_slice_text(slice_of(bytes, n),
			    "{\"alg\":\"ES256\",\"jwk\":{\"crv\":\"P-256\","
			    "\"kty\":\"EC\",\"x\":\"MKBCTNIcKUSDii11ySs3526"
			    "iDZ8AiTo7Tu6KPAqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5"
			    "vfvVHuhp7x8PxltmWWlbbM4IFyM\"},\"nonce\":"
			    "\"n\\\"1\",\"url\":\"https://ca.example/new\"}");
			n = member(object, "payload", bytes, sizeof bytes);
			check_slice_text(slice_of(bytes, n), "{\"a\":1}");
		}
		json_decref(object);
	}
	jws.kid = "https://ca.example/acct/1";
	jws.payload = "";
	check_int(acme_jws_sign(&jws, &body), 0);
	object = load(&body);
	n = member(object, "protected", bytes, sizeof bytes);
	check_slice_text(slice_of(bytes, n),
	    "{\"alg\":\"ES256\",\"kid\":\"https://ca.example/acct/1\","
	    "\"nonce\":\"n\\\"1\",\"url\":\"https://ca.example/new\"}");
	check_text(json_string_value(json_object_get(object, "payload")), "");
	json_decref(object);
	acme_key_free(key);
}

static void
acme_jws_binds(void **state)
{
	struct acme_key *key = known_key();
	const struct acme_binding binding = { .kid = "kid-1",
		.secret = slice_str("secret") };
	uint8_t bytes[1024], mac[32], want[32];
	char input[2048];
	struct buf body;
	json_t *object;
	size_t n;

	(void)state;
	buf_init(&body, 65536);
	check_int(acme_jws_bind(&binding, key, "https://ca/acct", &body), 0);
	object = load(&body);
	n = member(object, "protected", bytes, sizeof bytes);
	check_slice_text(slice_of(bytes, n),
	    "{\"alg\":\"HS256\",\"kid\":\"kid-1\",\"url\":\"https://ca/acct\""
	    "}");
	n = member(object, "payload", bytes, sizeof bytes);
	check_slice_text(slice_of(bytes, n), acme_key_jwk(key));
	n = input_of(object, input, sizeof input);
	check_size(member(object, "signature", mac, sizeof mac), 32);
	HMAC(EVP_sha256(), "secret", 6, (const uint8_t *)input, n, want, NULL);
	check_bytes(mac, want, sizeof mac);
	json_decref(object);
	acme_key_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acme_key_has_the_thumbprint_of_the_rfc),
		cmocka_unit_test(acme_key_survives_its_pem),
		cmocka_unit_test(acme_key_refuses_other_keys),
		cmocka_unit_test(acme_jws_signs),
		cmocka_unit_test(acme_jws_binds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
