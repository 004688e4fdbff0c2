/* What a certificate authority answers: whatever is taken can be used. */
#include "acme_answer.h"
#include "acme_chain.h"
#include "fuzz.h"

#include <string.h>

static void
check_url(const char *url)
{
	FUZZ_CHECK(strncmp(url, "http://", 7) == 0 ||
	    strncmp(url, "https://", 8) == 0);
	for (; *url != '\0'; url++)
		FUZZ_CHECK(*url > ' ' && *url <= '~');
}

static void
check_printable(const char *text)
{
	for (; *text != '\0'; text++)
		FUZZ_CHECK((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void
check_problem(const struct acme_problem *problem)
{
	check_printable(problem->type);
	check_printable(problem->detail);
}

static void
check_authorization(const struct acme_authorization *a)
{
	FUZZ_CHECK(a->count <= ACME_CHALLENGES_MAX);
	check_problem(&a->problem);
	for (size_t i = 0; i < a->count; i++) {
		check_url(a->challenges[i].url);
		FUZZ_CHECK(a->challenges[i].token[0] != '\0');
		FUZZ_CHECK(strpbrk(a->challenges[i].token, "/.+ ") == NULL);
	}
}

static void
check_order(const struct acme_order *order)
{
	check_url(order->finalize);
	if (order->certificate[0] != '\0')
		check_url(order->certificate);
	for (size_t i = 0; i < order->count; i++)
		check_url(order->authorizations[i]);
	check_problem(&order->problem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct slice body = slice_of(data, n);
	struct acme_directory d;
	struct acme_order order;
	struct acme_authorization a;
	struct acme_window window;
	struct acme_problem problem;
	char id[ACME_CHAIN_ID_MAX];

	if (acme_answer_directory(body, &d, NULL) == 0) {
		check_url(d.new_nonce);
		check_url(d.new_account);
		check_url(d.new_order);
	}
	if (acme_answer_order(body, &order, NULL) == 0)
		check_order(&order);
	if (acme_answer_authorization(body, &a, NULL) == 0)
		check_authorization(&a);
	if (acme_answer_window(body, &window, NULL) == 0)
		FUZZ_CHECK(window.from_s < window.to_s);
	acme_answer_problem(body, &problem);
	check_problem(&problem);
	(void)acme_chain_id(body, id);
	return 0;
}
