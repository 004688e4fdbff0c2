/* Unit tests of lib/derp/metacert. */
#include "metacert.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "check.h"

static void
metacert_carries_the_key(void **state)
{
	const struct derp_key server = { { 0xab, 0xcd, 1, 2, 3 } };
	uint8_t der[METACERT_MAX];
	const unsigned char *p = der;
	char hex[DERP_KEY_HEX_TEXT], want[100], got[100];
	X509_NAME_ENTRY *cn;
	X509 *x;
	size_t n = 0;

	(void)state;
	check_int(metacert_make(&server, der, &n, NULL), 0);
	check_size(n, 359);
	x = d2i_X509(NULL, &p, (long)n);
	check(x != NULL);
	check_int(ASN1_INTEGER_get(X509_get0_serialNumber(x)), 2);
	check_int(X509_get_version(x), X509_VERSION_3);
	check_int(X509_get_ext_count(x), 1);
	check_int(X509_get_ext_by_NID(x, NID_basic_constraints, -1), 0);
	check_int(X509_EXTENSION_get_critical(X509_get_ext(x, 0)), 1);
	check_int(
	    ASN1_STRING_length(X509_EXTENSION_get_data(X509_get_ext(x, 0))), 2);
	derp_key_format_hex(&server, hex);
	snprintf(want, sizeof want, "derpkey%s", hex);
	X509_NAME_get_text_by_NID(
	    X509_get_subject_name(x), NID_commonName, got, sizeof got);
	check_text(got, want);
	cn = X509_NAME_get_entry(X509_get_subject_name(x), 0);
	check_int(ASN1_STRING_type(X509_NAME_ENTRY_get_data(cn)),
	    V_ASN1_PRINTABLESTRING);
	check_int(X509_NAME_entry_count(X509_get_subject_name(x)), 1);
	check_int(X509_self_signed(x, 1), 1);
	check_int(X509_get_signature_nid(x), NID_ED25519);
	check(X509_cmp_time(X509_get0_notBefore(x),
		  &(time_t){ time(NULL) - 29 * 86400 }) < 0);
	check(X509_cmp_time(X509_get0_notAfter(x),
		  &(time_t){ time(NULL) + 29 * 86400 }) > 0);
	X509_free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metacert_carries_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
