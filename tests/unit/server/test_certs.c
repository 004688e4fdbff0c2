/* certs: what the log says of the dates, and how often. */
#include "check.h"

#include "certs.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#define HOST "127.0.0.1"
#define DAY_S 86400
#define DAY_MS (UINT64_C(1000) * DAY_S)

static char folder[] = "/tmp/test_certs.XXXXXX";

static FILE *
create(const char *suffix)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/" HOST "%s", folder, suffix);
	f = fopen(path, "w");
	check(f != NULL);
	return f;
}

static void
remove_file(const char *suffix)
{
	char path[256];

	snprintf(path, sizeof path, "%s/" HOST "%s", folder, suffix);
	unlink(path);
}

/* A pair for HOST that has lived for 80 days and ends in `left_s`. */
static void
make_pair(long left_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_EXTENSION *san;
	FILE *f;

	check(key != NULL && x != NULL);
	X509_set_version(x, 2);
	X509_gmtime_adj(X509_getm_notBefore(x), -80L * DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(x), left_s);
	X509_set_pubkey(x, key);
	san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:" HOST);
	check(san != NULL && X509_add_ext(x, san, -1) == 1);
	X509_EXTENSION_free(san);
	check(X509_sign(x, key, EVP_sha256()) > 0);
	f = create(".crt");
	check_int(PEM_write_X509(f, x), 1);
	fclose(f);
	f = create(".key");
	check_int(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* What certs_remind logs at the time. */
static void
remind(struct certs *certs, uint64_t now_ms, char *out, size_t cap)
{
	int saved = dup(STDERR_FILENO), fds[2];
	ssize_t n;

	check_int(pipe2(fds, O_NONBLOCK), 0);
	check(dup2(fds[1], STDERR_FILENO) == STDERR_FILENO);
	certs_remind(certs, now_ms);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	n = read(fds[0], out, cap - 1);
	out[n > 0 ? n : 0] = '\0';
	close(fds[0]);
}

static struct certs *
open_certs(void)
{
	const struct derp_key server = { .b = { 1 } };
	static struct config config;
	struct fail why = { 0 };
	struct certs *certs;

	config = (struct config){
		.hostname = HOST, .hostname_is_ip = true, .cert_dir = folder
	};
	certs = certs_open(&config, &server, NULL, &why);
	check_text(why.text, "");
	check(certs != NULL);
	return certs;
}

static void
a_certificate_that_expires_is_told_of_once_a_day(void **state)
{
	const uint64_t start_ms = 7 * DAY_MS + 5;
	struct certs *certs;
	char text[512];

	(void)state;
	make_pair(10L * DAY_S + 3600);
	certs = open_certs();
	remind(certs, start_ms, text, sizeof text);
	check_text(text, ""); /* the start has told */
	remind(certs, start_ms + DAY_MS - 1, text, sizeof text);
	check_text(text, "");
	remind(certs, start_ms + DAY_MS, text, sizeof text);
	check_contains(text, "expires in 10 days");
	remind(certs, start_ms + 2 * DAY_MS - 1, text, sizeof text);
	check_text(text, "");
	remind(certs, start_ms + 2 * DAY_MS, text, sizeof text);
	check_contains(text, "expires in 10 days");
	certs_close(certs);
}

static void
one_with_time_left_is_not(void **state)
{
	struct certs *certs;
	char text[512];

	(void)state;
	make_pair(60L * DAY_S);
	certs = open_certs();
	remind(certs, 1, text, sizeof text);
	remind(certs, 1 + DAY_MS, text, sizeof text);
	check_text(text, "");
	certs_close(certs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_certificate_that_expires_is_told_of_once_a_day),
		cmocka_unit_test(one_with_time_left_is_not),
	};
	int rc;

	check(sodium_init() != -1);
	check(mkdtemp(folder) != NULL);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	remove_file(".crt");
	remove_file(".key");
	rmdir(folder);
	return rc;
}
