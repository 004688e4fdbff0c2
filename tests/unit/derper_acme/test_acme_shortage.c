/* acme: memory that is short, at every place of an order. What was there stays,
 * the shortage is ours and not the authority's, and what it has issued and
 * counted is fetched the next time. Memory of jansson and of OpenSSL counts as
 * well. */
#include "acme_attempt.h"

#include "../acme/fake_ca.h"
#include "../acme/make_chain.h"
#include "acme_answers.h"
#include "acme_chain.h"
#include "acme_memory.h"
#include "fake_alloc.h"
#include "json_memory.h"

#include <dirent.h>
#include <openssl/crypto.h>
#include <time.h>
#include <unistd.h>

#define NAME "derp.example.org"
#define DAY_S (24 * 60 * 60)
#define OLD_TEXT "what was there before"

static char dir[] = "/tmp/test_acme_shortage.XXXXXX";
static struct acme_folder folder;
static struct acme_answers *answers;
static struct acme_attempt attempt;
static struct acme_issued issued;
static struct acme_error error;
static struct fake_ca ca;
static struct acme_key *authority;
static int64_t issue_from_s;
/* After whose answer allocations count until the next request; NULL: from the
 * beginning to the end. */
static const char *arm_path;
static size_t arm_n;
static bool armed_failed;

static const struct acme_config config = {
	.email = "me@example.org", .eab_kid = "", .url = CA "/dir", .name = NAME
};

int __wrap_fsync(int fd);

/* What it writes need not outlive it. */
int
__wrap_fsync(int fd)
{
	(void)fd;
	return 0;
}

/* The chain for a request, as the fake authority's. */
static const char *
sign(const char *csr)
{
	static char text[8192];
	uint8_t der[2048];
	const uint8_t *p = der;
	X509_REQ *request;
	struct buf pem;
	size_t n;

	check_int(decode_base64url(der, sizeof der, &n, slice_str(csr)), 0);
	request = d2i_X509_REQ(NULL, &p, (long)n);
	check(request != NULL);
	buf_init(&pem, sizeof text - 1);
	make_chain(&pem, X509_REQ_get0_pubkey(request), authority, "DNS:" NAME,
	    issue_from_s, issue_from_s + DAY_S);
	n = buf_len(&pem);
	memcpy(text, buf_slice(&pem).p, n);
	text[n] = '\0';
	buf_clear(&pem);
	X509_REQ_free(request);
	return text;
}

/* The authority has memory enough. */
static int
send_held(void *ctx, const char *url, const struct slice *post,
    struct acme_reply *reply, struct acme_error *why)
{
	const bool before = fake_alloc_hold(true);
	int rc;

	if (arm_path != NULL)
		armed_failed |= fake_alloc_failed();
	rc = fake_send(ctx, url, post, reply, why);
	if (arm_path != NULL && strcmp(url + strlen(CA), arm_path) == 0) {
		fake_alloc_fail_at(arm_n);
		arm_path = "";
	}
	(void)fake_alloc_hold(before);
	return rc;
}

static void
sweep(void)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			check_int(unlinkat(dirfd(d), e->d_name, 0), 0);
	closedir(d);
}

/* OpenSSL allocates by the thousand: only where it is armed. */
static void *
ssl_malloc(size_t n, const char *file, int line)
{
	const bool before = fake_alloc_hold(arm_path == NULL);
	void *p = fake_alloc_malloc(n);

	(void)file, (void)line;
	(void)fake_alloc_hold(before);
	return p;
}

static void *
ssl_realloc(void *p, size_t n, const char *file, int line)
{
	const bool before = fake_alloc_hold(arm_path == NULL);
	void *moved = realloc(p, n);

	(void)file, (void)line;
	(void)fake_alloc_hold(before);
	return moved;
}

static void
ssl_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

static int
start(void **state)
{
	(void)state;
	authority = acme_key_make(NULL);
	json_set_alloc_funcs(json_memory_malloc, free);
	return authority != NULL && mkdtemp(dir) != NULL ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	acme_key_free(authority);
	return rmdir(dir);
}

static int
setup(void **state)
{
	(void)state;
	check_int(acme_folder_init(&folder, dir, NAME, false, NULL), 0);
	answers = acme_answers_new(&folder);
	check(answers != NULL);
	attempt = (struct acme_attempt){ .config = &config,
		.folder = &folder,
		.transport = { .ctx = &ca,
		    .send = send_held,
		    .wait = fake_wait },
		.answers = answers,
		.kinds = ACME_HTTP_01 | ACME_TLS_ALPN_01 };
	issue_from_s = (int64_t)time(NULL) - 60;
	ca = (struct fake_ca){ 0 };
	acme_issued_init(&issued);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	acme_issued_clear(&issued);
	acme_answers_free(answers);
	sweep();
	return 0;
}

/* Whether the folder's certificate is still the old one. */
static bool
is_old(void)
{
	char text[64] = "";
	FILE *f = fopen(folder.cert, "r");

	check(f != NULL);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return strcmp(text, OLD_TEXT) == 0;
}

static void
put_old(void)
{
	FILE *f = fopen(folder.cert, "w");

	check(f != NULL);
	check_int(fputs(OLD_TEXT, f) >= 0, true);
	check_int(fclose(f), 0);
}

/* A new account, an order and its certificate, written. */
static int
order_and_save(void)
{
	unsigned used;

	error = (struct acme_error){ 0 };
	if (acme_attempt_run(&attempt, &issued, &used, &error) == -1)
		return -1;
	return acme_folder_save(
	    &folder, issued.key, buf_slice(&issued.chain), &error.why);
}

/* The same without a shortage: what was issued before is fetched. */
static void
check_next(size_t n)
{
	const bool finalized = ca.finalized;
	const unsigned orders = ca.orders;

	acme_issued_clear(&issued);
	if (order_and_save() == -1)
		fail_msg("after allocation %zu failed: %s", n, error.why.text);
	if (finalized && ca.orders != orders)
		fail_msg("what was issued before allocation %zu failed is "
			 "ordered again",
		    n);
	check(!is_old());
}

static void
begin(void)
{
	setup(NULL);
	put_old();
	ca.sign = sign;
	ca.pending_looks = 1;
	ca.reject_nonces = 1;
	ca.answer_seen = "not looked at here";
}

/* An order, or what is left of one, with a shortage; whether there was one. */
static bool
try(size_t n)
{
	bool failed;
	int rc;

	armed_failed = false;
	if (arm_path == NULL)
		fake_alloc_fail_at(n);
	arm_n = n;
	rc = order_and_save();
	failed = fake_alloc_failed() || armed_failed;
	arm_path = NULL;
	check(rc == 0 || failed);
	if (rc == 0) {
		check(!is_old());
		check(issued.from_s < issued.to_s);
		return failed;
	}
	if (error.why.text[0] == '\0' || !is_old())
		fail_msg("allocation %zu: %s", n, error.why.text);
	/* with a certificate it is the writing that has failed */
	if (issued.key == NULL && error.fault != ACME_FAULT_OURS)
		fail_msg("allocation %zu is a fault of others (%d): %s", n,
		    (int)error.fault, error.why.text);
	check_next(n);
	return true;
}

static void
acme_keeps_what_was_there_when_memory_is_short(void **state)
{
	static const enum acme_kind kinds[] = { ACME_HTTP_01,
		ACME_TLS_ALPN_01 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		bool failed = true;
		size_t n;

		for (n = 0; failed;) {
			begin();
			attempt.prefer = kinds[i];
			n += 1 + 3 * i; /* much is the same */
			failed = try(n);
			teardown(NULL);
		}
		check(n > 300);
	}
}

/* The next of OpenSSL's thousands: all of the first, some of the later. */
static size_t
next_of(size_t n)
{
	return n + 1 + n / 16;
}

/* What was issued is not given up because it could not be looked at. */
static void
acme_keeps_what_was_issued_when_memory_is_short(void **state)
{
	bool failed = true;
	size_t n = 0;

	(void)state;
	while (failed) {
		n = next_of(n);
		begin();
		arm_path = "/cert";
		failed = try(n);
		teardown(NULL);
	}
	check(n > 100);
}

/* Nor because the note of its order could not be read. */
static void
acme_keeps_an_order_when_memory_is_short(void **state)
{
	bool failed = true;
	size_t n = 0;

	(void)state;
	while (failed) {
		n = next_of(n);
		begin();
		ca.no_chain = ca.already_valid = ca.has_account = true;
		check_int(order_and_save(), -1);
		check(ca.finalized);
		ca.no_chain = false;
		arm_path = "/acct";
		failed = try(n);
		check_int(ca.orders, 1);
		teardown(NULL);
	}
	check(n > 100);
}

/* An authority that wants to be left alone is, whatever else it says. */
static void
acme_keeps_away_when_memory_is_short(void **state)
{
	bool failed = true;
	size_t n;

	(void)state;
	for (n = 0; failed;) {
		begin();
		ca.order_status = 429;
		ca.order_problem = "rateLimited";
		ca.retry_after_s = 77;
		arm_path = "/order";
		arm_n = ++n;
		check_int(order_and_save(), -1);
		failed = fake_alloc_failed();
		arm_path = NULL;
		check_int(error.fault, ACME_FAULT_LIMITED);
		check_int(error.retry_after_s, 77);
		teardown(NULL);
	}
	check(n > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    acme_keeps_what_was_there_when_memory_is_short),
		cmocka_unit_test(
		    acme_keeps_what_was_issued_when_memory_is_short),
		cmocka_unit_test(acme_keeps_an_order_when_memory_is_short),
		cmocka_unit_test(acme_keeps_away_when_memory_is_short),
	};

	/* before OpenSSL has allocated anything */
	if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, start, end);
}
