/* acme_answer: what is read, what is ignored, what is refused. */
#include "acme_answer.h"
#include "check.h"

#include <stdio.h>

#define URLS "\"newNonce\":\"https://c/n\",\"newAccount\":\"https://c/a\","

static void
acme_answer_reads_a_directory(void **state)
{
	struct acme_directory d;
	struct fail why = { 0 };

	(void)state;
	check_int(acme_answer_directory(
		      slice_str("{" URLS "\"newOrder\":\"https://c/o\","
				"\"x\":[1],\"renewalInfo\":\"https://c/r\","
				"\"meta\":{\"externalAccountRequired\":true}}"),
		      &d, &why),
	    0);
	check_text(d.new_nonce, "https://c/n");
	check_text(d.new_account, "https://c/a");
	check_text(d.new_order, "https://c/o");
	check_text(d.renewal_info, "https://c/r");
	check(d.binding_required);
	check_int(
	    acme_answer_directory(
		slice_str("{" URLS "\"newOrder\":\"http://c/o\"}"), &d, &why),
	    0);
	check_text(d.renewal_info, "");
	check(!d.binding_required);
}

static void
acme_answer_refuses_directories(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "not a JSON object: \"\"" },
		{ "<html>\x1b[2J", "not a JSON object: \"<html>\\x1b[2J\"" },
		{ "[]", "not a JSON object" },
		{ "{" URLS "\"newOrder\":1}", "no usable \"newOrder\"" },
		{ "{" URLS "\"newOrder\":\"ftp://c/o\"}", "\"newOrder\"" },
		{ "{" URLS "\"newOrder\":\"https://c/\\n\"}", "\"newOrder\"" },
		{ "{" URLS "\"newOrder\":\"https://c/o\","
		  "\"renewalInfo\":\"/r\"}",
		    "\"renewalInfo\"" },
	};
	struct acme_directory d;
	char text[2 * ACME_URL_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fail why = { 0 };

		check_int(
		    acme_answer_directory(slice_str(rows[i].text), &d, &why),
		    -1);
		check_contains(why.text, rows[i].why);
	}
	for (int n = ACME_URL_MAX - 9; n < ACME_URL_MAX - 7; n++) {
		snprintf(text, sizeof text,
		    "{" URLS "\"newOrder\":\"https://%0*d\"}", n, 0);
		check_int(acme_answer_directory(slice_str(text), &d, NULL),
		    n < ACME_URL_MAX - 8 ? 0 : -1);
	}
}

static void
acme_answer_reads_orders(void **state)
{
	static const struct {
		const char *text;
		enum acme_status status;
	} rows[] = { { "pending", ACME_PENDING }, { "ready", ACME_READY },
		{ "processing", ACME_PROCESSING }, { "valid", ACME_VALID },
		{ "invalid", ACME_INVALID }, { "revoked", ACME_INVALID } };
	struct acme_order order;
	struct fail why = { 0 };
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(text, sizeof text,
		    "{\"status\":\"%s\",\"authorizations\":[\"https://c/1\","
		    "\"https://c/2\"],\"finalize\":\"https://c/f\","
		    "\"certificate\":\"https://c/c\",\"error\":{\"type\":"
		    "\"urn:ietf:params:acme:error:caa\",\"detail\":\"no\\n\"}}",
		    rows[i].text);
		check_int(acme_answer_order(slice_str(text), &order, &why), 0);
		check_int(order.status, rows[i].status);
		check_size(order.count, 2);
		check_text(order.authorizations[1], "https://c/2");
		check_text(order.finalize, "https://c/f");
		check_text(order.certificate, "https://c/c");
		check_text(order.problem.type, "caa");
		check_text(order.problem.detail, "no\\n");
	}
	check_int(acme_answer_order(
		      slice_str("{\"status\":\"pending\",\"finalize\":"
				"\"https://c/f\",\"authorizations\":[\"a\"]}"),
		      &order, NULL),
	    -1);
	check_int(
	    acme_answer_order(
		slice_str("{\"finalize\":\"https://c/f\",\"authorizations\":"
			  "[\"https://c/1\",\"https://c/2\",\"https://c/3\","
			  "\"https://c/4\",\"https://c/5\"]}"),
		&order, &why),
	    -1);
	check_text(why.text, "the answer has 5 authorizations");
}

/* Types that are not known need not even have a token: dns-persist-01 has
 * none. */
static void
acme_answer_ignores_unknown_challenges(void **state)
{
	struct acme_authorization a;
	struct fail why = { 0 };

	(void)state;
	check_int(
	    acme_answer_authorization(
		slice_str(
		    "{\"status\":\"pending\",\"challenges\":["
		    "{\"type\":\"dns-persist-01\",\"url\":\"https://c/0\"},"
		    "{\"type\":\"dns-01\",\"url\":\"https://c/1\",\"token\":"
		    "\"t1\",\"status\":\"pending\"},{},7,"
		    "{\"type\":\"tls-alpn-01\",\"url\":\"https://c/2\","
		    "\"token\":\"t-_2\",\"status\":\"pending\"},"
		    "{\"type\":\"http-01\",\"url\":\"https://c/3\",\"token\":"
		    "\"t3\",\"status\":\"invalid\",\"error\":{\"type\":"
		    "\"urn:ietf:params:acme:error:connection\",\"detail\":"
		    "\"refused\"}}]}"),
		&a, &why),
	    0);
	check_int(a.status, ACME_PENDING);
	check_size(a.count, 2);
	check_int(a.challenges[0].kind, ACME_TLS_ALPN_01);
	check_text(a.challenges[0].token, "t-_2");
	check_text(a.challenges[0].url, "https://c/2");
	check_int(a.challenges[1].kind, ACME_HTTP_01);
	check_int(a.challenges[1].status, ACME_INVALID);
	check_text(a.problem.type, "connection");
	check_text(a.problem.detail, "refused");
}

static void
acme_answer_takes_the_first_challenges_of_many(void **state)
{
	char text[4096] = "{\"challenges\":[{}";
	struct acme_authorization a;
	size_t n = strlen(text);

	(void)state;
	for (int i = 0; i < ACME_CHALLENGES_MAX + 2; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
		    ",{\"type\":\"http-01\",\"url\":\"https://c/%d\","
		    "\"token\":\"t%d\"}",
		    i, i);
	snprintf(text + n, sizeof text - n, "]}");
	check_int(acme_answer_authorization(slice_str(text), &a, NULL), 0);
	check_size(a.count, ACME_CHALLENGES_MAX);
	check_text(a.challenges[0].token, "t0");
	check_text(a.challenges[ACME_CHALLENGES_MAX - 1].token, "t3");
}

/* A token becomes a file name and a path: a challenge without a good one cannot
 * be answered, but another may be. */
static void
acme_answer_ignores_challenges_without_token(void **state)
{
	static const char *const tokens[] = { "", "a/b", "a.b", "a b",
		"\\u00e4", "a=" };
	struct acme_authorization a;
	char text[ACME_TOKEN_MAX + 256];

	(void)state;
	for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
		snprintf(text, sizeof text,
		    "{\"challenges\":[{\"type\":\"http-01\",\"url\":"
		    "\"https://c/3\",\"token\":\"%s\"},"
		    "{\"type\":\"http-01\",\"url\":\"x\",\"token\":\"t\"},"
		    "{\"type\":\"tls-alpn-01\",\"url\":"
		    "\"https://c/4\",\"token\":\"t4\"}]}",
		    tokens[i]);
		check_int(
		    acme_answer_authorization(slice_str(text), &a, NULL), 0);
		check_size(a.count, 1);
		check_text(a.challenges[0].token, "t4");
	}
	for (int n = ACME_TOKEN_MAX - 1; n <= ACME_TOKEN_MAX; n++) {
		snprintf(text, sizeof text,
		    "{\"challenges\":[{\"type\":\"http-01\",\"url\":"
		    "\"https://c/3\",\"token\":\"%0*d\"}]}",
		    n, 0);
		check_int(
		    acme_answer_authorization(slice_str(text), &a, NULL), 0);
		check_size(a.count, n < ACME_TOKEN_MAX ? 1 : 0);
	}
}

static void
acme_answer_reads_problems(void **state)
{
	struct acme_problem p;

	(void)state;
	acme_answer_problem(
	    slice_str("{\"type\":\"urn:ietf:params:acme:error:rateLimited\","
		      "\"detail\":\"too many \\u001b[31mcertificates\"}"),
	    &p);
	check_text(p.type, "rateLimited");
	check_text(p.detail, "too many \\x1b[31mcertificates");
	acme_answer_problem(
	    slice_str("{\"type\":\"about:blank\",\"subproblems\":"
		      "[{\"detail\":\"first\"},{\"detail\":\"second\"}]}"),
	    &p);
	check_text(p.type, "about:blank");
	check_text(p.detail, "first");
	acme_answer_problem(slice_str("<html>"), &p);
	check_text(p.type, "");
	check_text(p.detail, "");
}

static void
acme_answer_reads_windows(void **state)
{
	static const struct {
		const char *from, *to;
		int64_t from_s; /* -1: refused */
	} rows[] = {
		{ "2025-01-02T04:00:00Z", "2025-01-03T04:00:00Z", 1735790400 },
		{ "2025-01-02T04:00:00.123456789Z", "2025-01-03T04:00:00Z",
		    1735790400 },
		{ "2025-01-02T06:30:00+02:30", "2025-01-03T04:00:00Z",
		    1735790400 },
		{ "2025-01-02T01:00:00-03:00", "2025-01-03T04:00:00Z",
		    1735790400 },
		{ "2025-01-02T04:00:00Z", "2025-01-02T04:00:00Z", -1 },
		{ "2025-01-02T04:00:00", "2025-01-03T04:00:00Z", -1 },
		{ "2025-01-02 04:00:00Z", "2025-01-03T04:00:00Z", -1 },
		{ "2025-1-02T04:00:00Z", "2025-01-03T04:00:00Z", -1 },
		{ "2025-01-02T04:00:00Zx", "2025-01-03T04:00:00Z", -1 },
		{ "2025-01-02T04:00:00+0230", "2025-01-03T04:00:00Z", -1 },
		{ "", "2025-01-03T04:00:00Z", -1 },
	};
	struct acme_window window;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(text, sizeof text,
		    "{\"suggestedWindow\":{\"start\":\"%s\",\"end\":\"%s\"}}",
		    rows[i].from, rows[i].to);
		check_int(acme_answer_window(slice_str(text), &window, NULL),
		    rows[i].from_s == -1 ? -1 : 0);
		if (rows[i].from_s != -1) {
			check_int(window.from_s, rows[i].from_s);
			check_int(window.to_s, 1735876800);
		}
	}
	check_int(acme_answer_window(slice_str("{}"), &window, NULL), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acme_answer_reads_a_directory),
		cmocka_unit_test(acme_answer_refuses_directories),
		cmocka_unit_test(acme_answer_reads_orders),
		cmocka_unit_test(acme_answer_ignores_unknown_challenges),
		cmocka_unit_test(
		    acme_answer_takes_the_first_challenges_of_many),
		cmocka_unit_test(acme_answer_ignores_challenges_without_token),
		cmocka_unit_test(acme_answer_reads_problems),
		cmocka_unit_test(acme_answer_reads_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
