/* cert: see cert.h. */
#include "cert.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "clock.h"
#include "encode.h"
#include "newfile.h"

#define DAY_S ((int64_t)24 * 60 * 60)

/* The reason OpenSSL gives for what failed last. */
static int
fail_ssl(struct fail *why, const char *what)
{
	const unsigned long e = ERR_peek_error();

	fail_set(why, "%s: %s", what,
	    e != 0 ? ERR_reason_error_string(e) : "failed");
	ERR_clear_error();
	return -1;
}

/* Opens a file for OpenSSL; NULL and the reason. */
static BIO *
open_pem(const char *file, struct fail *why)
{
	struct stat st;
	BIO *bio;

	/* opening a pipe would wait for somebody who writes to it */
	if (stat(file, &st) == 0 && !S_ISREG(st.st_mode)) {
		fail_set(why, "open %s: it is %s", file,
		    S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
		return NULL;
	}
	bio = BIO_new_file(file, "r");
	if (bio == NULL)
		fail_errno(why, "open %s", file);
	ERR_clear_error();
	return bio;
}

/* Whether the text is in a line of the file that begins with dashes, to tell
 * what is in it instead. */
static bool
has_pem(const char *file, const char *text)
{
	char line[128];
	FILE *from = fopen(file, "re");
	bool found = false;

	while (from != NULL && !found && fgets(line, sizeof line, from) != NULL)
		found = strncmp(line, "-----BEGIN ", 11) == 0 &&
		    strstr(line, text) != NULL;
	if (from != NULL)
		fclose(from);
	return found;
}

/* PKCS#8 says so in its first line, the older forms in their second. */
static bool
is_encrypted(const char *file)
{
	char text[512] = "";
	FILE *from = fopen(file, "re");
	bool encrypted;

	if (from == NULL)
		return false;
	text[fread(text, 1, sizeof text - 1, from)] = '\0';
	fclose(from);
	encrypted = strstr(text, "BEGIN ENCRYPTED PRIVATE KEY-----") != NULL ||
	    strstr(text, "Proc-Type: 4,ENCRYPTED") != NULL;
	OPENSSL_cleanse(text, sizeof text);
	return encrypted;
}

/* The first certificate of a PEM file, owned by the caller, and how many there
 * are. */
static X509 *
load_leaf(const char *file, unsigned *count, struct fail *why)
{
	BIO *bio = open_pem(file, why);
	X509 *leaf = NULL, *x;

	*count = 0;
	if (bio == NULL)
		return NULL;
	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		++*count;
		if (leaf == NULL)
			leaf = x;
		else
			X509_free(x);
	}
	BIO_free(bio);
	/* the end of the file is an error to OpenSSL: no further start line */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		fail_ssl(why, file);
		X509_free(leaf);
		return NULL;
	}
	ERR_clear_error();
	if (leaf == NULL && has_pem(file, "PRIVATE KEY-----"))
		fail_set(why,
		    "no certificate in PEM form in %s but a private key: "
		    "are the two files swapped?",
		    file);
	else if (leaf == NULL)
		fail_set(why, "no certificate in PEM form in %s", file);
	return leaf;
}

static EVP_PKEY *
load_key(const char *file, struct fail *why)
{
	static char no_password[] = "";
	BIO *bio = open_pem(file, why);
	EVP_PKEY *key;

	if (bio == NULL)
		return NULL;
	/* an encrypted key must fail, not ask on the terminal */
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, no_password);
	BIO_free(bio);
	if (key == NULL && is_encrypted(file))
		fail_set(why,
		    "the private key in %s is encrypted: decrypt it "
		    "(openssl pkey -in OLD -out NEW)",
		    file);
	else if (key == NULL && !has_pem(file, "PRIVATE KEY-----") &&
	    has_pem(file, "-----BEGIN CERTIFICATE-----"))
		fail_set(why,
		    "no usable private key in PEM form in %s but a "
		    "certificate: are the two files swapped?",
		    file);
	else if (key == NULL)
		fail_set(why, "no usable private key in PEM form in %s", file);
	ERR_clear_error();
	return key;
}

static int64_t
seconds_of(const ASN1_TIME *t)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* Text of a certificate, whose bytes may be anything, as a terminal can take
 * it. */
static void
put_printable(struct writer *w, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		writer_printf(w, "%c", p[i] > ' ' && p[i] < 0x7f ? p[i] : '?');
}

static void
put_ip(struct writer *w, const ASN1_OCTET_STRING *ip)
{
	const uint8_t *p = ASN1_STRING_get0_data(ip);
	char text[NETADDR_TEXT];
	uint8_t ip16[16] = { [10] = 0xff, [11] = 0xff };
	struct netaddr a;
	const int n = ASN1_STRING_length(ip);

	if (n != 4 && n != 16)
		return;
	memcpy(n == 4 ? ip16 + 12 : ip16, p, (size_t)n);
	netaddr_from_ip16(&a, ip16, 0);
	netaddr_format_ip(&a, text);
	writer_printf(w, "%s", text);
}

/* The subject alternative names that hosts are checked against. */
static void
list_names(X509 *x, char names[static CERT_NAMES_MAX])
{
	GENERAL_NAMES *all =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	struct writer w = writer_of(names, CERT_NAMES_MAX - 1);

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);

		if (name->type != GEN_DNS && name->type != GEN_IPADD)
			continue;
		writer_printf(&w, "%s", w.n > 0 ? ", " : "");
		if (name->type == GEN_DNS)
			put_printable(&w,
			    ASN1_STRING_get0_data(name->d.dNSName),
			    (size_t)ASN1_STRING_length(name->d.dNSName));
		else
			put_ip(&w, name->d.iPAddress);
	}
	GENERAL_NAMES_free(all);
	names[w.n] = '\0';
}

static void
put_common_name(const X509_NAME *name, char to[static CERT_NAME_MAX])
{
	struct writer w = writer_of(to, CERT_NAME_MAX - 1);
	char text[CERT_NAME_MAX] = "";

	if (X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)name,
		NID_commonName, text, sizeof text) > 0)
		for (const char *p = text; *p != '\0'; p++)
			writer_printf(
			    &w, "%c", *p >= ' ' && *p < 0x7f ? *p : '?');
	to[w.n] = '\0';
}

int
cert_read_info(struct cert_info *info, X509 *leaf, struct fail *why)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	*info = (struct cert_info){ .count = 1 };
	if (X509_digest(leaf, EVP_sha256(), sum, &n) != 1 ||
	    2 * n + 1 != sizeof info->sha256)
		return fail_ssl(why, "certificate");
	encode_hex(info->sha256, slice_of(sum, n));
	list_names(leaf, info->names);
	put_common_name(X509_get_subject_name(leaf), info->subject);
	put_common_name(X509_get_issuer_name(leaf), info->issuer);
	info->rsa =
	    EVP_PKEY_get_base_id(X509_get0_pubkey(leaf)) == EVP_PKEY_RSA;
	info->self_signed = X509_self_signed(leaf, 1) == 1;
	info->not_before_s = seconds_of(X509_get0_notBefore(leaf));
	info->not_after_s = seconds_of(X509_get0_notAfter(leaf));
	ERR_clear_error();
	return 0;
}

int
cert_load_info(struct cert_info *info, const char *cert_file, struct fail *why)
{
	struct fail reason = { 0 };
	unsigned count;
	X509 *leaf = load_leaf(cert_file, &count, why);
	int result;

	*info = (struct cert_info){ 0 };
	if (leaf == NULL)
		return -1;
	result = cert_read_info(info, leaf, &reason);
	info->count = count;
	X509_free(leaf);
	return result == 0 ? 0
			   : fail_set(why, "%s: %s", cert_file, reason.text);
}

enum cert_age
cert_age(const struct cert_info *info, int64_t now_s)
{
	int64_t last_s = (info->not_after_s - info->not_before_s) / 3;

	if (last_s > 30 * DAY_S)
		last_s = 30 * DAY_S;
	if (now_s < info->not_before_s)
		return CERT_NOT_YET;
	if (now_s > info->not_after_s)
		return CERT_EXPIRED;
	return info->not_after_s - now_s < last_s ? CERT_EXPIRING : CERT_VALID;
}

/* Go's rules: SAN only, an IP address only by IP SAN, a wildcard stands for
 * the whole leftmost label. */
static bool
is_for(X509 *x, const char *hostname)
{
	struct netaddr ip;

	if (netaddr_parse_ip(&ip, slice_str(hostname)) == 0)
		return X509_check_ip_asc(x, hostname, 0) == 1;
	return X509_check_host(x, hostname, 0,
		   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
		   NULL) == 1;
}

static void
fail_other_name(
    X509 *x, const char *cert_file, const char *hostname, struct fail *why)
{
	char names[CERT_NAMES_MAX], cn[CERT_NAME_MAX];

	list_names(x, names);
	put_common_name(X509_get_subject_name(x), cn);
	fail_set(why,
	    "cert invalid for hostname \"%s\": no subject alternative name of "
	    "%s matches (%s%.150s%s%.60s%s)",
	    hostname, cert_file, names[0] != '\0' ? "it has " : "it has none",
	    names, cn[0] != '\0' ? "; its common name " : "", cn,
	    cn[0] != '\0' ? " does not count" : "");
}

/* Whether the key in the file belongs to the certificate. */
static int
check_key(
    X509 *x, const char *cert_file, const char *key_file, struct fail *why)
{
	EVP_PKEY *key = load_key(key_file, why);
	const bool same = key != NULL && X509_check_private_key(x, key) == 1;

	if (key != NULL && !same)
		fail_set(why,
		    "private key %s does not belong to certificate %s",
		    key_file, cert_file);
	EVP_PKEY_free(key);
	return same ? 0 : -1;
}

int
cert_file_is_for(
    const char *cert_file, const char *hostname, bool *is_it, struct fail *why)
{
	unsigned count;
	X509 *x = load_leaf(cert_file, &count, why);

	if (x == NULL)
		return -1;
	*is_it = is_for(x, hostname);
	X509_free(x);
	return 0;
}

int
cert_check_pair(const char *cert_file, const char *key_file,
    const char *hostname, struct fail *why)
{
	int result = -1;
	unsigned count;
	X509 *x = load_leaf(cert_file, &count, why);

	if (x == NULL)
		return -1;
	if (key_file == NULL || check_key(x, cert_file, key_file, why) == 0) {
		if (is_for(x, hostname))
			result = 0;
		else
			fail_other_name(x, cert_file, hostname, why);
	}
	ERR_clear_error();
	X509_free(x);
	return result;
}

/* One relative name, as the original: PrintableString, which also spares
 * OpenSSL's limit of 64 characters for other string types. */
static int
set_name(X509 *x, const char *cn)
{
	X509_NAME *name = X509_get_subject_name(x);

	if (X509_NAME_add_entry_by_NID(name, NID_commonName,
		V_ASN1_PRINTABLESTRING, (const unsigned char *)cn, -1, -1,
		0) != 1)
		return -1;
	return X509_set_issuer_name(x, name) == 1 ? 0 : -1;
}

static int
set_times(X509 *x, int64_t from_s, int64_t to_s)
{
	return ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from_s) != NULL &&
		ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to_s) != NULL
	    ? 0
	    : -1;
}

static int
add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	int ok = e != NULL && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return ok ? 0 : -1;
}

static int
set_random_serial(X509 *x)
{
	BIGNUM *serial = BN_new();
	int ok = serial != NULL &&
	    BN_rand(serial, 128, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
	    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x)) != NULL;

	BN_free(serial);
	return ok ? 0 : -1;
}

/* Years from now by the calendar. */
static int64_t
years_later(int64_t now_s, int years)
{
	time_t t = (time_t)now_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		return now_s + years * 365 * DAY_S;
	tm.tm_year += years;
	return (int64_t)timegm(&tm);
}

static X509 *
self_signed(EVP_PKEY *key, const struct netaddr *ip)
{
	const int64_t now_s = clock_wall_s();
	char text[NETADDR_TEXT], san[NETADDR_TEXT + 3];
	X509 *x = X509_new();

	netaddr_format_ip(ip, text);
	snprintf(san, sizeof san, "IP:%s", text);
	if (x != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
	    set_random_serial(x) == 0 && set_name(x, text) == 0 &&
	    set_times(x, now_s, years_later(now_s, CERT_SELF_SIGNED_YEARS)) ==
		0 &&
	    X509_set_pubkey(x, key) == 1 &&
	    add_extension(x, NID_key_usage,
		"critical,digitalSignature,keyEncipherment") == 0 &&
	    add_extension(x, NID_ext_key_usage, "serverAuth") == 0 &&
	    add_extension(x, NID_basic_constraints, "critical,CA:FALSE") == 0 &&
	    add_extension(x, NID_subject_alt_name, san) == 0 &&
	    X509_sign(x, key, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

static int
make_folders(const char *file, struct fail *why)
{
	struct fail inner = { 0 };

	if (newfile_make_folders(file, 0700, &inner) == -1)
		return fail_set(why, "mkdir %s", inner.text);
	return 0;
}

/* A file that is there keeps mode, owner and group, or the service whose it is
 * cannot read what root renews. Who may not give it away replaces it all the
 * same. */
static int
replace_file(
    const char *file, mode_t mode, struct slice bytes, struct fail *why)
{
	struct stat st;

	if (stat(file, &st) == -1 || !S_ISREG(st.st_mode))
		return newfile_replace(file, bytes, mode, why);
	if (newfile_replace_like(file, bytes, &st, why) == 0)
		return 0;
	if (errno != EPERM)
		return -1;
	*why = (struct fail){ 0 };
	return newfile_replace(file, bytes, st.st_mode & 0777, why);
}

static int
write_file(const char *file, mode_t mode, BIO *content, struct fail *why)
{
	struct fail inner = { 0 };
	char *p;
	const long n = BIO_get_mem_data(content, &p);

	if (replace_file(file, mode, slice_of(p, (size_t)n), &inner) == -1)
		return fail_set(why, "write %s", inner.text);
	return 0;
}

/* The key goes first: with the certificate still missing, the next start makes
 * both again. Cut between the two where an old certificate was (its key had
 * gone), it leaves a pair that cert_check_pair refuses. */
static int
write_pair(X509 *x, EVP_PKEY *key, const char *cert_file, const char *key_file,
    struct fail *why)
{
	BIO *cert_pem = BIO_new(BIO_s_mem());
	BIO *key_pem = BIO_new(BIO_s_secmem());
	int result = -1;

	if (cert_pem == NULL || key_pem == NULL ||
	    PEM_write_bio_X509(cert_pem, x) != 1 ||
	    PEM_write_bio_PrivateKey_traditional(
		key_pem, key, NULL, NULL, 0, NULL, NULL) != 1)
		fail_ssl(why, "certificate");
	else if (make_folders(cert_file, why) == 0 &&
	    make_folders(key_file, why) == 0 &&
	    write_file(key_file, 0600, key_pem, why) == 0 &&
	    write_file(cert_file, 0644, cert_pem, why) == 0)
		result = 0;
	BIO_free(cert_pem);
	BIO_free(key_pem); /* wipes */
	return result;
}

int
cert_make_self_signed(const struct netaddr *ip, const char *cert_file,
    const char *key_file, struct fail *why)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = NULL;
	int result = -1;

	if (key != NULL)
		x = self_signed(key, ip);
	if (x == NULL)
		fail_ssl(why, "certificate");
	else
		result = write_pair(x, key, cert_file, key_file, why);
	X509_free(x);
	EVP_PKEY_free(key);
	return result;
}

/* The one extension is an empty SEQUENCE: CA is false by default. */
static X509 *
named(EVP_PKEY *key, const char *common_name, long serial, unsigned days)
{
	const int64_t now_s = clock_wall_s(), half_s = days * DAY_S;
	X509 *x = X509_new();

	if (x != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), serial) == 1 &&
	    set_name(x, common_name) == 0 &&
	    set_times(x, now_s - half_s, now_s + half_s) == 0 &&
	    X509_set_pubkey(x, key) == 1 &&
	    add_extension(x, NID_basic_constraints, "critical,CA:FALSE") == 0 &&
	    X509_sign(x, key, NULL) > 0)
		return x;
	X509_free(x);
	return NULL;
}

int
cert_make_named(const char *common_name, long serial, unsigned days,
    uint8_t der[static CERT_NAMED_MAX], size_t *n, struct fail *why)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	unsigned char *to = der;
	X509 *x = NULL;
	int size = -1;

	if (key != NULL)
		x = named(key, common_name, serial, days);
	if (x != NULL)
		size = i2d_X509(x, NULL);
	if (size > 0 && size <= CERT_NAMED_MAX)
		size = i2d_X509(x, &to);
	else
		size = fail_ssl(why, "certificate");
	X509_free(x);
	EVP_PKEY_free(key);
	if (size < 0)
		return -1;
	*n = (size_t)size;
	return 0;
}

const char *
cert_format_date(int64_t at_s, char text[static CERT_DATE_TEXT])
{
	time_t t = (time_t)at_s;
	struct tm tm = { 0 };

	gmtime_r(&t, &tm);
	strftime(text, CERT_DATE_TEXT, "%Y-%m-%d %H:%M UTC", &tm);
	return text;
}
