/* acme_attempt: against an authority that issues, or is not there when it
 * should be. */
#include "acme_attempt.h"

#include "../acme/fake_ca.h"
#include "../acme/make_chain.h"
#include "acme_answers.h"
#include "acme_chain.h"
#include "acme_memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NAME "derp.example.org"
#define DAY_S (24 * 60 * 60)

static char dir[] = "/tmp/test_acme_attempt.XXXXXX";
static struct acme_folder folder;
static struct acme_config config;
static struct acme_answers *answers;
static struct acme_attempt attempt;
static struct acme_issued issued;
static struct acme_error error;
static struct fake_ca ca;
static struct acme_key *authority;
static int64_t issue_from_s, issue_to_s; /* dates of what is issued */
static const char *issue_for;
static char seen[512]; /* of the answer, in the folder */

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
	make_chain(&pem, X509_REQ_get0_pubkey(request), authority, issue_for,
	    issue_from_s, issue_to_s);
	n = buf_len(&pem);
	memcpy(text, buf_slice(&pem).p, n);
	text[n] = '\0';
	buf_clear(&pem);
	X509_REQ_free(request);
	return text;
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

static int
start(void **state)
{
	(void)state;
	authority = acme_key_make(NULL);
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
	config = (struct acme_config){
		.email = "", .eab_kid = "", .url = CA "/dir", .name = NAME
	};
	attempt = (struct acme_attempt){ .config = &config,
		.folder = &folder,
		.transport = { .ctx = &ca,
		    .send = fake_send,
		    .wait = fake_wait },
		.answers = answers,
		.kinds = ACME_HTTP_01 | ACME_TLS_ALPN_01 };
	ca = (struct fake_ca){ .sign = sign, .already_valid = true };
	issue_from_s = (int64_t)time(NULL) - 60;
	issue_to_s = issue_from_s + DAY_S;
	issue_for = "DNS:" NAME;
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

static int
run(void)
{
	unsigned used;

	error = (struct acme_error){ 0 };
	ca.log[0] = '\0';
	return acme_attempt_run(&attempt, &issued, &used, &error);
}

static void
check_issued(void)
{
	check_text(error.why.text, "");
	check_int(issued.from_s, issue_from_s);
	check_int(issued.to_s, issue_to_s);
	check_int(acme_chain_check(buf_slice(&issued.chain),
		      &(struct acme_chain_want){ .key = issued.key,
			  .name = NAME,
			  .now_s = (int64_t)time(NULL) },
		      NULL),
	    ACME_CHAIN_GOOD);
}

static void
fail_with(enum acme_fault fault, const char *why)
{
	check_int(run(), -1);
	check_int(error.fault, fault);
	check_contains(error.why.text, why);
	check_null(issued.key);
}

/* The authority goes away after the request, or the relay is killed: nothing is
 * known of it then but what is in the folder. */
static void
fetch_later(void)
{
	ca.offline = true;
	fail_with(ACME_FAULT_UNREACHABLE, "connection refused");
	ca.offline = ca.no_chain = ca.lose_finalize = false;
	check_int(run(), 0);
	check_issued();
	check_int(ca.orders, 1);
	check(access(folder.order, F_OK) == 0);
	/* whoever has written the certificate forgets the order */
	acme_memory_forget_order(&folder);
	acme_issued_clear(&issued);
	ca.finalized = false;
	check_int(run(), 0);
	check_int(ca.orders, 2);
}

static void
acme_attempt_fetches_what_was_issued_before(void **state)
{
	(void)state;
	ca.no_chain = true;
	fail_with(ACME_FAULT_UNREACHABLE, "it answers 503");
	fetch_later();
}

static void
acme_attempt_fetches_what_was_asked_for_before(void **state)
{
	(void)state;
	ca.lose_finalize = true;
	fail_with(ACME_FAULT_UNREACHABLE, "timed out");
	fetch_later();
}

static void
age_note(int64_t by_s)
{
	struct acme_note_order note;

	check_int(acme_memory_order(&folder, &note), 0);
	note.at_s -= by_s;
	check_int(acme_memory_keep_order(&folder, &note, NULL), 0);
	acme_note_order_clear(&note);
}

/* An order that is gone is replaced, but one of a moment ago not at once: it
 * may have been issued and counted. */
static void
acme_attempt_orders_anew_what_is_gone(void **state)
{
	(void)state;
	ca.no_chain = true;
	fail_with(ACME_FAULT_UNREACHABLE, "");
	ca.no_chain = false;
	ca.order_gone = true;
	fail_with(ACME_FAULT_REFUSED, "it answers 404");
	check_int(ca.orders, 1);
	check(access(folder.order, F_OK) == -1);
	ca.finalized = false;
	check_int(run(), 0);
	check_int(ca.orders, 2);
	acme_issued_clear(&issued);
	age_note(2 * 60 * 60);
	ca.finalized = false;
	check_int(run(), 0);
	check_issued();
	check_int(ca.orders, 3);
}

/* Another authority knows nothing of it. */
static void
acme_attempt_takes_up_orders_of_its_authority_only(void **state)
{
	struct acme_note_order note;

	(void)state;
	ca.no_chain = true;
	fail_with(ACME_FAULT_UNREACHABLE, "");
	ca.no_chain = ca.finalized = false;
	check_int(acme_memory_order(&folder, &note), 0);
	snprintf(note.directory, sizeof note.directory, "https://else.example");
	check_int(acme_memory_keep_order(&folder, &note, NULL), 0);
	acme_note_order_clear(&note);
	/* its key does not stay when this one cannot be asked for another */
	ca.order_status = 403;
	fail_with(ACME_FAULT_REFUSED, "");
	check(access(folder.order, F_OK) == -1);
	ca.order_status = 0;
	ca.orders = 0; /* refused ones are counted, too */
	check_int(run(), 0);
	check_int(ca.orders, 1);
}

static void
acme_attempt_orders_nothing_when_the_clock_is_wrong(void **state)
{
	static const struct {
		int64_t off_s;
		bool orders;
	} rows[] = { { -2 * 60 * 60, false }, { 2 * 60 * 60, false },
		{ -10 * 365 * DAY_S, false }, { 30 * 60, true },
		{ -30 * 60, true } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ca.date_s = (int64_t)time(NULL) + rows[i].off_s;
		ca.orders = 0;
		ca.finalized = false;
		acme_issued_clear(&issued);
		if (rows[i].orders)
			check_int(run(), 0);
		else
			fail_with(ACME_FAULT_OURS, "the clock is wrong");
		check_int(ca.orders, rows[i].orders);
		acme_memory_forget_order(&folder);
	}
}

/* The clock is behind by less than that: what was issued is fetched when it is
 * valid, and not ordered again. */
static void
acme_attempt_waits_for_what_is_not_valid_yet(void **state)
{
	(void)state;
	issue_from_s = (int64_t)time(NULL) + 600;
	fail_with(ACME_FAULT_OURS, "not valid yet");
	issue_from_s -= 700;
	check_int(run(), 0);
	check_issued();
	check_int(ca.orders, 1);
}

static void
acme_attempt_gives_up_what_cannot_be_used(void **state)
{
	(void)state;
	issue_for = "DNS:else.example";
	fail_with(ACME_FAULT_REFUSED, "is not for " NAME);
	check(access(folder.order, F_OK) == -1);
	issue_for = "DNS:" NAME;
	issue_to_s = issue_from_s + 1;
	ca.finalized = false;
	fail_with(ACME_FAULT_REFUSED, "has expired");
	check(access(folder.order, F_OK) == -1);
}

/* What others see while it is waited for the authority. */
static int
look_and_wait(void *ctx, uint64_t ms)
{
	struct acme_proofs proofs;

	(void)ctx;
	check_int(acme_proofs_read(&folder, &proofs), 0);
	if (proofs.count == 1)
		snprintf(seen, sizeof seen, "%s", proofs.texts[0].text);
	acme_proofs_clear(&proofs);
	return fake_wait(&ca, ms);
}

/* The answer is a file before the authority is told to look, and gone
 * afterwards. */
static void
acme_attempt_shares_its_answers(void **state)
{
	struct acme_proofs proofs;

	(void)state;
	ca.already_valid = false;
	attempt.prefer = ACME_HTTP_01;
	attempt.transport.wait = look_and_wait;
	seen[0] = '\0';
	ca.answer_seen = seen;
	check_int(run(), 0);
	check_contains(seen, "th.");
	check_int(acme_proofs_read(&folder, &proofs), 0);
	check_size(proofs.count, 0);
	acme_proofs_clear(&proofs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(acme_attempt_fetches_what_was_issued_before),
		TEST(acme_attempt_fetches_what_was_asked_for_before),
		TEST(acme_attempt_orders_anew_what_is_gone),
		TEST(acme_attempt_takes_up_orders_of_its_authority_only),
		TEST(acme_attempt_orders_nothing_when_the_clock_is_wrong),
		TEST(acme_attempt_waits_for_what_is_not_valid_yet),
		TEST(acme_attempt_gives_up_what_cannot_be_used),
		TEST(acme_attempt_shares_its_answers),
	};

	return cmocka_run_group_tests(tests, start, end);
}
