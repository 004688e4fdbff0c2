/* acme_proof: see acme_proof.h. */
#include "acme_proof.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SUM_BYTES 32
#define DAY_S (24 * 60 * 60)
#define SAN_MAX 300
#define IDENTIFIER_OID "1.3.6.1.5.5.7.1.31" /* RFC 8737 6.1 */

static int
add_identifier(X509 *x, const char *key_authorization)
{
	/* an OCTET STRING in the extension's OCTET STRING */
	uint8_t value[2 + SUM_BYTES] = { V_ASN1_OCTET_STRING, SUM_BYTES };
	ASN1_OBJECT *type = OBJ_txt2obj(IDENTIFIER_OID, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e = NULL;
	int rc = -1;

	if (type != NULL && octets != NULL &&
	    EVP_Digest(key_authorization, strlen(key_authorization), value + 2,
		NULL, EVP_sha256(), NULL) == 1 &&
	    ASN1_OCTET_STRING_set(octets, value, sizeof value) == 1)
		e = X509_EXTENSION_create_by_OBJ(NULL, type, 1, octets);
	if (e != NULL && X509_add_ext(x, e, -1) == 1)
		rc = 0;
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(type);
	return rc;
}

static int
add_name(X509 *x, const char *name)
{
	char san[SAN_MAX];
	X509_EXTENSION *e = NULL;
	int rc = -1;

	if ((size_t)snprintf(san, sizeof san, "DNS:%s", name) < sizeof san)
		e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
	if (e != NULL && X509_add_ext(x, e, -1) == 1)
		rc = 0;
	X509_EXTENSION_free(e);
	return rc;
}

X509 *
acme_proof_make(const struct acme_key *key, const char *name,
    const char *key_authorization, int64_t now_s)
{
	EVP_PKEY *pkey = acme_key_pkey(key);
	X509 *x = X509_new();

	if (x != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
	    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(now_s - DAY_S)) !=
		NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(now_s + DAY_S)) !=
		NULL &&
	    X509_set_pubkey(x, pkey) == 1 && add_name(x, name) == 0 &&
	    add_identifier(x, key_authorization) == 0 &&
	    X509_sign(x, pkey, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	ERR_clear_error();
	return NULL;
}
