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

#include "acme_reading.h"
#include "encode.h"

/* The next certificate; NULL at the end, or where the text is damaged. */
static X509 *
next_certificate(BIO *bio)
{
	return PEM_read_bio_X509(bio, NULL, NULL, NULL);
}

static BIO *
open_text(struct slice pem)
{
	return pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
}

/* By the rules of cert_check_pair, which the relay goes by afterwards. unsaid:
 * see read_chain. */
static enum acme_reading
check_leaf(X509 *leaf, const struct acme_chain_want *want,
    enum acme_reading unsaid, struct fail *why)
{
	const int matches = want->is_ip
	    ? X509_check_ip_asc(leaf, want->name, 0)
	    : X509_check_host(leaf, want->name, 0,
		  X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
		  NULL);

	if (X509_check_private_key(leaf, acme_key_pkey(want->key)) != 1) {
		fail_set(
		    why, "the certificate that was issued is for another key");
		/* read without its key: memory was short, or it is of a kind
		 * that OpenSSL does not know, which ours is not */
		if (X509_get0_pubkey(leaf) == NULL)
			return unsaid;
	} else if (matches != 1)
		fail_set(why, "the certificate that was issued is not for %s",
		    want->name);
	else
		return ACME_READ;
	return acme_reading_of_ssl(ACME_READ_BAD);
}

static int
read_date(const ASN1_TIME *at, int64_t *at_s)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(at, &tm) != 1)
		return -1;
	*at_s = (int64_t)timegm(&tm);
	return 0;
}

/* In date now: an authority's clock that is ahead of ours would have clients
 * refuse it. Without X509_cmp_time, which takes memory and whose failure looks
 * like an early date. */
static enum acme_chain_verdict
check_dates(X509 *leaf, int64_t now_s, struct fail *why)
{
	int64_t from_s, to_s;

	if (read_date(X509_get0_notBefore(leaf), &from_s) == -1 ||
	    read_date(X509_get0_notAfter(leaf), &to_s) == -1) {
		fail_set(why,
		    "the certificate that was issued has dates that cannot be "
		    "read");
		return ACME_CHAIN_BAD;
	}
	if (to_s <= now_s) {
		fail_set(why,
		    "the certificate that was issued has expired (is the clock "
		    "right?)");
		return ACME_CHAIN_EXPIRED;
	}
	if (from_s > now_s) {
		fail_set(why,
		    "the certificate that was issued is not valid yet (is the "
		    "clock right?)");
		return ACME_CHAIN_NOT_YET;
	}
	return ACME_CHAIN_GOOD;
}

/* Nothing but certificates may follow the leaf: the file is read by others,
 * too. */
static enum acme_reading
check_rest(
    BIO *bio, struct slice pem, enum acme_reading unsaid, struct fail *why)
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
	if (begins == read && read <= ACME_CHAIN_CERTS_MAX)
		return ACME_READ;
	fail_set(why, "the chain that was issued is damaged");
	return acme_reading_of_ssl(unsaid);
}

/* *leaf is owned, and NULL when there is none. unsaid: what it means that
 * OpenSSL cannot read something and does not say why. */
static enum acme_reading
read_chain(struct slice pem, const struct acme_chain_want *want,
    enum acme_reading unsaid, X509 **leaf, struct fail *why)
{
	enum acme_reading reading;
	BIO *bio;

	ERR_clear_error(); /* of others */
	bio = open_text(pem);
	*leaf = bio != NULL ? next_certificate(bio) : NULL;
	if (*leaf == NULL) {
		fail_set(
		    why, "what was issued is not a certificate in PEM form");
		reading = acme_reading_of_ssl(unsaid);
	} else {
		reading = check_leaf(*leaf, want, unsaid, why);
	}
	if (reading == ACME_READ)
		reading = check_rest(bio, pem, unsaid, why);
	BIO_free(bio);
	ERR_clear_error();
	return reading;
}

enum acme_chain_verdict
acme_chain_check(
    struct slice pem, const struct acme_chain_want *want, struct fail *why)
{
	enum acme_chain_verdict verdict = ACME_CHAIN_BAD;
	struct fail found = { 0 };
	enum acme_reading reading;
	X509 *leaf;

	reading = read_chain(pem, want, ACME_READ_SHORT, &leaf, &found);
	if (reading == ACME_READ_SHORT) {
		/* what is not said twice is the text's fault */
		X509_free(leaf);
		reading = read_chain(pem, want, ACME_READ_BAD, &leaf, &found);
	}
	switch (reading) {
	case ACME_READ:
		verdict = check_dates(leaf, want->now_s, &found);
		break;
	case ACME_READ_SHORT:
		verdict = ACME_CHAIN_UNKNOWN;
		fail_set(
		    &found, "what was issued cannot be read: out of memory");
		break;
	case ACME_READ_BAD:
		break;
	}
	if (verdict != ACME_CHAIN_GOOD)
		fail_set(why, "%s", found.text);
	X509_free(leaf);
	return verdict;
}

int
acme_chain_dates(struct slice pem, int64_t *from_s, int64_t *to_s)
{
	BIO *bio = open_text(pem);
	X509 *leaf = bio != NULL ? next_certificate(bio) : NULL;
	int rc = -1;

	if (leaf != NULL && read_date(X509_get0_notBefore(leaf), from_s) == 0)
		rc = read_date(X509_get0_notAfter(leaf), to_s);
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
