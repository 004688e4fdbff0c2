/* acme_chain: see acme_chain.h. */
#include "acme_chain.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "encode.h"

/* The next certificate; NULL at the end, or where the text is damaged. */
static X509 *
next_certificate(BIO *bio)
{
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	ERR_clear_error();
	return x;
}

static BIO *
open_text(struct slice pem)
{
	return pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
}

static int
check_leaf(X509 *leaf, const struct acme_key *key, const char *name, bool is_ip,
    struct fail *why)
{
	const int matches = is_ip
	    ? X509_check_ip_asc(leaf, name, 0)
	    : X509_check_host(
		  leaf, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL);

	if (X509_check_private_key(leaf, acme_key_pkey(key)) != 1)
		return fail_set(
		    why, "the certificate that was issued is for another key");
	if (matches != 1)
		return fail_set(
		    why, "the certificate that was issued is not for %s", name);
	return 0;
}

/* In date now: an authority's clock that is ahead of ours would have clients
 * refuse it. */
static int
check_dates(X509 *leaf, int64_t now_s, struct fail *why)
{
	time_t now = (time_t)now_s;

	if (X509_cmp_time(X509_get0_notAfter(leaf), &now) <= 0)
		return fail_set(why,
		    "the certificate that was issued has expired (is the clock "
		    "right?)");
	if (X509_cmp_time(X509_get0_notBefore(leaf), &now) > 0)
		return fail_set(why,
		    "the certificate that was issued is not valid yet (is the "
		    "clock right?)");
	return 0;
}

/* Nothing but certificates may follow the leaf: the file is read by others,
 * too. */
static int
check_rest(BIO *bio, struct slice pem, struct fail *why)
{
	size_t begins = 0, read = 1;
	const char *at = (const char *)pem.p, *end = at + pem.n;
	X509 *x;

	while ((x = next_certificate(bio)) != NULL) {
		X509_free(x);
		read++;
	}
	while (
	    (at = memmem(at, (size_t)(end - at), "-----BEGIN ", 11)) != NULL) {
		begins++;
		at += 11;
	}
	if (begins != read || read > ACME_CHAIN_CERTS_MAX)
		return fail_set(why, "the chain that was issued is damaged");
	return 0;
}

int
acme_chain_check(struct slice pem, const struct acme_key *key, const char *name,
    bool is_ip, int64_t now_s, struct fail *why)
{
	BIO *bio = open_text(pem);
	X509 *leaf = bio != NULL ? next_certificate(bio) : NULL;
	int rc = -1;

	if (leaf == NULL)
		fail_set(why,
		    "what was issued is not a certificate in PEM "
		    "form");
	else if (check_leaf(leaf, key, name, is_ip, why) == 0 &&
	    check_dates(leaf, now_s, why) == 0)
		rc = check_rest(bio, pem, why);
	X509_free(leaf);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

/* The serial number as DER has it: with a zero before a first byte that would
 * make it negative. */
static int
encode_serial(const X509 *leaf, char *text, size_t cap)
{
	uint8_t *der = NULL;
	const int n = i2d_ASN1_INTEGER(X509_get0_serialNumber(leaf), &der);
	int rc = -1;

	/* tag and a length of one byte go before it */
	if (n > 2 && n < 128)
		rc = encode_base64url(
		    text, cap, slice_of(der + 2, (size_t)n - 2));
	OPENSSL_free(der);
	return rc;
}

int
acme_chain_id(struct slice pem, char id[static ACME_CHAIN_ID_MAX])
{
	BIO *bio = open_text(pem);
	X509 *leaf = bio != NULL ? next_certificate(bio) : NULL;
	const ASN1_OCTET_STRING *issuer =
	    leaf != NULL ? X509_get0_authority_key_id(leaf) : NULL;
	char key[ACME_CHAIN_ID_MAX / 2], serial[ACME_CHAIN_ID_MAX / 2];
	int rc = -1;

	if (issuer != NULL &&
	    encode_base64url(key, sizeof key,
		slice_of(ASN1_STRING_get0_data(issuer),
		    (size_t)ASN1_STRING_length(issuer))) == 0 &&
	    encode_serial(leaf, serial, sizeof serial) == 0) {
		snprintf(id, ACME_CHAIN_ID_MAX, "%s.%s", key, serial);
		rc = 0;
	}
	X509_free(leaf);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}
