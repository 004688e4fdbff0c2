/* acme_client and acme_issue against an authority that follows a script. */
#include "fake_ca.h"

static struct acme_key *account, *key;
static struct acme_error error;
static struct fake_ca ca;
static struct acme_binding binding;
static struct buf pem;
static struct acme_progress progress;

static int
start(void **state)
{
	(void)state;
	account = acme_key_make(NULL);
	key = acme_key_make(NULL);
	return account != NULL && key != NULL ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	acme_key_free(account);
	acme_key_free(key);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	ca = (struct fake_ca){ 0 };
	error = (struct acme_error){ 0 };
	binding = (struct acme_binding){ .kid = "" };
	buf_clear(&pem); /* of what a test did before */
	buf_init(&pem, 65536);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buf_clear(&pem);
	return 0;
}

static struct acme_client *
new_client(void)
{
	return acme_client_new(&(struct acme_client_config){
	    .transport = { .ctx = &ca, .send = fake_send, .wait = fake_wait },
	    .directory = CA "/dir",
	    .email = "me@example.org",
	    .binding = binding,
	    .account = account });
}

/* Opens and issues; what to order is what a relay asks for. */
static int
issue_with(struct acme_issue want)
{
	struct acme_client *c = new_client();
	int rc = acme_client_open(c, &error);

	if (want.name == NULL)
		want.name = "derp.example.org";
	if (want.kinds == 0)
		want.kinds = ACME_HTTP_01 | ACME_TLS_ALPN_01;
	want.key = key;
	want.answerer.ctx = &ca;
	want.answerer.show = fake_show;
	want.answerer.hide = fake_hide;
	if (rc == 0)
		rc = acme_issue(c, &want, &pem, &progress, &error);
	acme_client_free(c);
	return rc;
}

static void
want_chain(void)
{
	check_text(error.why.text, "");
	check_slice_text(buf_slice(&pem), "CHAIN");
	check(ca.hidden);
}

static void
acme_issue_follows_the_protocol(void **state)
{
	char shown[512];

	(void)state;
	ca.pending_looks = 1;
	ca.processing_looks = 2;
	check_int(
	    issue_with((struct acme_issue){ .prefer = ACME_TLS_ALPN_01 }), 0);
	want_chain();
	check_int(progress.used, ACME_TLS_ALPN_01);
	check_text(ca.log,
	    "/dir /nonce /acct /acct /order /authz /chall-t /authz /authz "
	    "/order/1 /finalize /order/1 /order/1 /cert ");
	snprintf(
	    shown, sizeof shown, "alpn tt tt.%s", acme_key_thumbprint(account));
	check_text(ca.shown, shown);
	check_text(ca.payload,
	    "{\"identifiers\":[{\"type\":\"dns\",\"value\":"
	    "\"derp.example.org\"}]}");
}

static void
acme_issue_takes_the_kind_that_it_may(void **state)
{
	(void)state;
	check_int(issue_with((struct acme_issue){ .kinds = ACME_HTTP_01,
		      .prefer = ACME_TLS_ALPN_01,
		      .name = "192.0.2.1",
		      .is_ip = true,
		      .profile = "shortlived" }),
	    0);
	want_chain();
	check_int(progress.used, ACME_HTTP_01);
	check_contains(ca.shown, "http th th.");
	check_text(ca.payload,
	    "{\"identifiers\":[{\"type\":\"ip\",\"value\":\"192.0.2.1\"}],"
	    "\"profile\":\"shortlived\"}");
	setup(NULL);
	ca.challenges = "{\"type\":\"dns-01\",\"token\":\"x\"}";
	check_int(
	    issue_with((struct acme_issue){ .kinds = ACME_TLS_ALPN_01 }), -1);
	check_int(error.fault, ACME_FAULT_REFUSED);
	check_contains(error.why.text, "none of the challenges");
	check_contains(error.why.text, "http-01 needs -http-port");
}

static void
acme_issue_uses_what_was_proven_before(void **state)
{
	(void)state;
	ca.already_valid = true;
	ca.has_account = true;
	check_int(issue_with((struct acme_issue){ 0 }), 0);
	check_slice_text(buf_slice(&pem), "CHAIN");
	check_text(ca.shown, "");
	check_int(progress.used, 0);
	check_text(ca.log, "/dir /nonce /acct /order /finalize /cert ");
}

static void
acme_client_survives_bad_nonces(void **state)
{
	(void)state;
	ca.reject_nonces = 9;
	check_int(issue_with((struct acme_issue){ 0 }), 0);
	want_chain();
	setup(NULL);
	ca.reject_nonces = 10;
	check_int(issue_with((struct acme_issue){ 0 }), -1);
	check_text(error.type, "badNonce");
	/* a fault between us: it has refused nothing */
	check_int(error.fault, ACME_FAULT_UNREACHABLE);
}

static void
acme_client_tells_what_the_authority_says(void **state)
{
	(void)state;
	ca.order_status = 403;
	ca.order_problem = "unauthorized";
	check_int(issue_with((struct acme_issue){ 0 }), -1);
	check_text(error.why.text, "it answers 403 unauthorized: said");
}

static void
acme_client_sends_contact_and_binding(void **state)
{
	struct acme_client *c;

	(void)state;
	ca.binding_required = true;
	c = new_client();
	check_int(acme_client_open(c, &error), -1);
	check_int(error.fault, ACME_FAULT_REFUSED);
	check_contains(error.why.text, "see -acme-eab-kid");
	acme_client_free(c);
	setup(NULL);
	ca.binding_required = true;
	binding =
	    (struct acme_binding){ .kid = "k1", .secret = slice_str("secret") };
	c = new_client();
	check_int(acme_client_open(c, &error), 0);
	check_contains(ca.payload, "{\"termsOfServiceAgreed\":true,");
	check_contains(ca.payload, "\"contact\":[\"mailto:me@example.org\"]");
	check_contains(ca.payload, "\"externalAccountBinding\":{\"protected\"");
	acme_client_free(c);
	/* some look at the binding before they say that there is none */
	setup(NULL);
	ca.binding_required = true;
	ca.no_account = "externalAccountRequired";
	binding =
	    (struct acme_binding){ .kid = "k1", .secret = slice_str("secret") };
	c = new_client();
	check_int(acme_client_open(c, &error), 0);
	acme_client_free(c);
	/* an account that is there needs none */
	setup(NULL);
	ca.binding_required = ca.has_account = true;
	c = new_client();
	check_int(acme_client_open(c, &error), 0);
	check_text(ca.log, "/dir /nonce /acct ");
	acme_client_free(c);
}

static void
acme_issue_says_why_a_challenge_failed(void **state)
{
	(void)state;
	ca.challenge_fails = true;
	check_int(
	    issue_with((struct acme_issue){ .prefer = ACME_HTTP_01 }), -1);
	check_int(error.fault, ACME_FAULT_CHALLENGE);
	check_text(error.type, "connection");
	check_text(error.why.text,
	    "the http-01 challenge failed: connection: timeout");
	check_int(progress.used, ACME_HTTP_01);
	check(ca.hidden);
}

static void
acme_issue_tells_faults_apart(void **state)
{
	static const struct {
		unsigned status;
		const char *problem;
		enum acme_fault fault;
	} rows[] = {
		{ 429, "rateLimited", ACME_FAULT_LIMITED },
		{ 403, "rateLimited", ACME_FAULT_LIMITED },
		{ 503, "serverInternal", ACME_FAULT_UNREACHABLE },
		{ 400, "rejectedIdentifier", ACME_FAULT_REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		setup(NULL);
		ca.order_status = rows[i].status;
		ca.order_problem = rows[i].problem;
		ca.retry_after_s = 77;
		check_int(issue_with((struct acme_issue){ 0 }), -1);
		check_int(error.fault, rows[i].fault);
		check_text(error.type, rows[i].problem);
		check_int(error.retry_after_s, 77);
	}
	setup(NULL);
	ca.offline = true;
	check_int(issue_with((struct acme_issue){ 0 }), -1);
	check_int(error.fault, ACME_FAULT_UNREACHABLE);
	check_text(error.why.text, "connection refused");
}

static void
acme_issue_keeps_retry_after(void **state)
{
	(void)state;
	ca.retry_after_s = 7;
	ca.pending_looks = 3;
	check_int(issue_with((struct acme_issue){ 0 }), 0);
	want_chain();
	/* four looks at the authorization, one at the order */
	check_int(ca.waited_ms, 5 * 7000);
	/* but not for ever */
	setup(NULL);
	ca.retry_after_s = 100;
	ca.pending_looks = 1000;
	check_int(issue_with((struct acme_issue){ 0 }), -1);
	check_int(error.fault, ACME_FAULT_UNREACHABLE);
	check_text(error.why.text, "it has not decided in 10 minutes");
	check_int(ca.waited_ms, ACME_ISSUE_WAIT_MS);
	check(ca.hidden);
}

static void
acme_issue_stops_when_told(void **state)
{
	(void)state;
	ca.pending_looks = 1000;
	ca.wait_limit_ms = 60000;
	check_int(issue_with((struct acme_issue){ 0 }), -1);
	check_int(error.fault, ACME_FAULT_STOPPED);
	check(ca.hidden);
}

/* The courtesy of naming the old certificate must not cost the new one. */
static void
acme_issue_orders_again_without_replaces(void **state)
{
	(void)state;
	check_int(issue_with((struct acme_issue){ .replaces = "a.b" }), 0);
	check_contains(ca.payload, "\"replaces\":\"a.b\"");
	setup(NULL);
	ca.refuse_replaces = true;
	check_int(issue_with((struct acme_issue){ .replaces = "a.b" }), 0);
	want_chain();
	check(strstr(ca.payload, "replaces") == NULL);
	/* but a limit that is reached is not tried twice */
	setup(NULL);
	ca.order_status = 429;
	ca.order_problem = "rateLimited";
	check_int(issue_with((struct acme_issue){ .replaces = "a.b" }), -1);
	check_contains(ca.payload, "replaces");
	check_int(ca.orders, 1);
	/* nor is a name that it will not have */
	setup(NULL);
	ca.order_status = 400;
	ca.order_problem = "rejectedIdentifier";
	check_int(issue_with((struct acme_issue){ .replaces = "a.b" }), -1);
	check_int(ca.orders, 1);
}

/* The authority counts it, so it is not away. */
static void
acme_issue_does_not_hurry_after_one_was_issued(void **state)
{
	(void)state;
	ca.no_chain = true;
	check_int(issue_with((struct acme_issue){ 0 }), -1);
	check(ca.finalized);
	check_int(error.fault, ACME_FAULT_REFUSED);
	check_text(error.type, "serverInternal");
}

static int
issue_and_keep(const char *resume)
{
	pem.end = pem.start;
	error = (struct acme_error){ 0 };
	return issue_with((struct acme_issue){
	    .resume = resume, .answerer.keep = fake_keep });
}

/* What was issued and not fetched is fetched, whatever came between. */
static void
acme_issue_takes_up_an_order(void **state)
{
	(void)state;
	for (int lost = 0; lost < 3; lost++) {
		setup(NULL);
		if (lost == 0)
			ca.no_chain = true;
		else
			ca.lose_finalize = true;
		check_int(issue_and_keep(NULL), -1);
		check(ca.finalized);
		check_int(ca.keeps, 1);
		check_int(progress.lost, false);
		/* nothing is lost by trying again soon */
		check_int(error.fault, ACME_FAULT_UNREACHABLE);
		if (lost == 2)
			ca.finalized = false; /* it had not come there */
		ca.no_chain = ca.lose_finalize = false;
		ca.processing_looks = 1;
		ca.log[0] = '\0';
		check_int(issue_and_keep(CA "/order/1"), 0);
		check_slice_text(buf_slice(&pem), "CHAIN");
		check_int(ca.orders, 1);
		check_text(ca.log,
		    lost == 2 ? "/dir /nonce /acct /acct /order/1 /finalize "
				"/order/1 /cert "
			      : "/dir /nonce /acct /acct /order/1 /order/1 "
				"/cert ");
	}
}

static void
acme_issue_says_that_an_order_is_lost(void **state)
{
	(void)state;
	ca.order_gone = true;
	check_int(issue_and_keep(CA "/order/1"), -1);
	check(progress.lost);
	check_int(error.fault, ACME_FAULT_REFUSED);
	check_int(ca.orders, 0);
	/* not when nobody has said so */
	setup(NULL);
	ca.order_gone = true;
	ca.order_status = 503;
	check_int(issue_and_keep(CA "/order/1"), -1);
	check(!progress.lost);
	check_int(error.fault, ACME_FAULT_UNREACHABLE);
}

static int
refuse_to_keep(void *ctx, const char *order, struct fail *why)
{
	(void)ctx, (void)order;
	return fail_set(why, "disk full");
}

/* Nothing is spent that could not be kept. */
static void
acme_issue_asks_for_nothing_that_cannot_be_kept(void **state)
{
	(void)state;
	check_int(
	    issue_with((struct acme_issue){ .answerer.keep = refuse_to_keep }),
	    -1);
	check(!ca.finalized);
	check_int(error.fault, ACME_FAULT_OURS);
	check_text(error.why.text, "disk full");
}

/* Some answer 400 to whoever asks them to look twice. */
static void
acme_issue_does_not_ask_for_a_look_that_is_taken(void **state)
{
	(void)state;
	ca.challenges = "{\"type\":\"http-01\",\"url\":\"" CA
			"/chall-h\",\"token\":\"th\",\"status\":"
			"\"processing\"}";
	ca.challenge_begun = true;
	check_int(issue_with((struct acme_issue){ 0 }), 0);
	want_chain();
	check(strstr(ca.log, "chall-h") == NULL);
}

static void
acme_client_does_not_go_from_https_to_http(void **state)
{
	(void)state;
	ca.leads_to_http = true;
	check_int(issue_with((struct acme_issue){ 0 }), -1);
	check_text(error.why.text, "it leads from https to http");
	check_text(ca.log, "/dir ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(acme_issue_follows_the_protocol),
		TEST(acme_issue_takes_the_kind_that_it_may),
		TEST(acme_issue_uses_what_was_proven_before),
		TEST(acme_client_survives_bad_nonces),
		TEST(acme_client_tells_what_the_authority_says),
		TEST(acme_client_sends_contact_and_binding),
		TEST(acme_issue_says_why_a_challenge_failed),
		TEST(acme_issue_tells_faults_apart),
		TEST(acme_issue_keeps_retry_after),
		TEST(acme_issue_stops_when_told),
		TEST(acme_issue_orders_again_without_replaces),
		TEST(acme_issue_does_not_hurry_after_one_was_issued),
		TEST(acme_issue_takes_up_an_order),
		TEST(acme_issue_says_that_an_order_is_lost),
		TEST(acme_issue_asks_for_nothing_that_cannot_be_kept),
		TEST(acme_issue_does_not_ask_for_a_look_that_is_taken),
		TEST(acme_client_does_not_go_from_https_to_http),
	};

	return cmocka_run_group_tests(tests, start, end);
}
