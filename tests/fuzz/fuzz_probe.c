/* What a probe reads of relays and of people: the first byte chooses: a Date
 * header, a URL, a chain of certificates (each with two bytes of length before
 * it). */
#include "fuzz.h"
#include "probe_http.h"
#include "probe_plan.h"
#include "proxy.h"
#include "relay_cert.h"

#include <openssl/x509.h>
#include <string.h>

#define URL_MAX 600
#define CHAIN_MAX 6

static void
check_date(struct slice text)
{
	const int64_t s = probe_http_date(text);

	/* years 0 to 9999, and -1 for everything else */
	FUZZ_CHECK(s >= -62200000000 && s < 253500000000);
	FUZZ_CHECK(text.n == 29 || s == -1);
}

static void
check_url(struct slice text)
{
	char url[URL_MAX + 1];
	struct probe_node *node;
	struct probe_plan plan;
	struct proxy proxy;

	if (text.n > URL_MAX)
		return;
	memcpy(url, text.p, text.n);
	url[text.n] = '\0';
	FUZZ_CHECK(probe_plan_init(&plan) == 0);
	if (probe_plan_add_url(&plan, url, &node, NULL) == 0) {
		FUZZ_CHECK(plan.n == 1);
		FUZZ_CHECK(
		    node->host[strcspn(node->host, "/\\@ \r\n")] == '\0');
		FUZZ_CHECK(node->derp_port >= 1 && node->derp_port <= 65535);
	}
	probe_plan_clear(&plan);
	if (proxy_parse(&proxy, url, NULL) == 0) {
		FUZZ_CHECK(proxy.host[0] != '\0');
		FUZZ_CHECK(strpbrk(proxy.authorization, "\r\n") == NULL);
	}
}

static STACK_OF(X509) * read_chain(struct slice bytes)
{
	struct reader r = { .rest = bytes };
	STACK_OF(X509) *chain = sk_X509_new_null();

	FUZZ_CHECK(chain != NULL);
	for (int i = 0; i < CHAIN_MAX; i++) {
		const struct slice der = reader_take(&r, reader_u16(&r));
		const unsigned char *p = der.p;
		X509 *cert = r.failed ? NULL : d2i_X509(NULL, &p, (long)der.n);

		if (cert == NULL)
			break;
		sk_X509_push(chain, cert);
	}
	return chain;
}

static void
check_chain(struct slice bytes)
{
	static struct relay_cert_roots *roots; /* made once */
	STACK_OF(X509) *chain = read_chain(bytes);
	struct relay_cert_rule rule = { .now_s = 1800000000 };
	struct relay_cert_facts facts;
	enum relay_cert_verdict verdict;

	if (roots == NULL)
		roots = relay_cert_roots_load(NULL, NULL);
	rule.roots = roots;
	if (relay_cert_read(&facts, chain, NULL) == 0) {
		FUZZ_CHECK(strlen(facts.leaf.sha256) == 64);
		rule.pin = facts.leaf.sha256;
		verdict = relay_cert_judge(&rule, chain, NULL);
		FUZZ_CHECK(verdict == RELAY_CERT_GOOD ||
		    verdict == RELAY_CERT_EXPIRED ||
		    verdict == RELAY_CERT_NOT_YET ||
		    (verdict == RELAY_CERT_PIN_MULTIPLE && facts.count > 1));
	}
	rule.pin = NULL;
	rule.name = "derp.example.org";
	FUZZ_CHECK(
	    relay_cert_judge(&rule, chain, NULL) != RELAY_CERT_PIN_DIFFERS);
	sk_X509_pop_free(chain, X509_free);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice rest;

	if (n == 0)
		return 0;
	rest = slice_of(data + 1, n - 1);
	switch (data[0]) {
	case 'd':
		check_date(rest);
		break;
	case 'u':
		check_url(rest);
		break;
	case 'c':
		check_chain(rest);
		break;
	default:
		break;
	}
	return 0;
}
