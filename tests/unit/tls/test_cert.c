/* cert: files made, read and refused; the metacert. */
#include "cert.h"

#include "check.h"
#include "fake_files.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY ((int64_t)86400)

static char dir[] = "/tmp/derpkit-cert-XXXXXX";
static char cert[80], key[80], other_cert[80], other_key[80];

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(cert, sizeof cert, "%s/a/b/ip.crt", dir);
	snprintf(key, sizeof key, "%s/a/b/ip.key", dir);
	snprintf(other_cert, sizeof other_cert, "%s/o.crt", dir);
	snprintf(other_key, sizeof other_key, "%s/o.key", dir);
	return 0;
}

/* Runs a command of ours in the test's folder; its output, without the line
 * end. */
static void
run(char out[static 512], const char *command)
{
	char line[512];
	size_t n;
	FILE *f;

	snprintf(line, sizeof line, "cd %s && %s", dir, command);
	f = popen(line, "r");
	check(f != NULL);
	n = fread(out, 1, 511, f);
	while (n > 0 && out[n - 1] == '\n')
		n--;
	out[n] = '\0';
	check_int(pclose(f), 0);
}

static int
tear_down(void **state)
{
	char out[512];

	(void)state;
	run(out, "rm -r \"$PWD\"");
	return 0;
}

static void
make(const char *ip_text, const char *cert_file, const char *key_file)
{
	struct fail why = { 0 };
	struct netaddr ip;

	check_int(netaddr_parse_ip(&ip, slice_str(ip_text)), 0);
	check_int(cert_make_self_signed(&ip, cert_file, key_file, &why), 0);
	check_text(why.text, "");
}

static unsigned
mode_of(const char *file)
{
	struct stat st;

	check_int(stat(file, &st), 0);
	return st.st_mode & 0777;
}

/* What root renews is still the service's, and as readable as before. */
static void
cert_keeps_owner_and_mode_of_a_pair(void **state)
{
	struct stat st;

	(void)state;
	make("192.0.2.7", cert, key);
	check_int(chmod(cert, 0640), 0);
	check_int(chmod(key, 0440), 0);
	if (geteuid() == 0) {
		check_int(chown(cert, 4711, 4712), 0);
		check_int(chown(key, 4711, 4712), 0);
	}
	make("192.0.2.7", cert, key);
	check_int(mode_of(cert), 0640);
	check_int(mode_of(key), 0440);
	check_int(stat(key, &st), 0);
	check_int(st.st_uid, geteuid() == 0 ? 4711 : geteuid());
	check_int(st.st_gid, geteuid() == 0 ? 4712 : getegid());
	check_int(unlink(cert), 0);
	check_int(unlink(key), 0);
}

static void
cert_makes_self_signed_pairs(void **state)
{
	char out[512], folder[80];

	(void)state;
	make("192.0.2.7", cert, key);
	check_int(mode_of(cert), 0644);
	check_int(mode_of(key), 0600);
	snprintf(folder, sizeof folder, "%s/a", dir);
	check_int(mode_of(folder), 0700);
	run(out, "head -1 a/b/ip.key");
	check_text(out, "-----BEGIN EC PRIVATE KEY-----");
	run(out, "ls a/b | wc -l"); /* no temporary file is left */
	check_text(out, "2");
	run(out,
	    "openssl x509 -in a/b/ip.crt -noout -subject -issuer "
	    "-nameopt compat");
	check_text(out, "subject=/CN=192.0.2.7\nissuer=/CN=192.0.2.7");
	run(out, "openssl x509 -in a/b/ip.crt -noout -text | grep -c X509v3");
	check_text(out, "5"); /* the heading and four extensions */
	run(out,
	    "openssl x509 -in a/b/ip.crt -noout -ext subjectAltName,"
	    "basicConstraints,keyUsage,extendedKeyUsage | tr -d '\\n'");
	check_contains(out, "IP Address:192.0.2.7");
	check_contains(out, "Basic Constraints: critical    CA:FALSE");
	check_contains(
	    out, "Key Usage: critical    Digital Signature, Key Encipherment");
	check_contains(out, "TLS Web Server Authentication");
	run(out,
	    "openssl verify -CAfile a/b/ip.crt -verify_ip 192.0.2.7 "
	    "a/b/ip.crt");
	check_text(out, "a/b/ip.crt: OK");
}

static void
cert_pin_is_the_fingerprint(void **state)
{
	struct cert_info info;
	char out[512];

	(void)state;
	make("2001:db8::1", cert, key);
	check_int(cert_load_info(&info, cert, NULL), 0);
	run(out,
	    "openssl x509 -in a/b/ip.crt -noout -fingerprint -sha256 | "
	    "sed 's/.*=//' | tr -d : | tr A-F a-f");
	check_text(info.sha256, out);
	check(info.self_signed);
	check_int(info.count, 1);
	/* ten years, with two or three leap days */
	check(info.not_after_s - info.not_before_s >= 3652 * DAY);
	check(info.not_after_s - info.not_before_s <= 3653 * DAY);
	check_text(info.names, "2001:db8::1");
	check_text(info.subject, "2001:db8::1");
	check_text(info.issuer, "2001:db8::1");
	check(!info.rsa);
}

#define NOW ((int64_t)1800000000)

static enum cert_age
age(int64_t from_days, int64_t to_days)
{
	const struct cert_info info = { .not_before_s = NOW + from_days * DAY,
		.not_after_s = NOW + to_days * DAY };

	return cert_age(&info, NOW);
}

static void
cert_knows_its_age(void **state)
{
	(void)state;
	check_int(age(-1, 89), CERT_VALID);
	check_int(age(1, 90), CERT_NOT_YET);
	check_int(age(-90, -1), CERT_EXPIRED);
	/* the last third of a short life, the last 30 days of a long one */
	check_int(age(-4, 2), CERT_VALID);
	check_int(age(-5, 1), CERT_EXPIRING);
	check_int(age(-300, 31), CERT_VALID);
	check_int(age(-300, 29), CERT_EXPIRING);
}

/* What a certificate of somebody else's says, shown on a terminal. */
static void
cert_lists_names(void **state)
{
	struct cert_info info;
	char path[300], out[512];

	(void)state;
	run(out,
	    "openssl req -x509 -newkey rsa:2048 -nodes -days 5 -subj "
	    "/CN=me.example -keyout r.key -out r.crt -addext "
	    "'subjectAltName=DNS:a.example,IP:192.0.2.9,DNS:*.b.example' "
	    "2>/dev/null");
	snprintf(path, sizeof path, "%s/r.crt", dir);
	check_int(cert_load_info(&info, path, NULL), 0);
	check_text(info.names, "a.example, 192.0.2.9, *.b.example");
	check_text(info.issuer, "me.example");
	check(info.rsa);
}

static void
cert_counts_chains(void **state)
{
	struct cert_info info, leaf;
	char out[512];

	(void)state;
	make("192.0.2.7", cert, key);
	make("192.0.2.8", other_cert, other_key);
	check_int(cert_load_info(&leaf, cert, NULL), 0);
	run(out, "cat o.crt >> a/b/ip.crt");
	check_int(cert_load_info(&info, cert, NULL), 0);
	check_int(info.count, 2);
	check_text(info.sha256, leaf.sha256);
}

static void
check_refused(const char *cert_file, const char *key_file, const char *host,
    const char *part)
{
	struct fail why = { 0 };

	check_int(cert_check_pair(cert_file, key_file, host, &why), -1);
	check_contains(why.text, part);
	check_int(cert_check_pair(cert_file, key_file, host, NULL), -1);
}

static void
cert_checks_pairs(void **state)
{
	char out[512], missing[96], bad[96];
	struct fail why = { 0 };

	(void)state;
	make("192.0.2.7", cert, key);
	make("192.0.2.8", other_cert, other_key);
	check_int(cert_check_pair(cert, key, "192.0.2.7", &why), 0);
	check_refused(
	    cert, key, "192.0.2.8", "cert invalid for hostname \"192.0.2.8\"");
	check_refused(cert, key, "host.example", "cert invalid for hostname");
	check_refused(
	    cert, other_key, "192.0.2.7", "does not belong to certificate");
	snprintf(missing, sizeof missing, "%s/none", dir);
	check_refused(missing, key, "192.0.2.7", "No such file");
	check_refused(cert, missing, "192.0.2.7", "No such file");
	check_refused(key, key, "192.0.2.7", "no certificate in PEM form");
	check_refused(cert, cert, "192.0.2.7", "no usable private key");
	run(out,
	    "head -c 300 a/b/ip.crt > bad; openssl ec -in o.key -aes128 "
	    "-passout pass:x -out locked 2>/dev/null");
	snprintf(bad, sizeof bad, "%s/bad", dir);
	check_refused(bad, key, "192.0.2.7", bad);
	snprintf(bad, sizeof bad, "%s/locked", dir);
	check_refused(other_cert, bad, "192.0.2.8", "is encrypted");
	check_refused(key, cert, "192.0.2.7", "are the two files swapped?");
	check_refused(cert, cert, "192.0.2.7", "are the two files swapped?");
	check_refused(dir, key, "192.0.2.7", "it is a directory");
	check_refused(cert, dir, "192.0.2.7", "it is a directory");
	run(out, "mkfifo pipe");
	snprintf(bad, sizeof bad, "%s/pipe", dir);
	check_refused(bad, key, "192.0.2.7", "it is not a regular file");
	check_refused(cert, bad, "192.0.2.7", "it is not a regular file");
	check_refused(cert, key, "x.example",
	    "it has 192.0.2.7; its common name 192.0.2.7 does not count");
}

/* Signs the pair's certificate again, ended yesterday. */
static void
expire(const char *cert_file, const char *key_file)
{
	FILE *c = fopen(cert_file, "r+"), *k = fopen(key_file, "r");
	EVP_PKEY *pkey;
	X509 *x;

	check(c != NULL && k != NULL);
	x = PEM_read_X509(c, NULL, NULL, NULL);
	pkey = PEM_read_PrivateKey(k, NULL, NULL, NULL);
	check(x != NULL && pkey != NULL);
	X509_gmtime_adj(X509_getm_notBefore(x), -2 * 86400);
	X509_gmtime_adj(X509_getm_notAfter(x), -86400);
	check(X509_sign(x, pkey, EVP_sha256()) > 0);
	rewind(c);
	check_int(PEM_write_X509(c, x), 1);
	fclose(c);
	fclose(k);
	X509_free(x);
	EVP_PKEY_free(pkey);
}

/* Names count by SAN only, wildcards for one label; expiry does not count. */
static void
cert_matches_names_as_go_does(void **state)
{
	static const struct {
		const char *host;
		int result;
	} cases[] = { { "derp.example.com", 0 }, { "DERP.example.com", 0 },
		{ "x.wild.example.com", 0 }, { "x.y.wild.example.com", -1 },
		{ "wild.example.com", -1 }, { "cn.example.com", -1 },
		{ "part1.example.com", -1 }, { "example.com", -1 } };
	char out[512];

	(void)state;
	run(out,
	    "openssl req -x509 -newkey ec -pkeyopt "
	    "ec_paramgen_curve:P-256 -nodes -keyout o.key -out o.crt "
	    "-days 9 -subj /CN=cn.example.com -addext "
	    "subjectAltName=DNS:derp.example.com,"
	    "DNS:*.wild.example.com,DNS:part*.example.com 2>&1");
	expire(other_cert, other_key);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_int(
		    cert_check_pair(other_cert, other_key, cases[i].host, NULL),
		    cases[i].result);
}

static void
cert_reports_what_cannot_be_written(void **state)
{
	char file[100], under[120];
	struct fail why = { 0 };
	struct netaddr ip;
	char out[512];

	(void)state;
	run(out, "touch file");
	snprintf(file, sizeof file, "%s/file/x.crt", dir);
	snprintf(under, sizeof under, "%s/file/x.key", dir);
	check_int(netaddr_parse_ip(&ip, slice_str("::1")), 0);
	check_int(cert_make_self_signed(&ip, file, under, &why), -1);
	check(why.text[0] != '\0');
}

#define CUT_HOST "192.0.2.9"

static char cut_cert[96], cut_key[96];

static int
make_cut(void *ctx)
{
	struct netaddr ip;

	(void)ctx;
	check_int(netaddr_parse_ip(&ip, slice_str(CUT_HOST)), 0);
	return cert_make_self_signed(&ip, cut_cert, cut_key, NULL);
}

/* Which of the two files are there before. */
enum before {
	NONE,
	CERT_ONLY, /* the key was lost */
	KEY_ONLY,
};

static void
start_cut(enum before before)
{
	(void)unlink(cut_cert);
	(void)unlink(cut_key);
	if (before == NONE)
		return;
	check_int(make_cut(NULL), 0);
	check_int(unlink(before == CERT_ONLY ? cut_key : cut_cert), 0);
}

/* What the relay does at its next start (certs.c): a file that is missing
 * makes both anew; then the pair must fit, or the start fails with that
 * reason and the operator is told. Never a part of a file. */
static void
check_restart(enum before before)
{
	struct fail why = { 0 };
	bool both = access(cut_cert, F_OK) == 0 && access(cut_key, F_OK) == 0;

	if (both && cert_check_pair(cut_cert, cut_key, CUT_HOST, &why) == -1) {
		check_contains(why.text, "does not belong to certificate");
		check_int(before, CERT_ONLY);
		check_int(unlink(cut_cert), 0);
		both = false;
	}
	if (!both)
		check_int(make_cut(NULL), 0);
	check_int(cert_check_pair(cut_cert, cut_key, CUT_HOST, NULL), 0);
	check_int(mode_of(cut_key), 0600);
	check_int(mode_of(cut_cert), 0644);
}

static void
cert_pair_is_mended_or_refused_when_cut(void **state)
{
	(void)state;
	snprintf(cut_cert, sizeof cut_cert, "%s/cut/ip.crt", dir);
	snprintf(cut_key, sizeof cut_key, "%s/cut/ip.key", dir);
	for (enum before before = NONE; before <= KEY_ONLY; before++) {
		int n = 1;

		for (start_cut(before); fake_files_try_exit(n, make_cut, NULL);
		     n++) {
			check_restart(before);
			start_cut(before);
		}
		check(n - 1 >= 18); /* nine for each file, and folders */
	}
}

static void
cert_pair_is_mended_or_refused_when_a_call_fails(void **state)
{
	(void)state;
	for (enum before before = NONE; before <= KEY_ONLY; before++) {
		bool failed = true;
		int told = 0;

		for (int n = 1; failed; n++) {
			start_cut(before);
			fake_files_fail_at(n, ENOSPC);
			told += make_cut(NULL) == -1;
			failed = fake_files_failed();
			check_restart(before);
		}
		check(told >= 16);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cert_keeps_owner_and_mode_of_a_pair),
		cmocka_unit_test(cert_makes_self_signed_pairs),
		cmocka_unit_test(cert_knows_its_age),
		cmocka_unit_test(cert_lists_names),
		cmocka_unit_test(cert_pin_is_the_fingerprint),
		cmocka_unit_test(cert_counts_chains),
		cmocka_unit_test(cert_checks_pairs),
		cmocka_unit_test(cert_matches_names_as_go_does),
		cmocka_unit_test(cert_reports_what_cannot_be_written),
		cmocka_unit_test(cert_pair_is_mended_or_refused_when_cut),
		cmocka_unit_test(
		    cert_pair_is_mended_or_refused_when_a_call_fails),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
