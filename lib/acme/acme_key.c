/* acme_key: see acme_key.h. */
#include "acme_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"

#define HALF 32      /* bytes of a coordinate, of r and of s */
#define HALF_TEXT 44 /* of its base64url, with NUL */
#define SHA256_BYTES 32

struct acme_key {
	EVP_PKEY *pkey; /* owned */
	char jwk[160];
	char thumbprint[HALF_TEXT];
};

static int
encode_coordinate(EVP_PKEY *pkey, const char *name, char text[static HALF_TEXT])
{
	BIGNUM *n = NULL;
	uint8_t bytes[HALF];
	int rc = -1;

	if (EVP_PKEY_get_bn_param(pkey, name, &n) == 1 &&
	    BN_bn2binpad(n, bytes, HALF) == HALF)
		rc = encode_base64url(text, HALF_TEXT, slice_of(bytes, HALF));
	BN_free(n);
	return rc;
}

/* RFC 7638 3: the members in lexicographic order and no blanks. */
static int
describe(struct acme_key *key)
{
	char x[HALF_TEXT], y[HALF_TEXT];
	uint8_t sum[SHA256_BYTES];

	if (encode_coordinate(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, x) == -1 ||
	    encode_coordinate(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, y) == -1)
		return -1;
	snprintf(key->jwk, sizeof key->jwk,
	    "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x,
	    y);
	if (EVP_Digest(
		key->jwk, strlen(key->jwk), sum, NULL, EVP_sha256(), NULL) != 1)
		return -1;
	return encode_base64url(
	    key->thumbprint, sizeof key->thumbprint, slice_of(sum, sizeof sum));
}

/* Takes the key; NULL when it cannot be used. */
static struct acme_key *
wrap(EVP_PKEY *pkey, struct fail *why)
{
	struct acme_key *key = calloc(1, sizeof *key);

	if (key == NULL) {
		EVP_PKEY_free(pkey);
		fail_set(why, "out of memory");
		return NULL;
	}
	key->pkey = pkey;
	if (describe(key) == 0)
		return key;
	ERR_clear_error();
	acme_key_free(key);
	fail_set(why, "OpenSSL cannot describe the key");
	return NULL;
}

struct acme_key *
acme_key_read(struct slice pem, struct fail *why)
{
	struct acme_key *key;

	(void)acme_key_load(pem, &key, why);
	return key;
}

struct acme_key *
acme_key_make(struct fail *why)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	if (pkey != NULL)
		return wrap(pkey, why);
	ERR_clear_error();
	fail_set(why, "OpenSSL cannot make a key");
	return NULL;
}

static bool
is_p256(const EVP_PKEY *pkey)
{
	char group[64] = "";

	return EVP_PKEY_is_a(pkey, "EC") == 1 &&
	    EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
	    (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

enum acme_reading
acme_key_load(struct slice pem, struct acme_key **key, struct fail *why)
{
	static char no_password[] = "";
	enum acme_reading reading = ACME_READ_BAD;
	EVP_PKEY *pkey = NULL;
	BIO *bio = NULL;

	*key = NULL;
	ERR_clear_error(); /* of others */
	if (pem.n <= ACME_KEY_PEM_MAX)
		bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	/* an encrypted key must fail, not ask on the terminal */
	if (bio != NULL)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, no_password);
	BIO_free(bio);
	if (pem.n <= ACME_KEY_PEM_MAX)
		reading = acme_reading_of_ssl(ACME_READ_SHORT);
	if (pkey == NULL) {
		fail_set(why,
		    reading == ACME_READ_SHORT
			? "out of memory"
			: "no usable private key in PEM form");
		return reading;
	}
	if (is_p256(pkey)) {
		/* a point that was read has coordinates */
		*key = wrap(pkey, why);
		return *key != NULL ? ACME_READ : ACME_READ_SHORT;
	}
	EVP_PKEY_free(pkey);
	reading = acme_reading_of_ssl(ACME_READ_BAD);
	fail_set(why,
	    reading == ACME_READ_SHORT
		? "out of memory"
		: "the private key is not for ECDSA with P-256");
	return reading;
}

void
acme_key_free(struct acme_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

int
acme_key_write(const struct acme_key *key, struct buf *pem)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	int rc = -1;
	char *p;
	long n;

	if (bio != NULL &&
	    PEM_write_bio_PrivateKey_traditional(
		bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1) {
		n = BIO_get_mem_data(bio, &p);
		rc = buf_append(pem, p, (size_t)n);
	}
	BIO_free(bio); /* wipes */
	ERR_clear_error();
	return rc;
}

/* DER's two integers to the 64 bytes of JOSE. */
static int
unwrap(const uint8_t *der, size_t n, uint8_t to[static ACME_KEY_SIGNATURE])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
	int rc = -1;

	if (sig != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), to, HALF) == HALF &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), to + HALF, HALF) == HALF)
		rc = 0;
	ECDSA_SIG_free(sig);
	return rc;
}

int
acme_key_sign(const struct acme_key *key, struct slice message,
    uint8_t signature[static ACME_KEY_SIGNATURE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[128];
	size_t n = sizeof der;
	int rc = -1;

	if (ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
	    EVP_DigestSign(ctx, der, &n, message.p, message.n) == 1)
		rc = unwrap(der, n, signature);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

const char *
acme_key_jwk(const struct acme_key *key)
{
	return key->jwk;
}

const char *
acme_key_thumbprint(const struct acme_key *key)
{
	return key->thumbprint;
}

EVP_PKEY *
acme_key_pkey(const struct acme_key *key)
{
	return key->pkey;
}
