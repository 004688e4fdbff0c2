/* acme_csr: see acme_csr.h. */
#include "acme_csr.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#define SAN_MAX 300

static int
add_name(X509_REQ *request, const char *name, bool is_ip)
{
	char san[SAN_MAX];
	STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *e = NULL;
	int rc = -1;

	if ((size_t)snprintf(san, sizeof san, "%s:%s", is_ip ? "IP" : "DNS",
		name) < sizeof san)
		e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
	if (all != NULL && e != NULL && sk_X509_EXTENSION_push(all, e) > 0) {
		e = NULL;
		if (X509_REQ_add_extensions(request, all) == 1)
			rc = 0;
	}
	X509_EXTENSION_free(e);
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
	return rc;
}

int
acme_csr_make(
    const struct acme_key *key, const char *name, bool is_ip, struct buf *der)
{
	EVP_PKEY *pkey = acme_key_pkey(key);
	X509_REQ *request = X509_REQ_new();
	uint8_t *p = NULL;
	int n = -1, rc = -1;

	if (request != NULL && X509_REQ_set_version(request, 0) == 1 &&
	    X509_REQ_set_pubkey(request, pkey) == 1 &&
	    add_name(request, name, is_ip) == 0 &&
	    X509_REQ_sign(request, pkey, EVP_sha256()) > 0)
		n = i2d_X509_REQ(request, &p);
	if (n > 0)
		rc = buf_append(der, p, (size_t)n);
	OPENSSL_free(p);
	X509_REQ_free(request);
	ERR_clear_error();
	return rc;
}
