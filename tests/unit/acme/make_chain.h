/*
 * make_chain: certificates as an authority issues them, for tests.
 */
#ifndef DERPKIT_MAKE_CHAIN_H
#define DERPKIT_MAKE_CHAIN_H

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "acme_key.h"
#include "check.h"

/* Appends a certificate for the subject's key, signed by the issuer's, in PEM
 * form; san as "DNS:a.example". */
static inline void
make_chain(struct buf *pem, EVP_PKEY *subject, const struct acme_key *issuer,
    const char *san, int64_t from_s, int64_t to_s)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();
	X509_EXTENSION *e =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	check(x != NULL && name != NULL && e != NULL && bio != NULL);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"test authority", -1, -1, 0);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_set_issuer_name(x, name);
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from_s);
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to_s);
	X509_set_pubkey(x, subject);
	check_int(X509_add_ext(x, e, -1), 1);
	check(X509_sign(x, acme_key_pkey(issuer), EVP_sha256()) > 0);
	check_int(PEM_write_bio_X509(bio, x), 1);
	n = BIO_get_mem_data(bio, &p);
	check_int(buf_append(pem, p, (size_t)n), 0);
	BIO_free(bio);
	X509_EXTENSION_free(e);
	X509_NAME_free(name);
	X509_free(x);
}

#endif
