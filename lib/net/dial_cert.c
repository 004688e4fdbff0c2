/* dial_cert: see dial_cert.h. */
#include "dial_cert.h"

#include "encode.h"
#include "netaddr.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

void
dial_cert_common_name(const X509 *cert, char out[static DIAL_CERT_CN_MAX])
{
	out[0] = '\0';
	if (X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
		NID_commonName, out, DIAL_CERT_CN_MAX) == -1)
		out[0] = '\0';
}

bool
dial_cert_is_meta(const X509 *cert)
{
	char cn[DIAL_CERT_CN_MAX];

	dial_cert_common_name(cert, cn);
	return strncmp(cn, DIAL_CERT_META_PREFIX,
		   strlen(DIAL_CERT_META_PREFIX)) == 0;
}

static bool
is_for(X509 *cert, const char *name)
{
	struct netaddr ip;

	if (netaddr_parse_ip(&ip, slice_str(name)) == 0)
		return X509_check_ip_asc(cert, name, 0) == 1;
	return X509_check_host(cert, name, 0,
		   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

int
dial_cert_judge_pin(struct stack_st_X509 *chain, const char *pin,
    const char *name, struct fail *why)
{
	X509 *cert = NULL;
	uint8_t digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned n = 0;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		if (dial_cert_is_meta(sk_X509_value(chain, i)))
			continue;
		if (cert != NULL)
			return fail_set(why,
			    "certificate: more than one under "
			    "a pin");
		cert = sk_X509_value(chain, i);
	}
	if (cert == NULL || X509_digest(cert, EVP_sha256(), digest, &n) != 1)
		return fail_set(why, "certificate: none to pin");
	encode_hex(hex, slice_of(digest, n));
	if (strcmp(hex, pin) != 0)
		return fail_set(
		    why, "certificate: SHA-256 is %s, pinned is %s", hex, pin);
	if (!is_for(cert, name))
		return fail_set(why, "certificate: not valid for %s", name);
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) >= 0 ||
	    X509_cmp_current_time(X509_get0_notAfter(cert)) <= 0)
		return fail_set(why, "certificate: expired or not yet valid");
	return 0;
}
