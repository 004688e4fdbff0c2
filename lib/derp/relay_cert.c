/* relay_cert: see relay_cert.h. */
#include "relay_cert.h"

#include "derp_frame.h"
#include "dial_cert.h"
#include "netaddr.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct relay_cert_roots {
	X509_STORE *store; /* owned; locked inside */
};

/* OpenSSL reads a certificate's extensions when they are first asked for, and
 * publishes them without a lock. Done before the roots are shared, no thread
 * waits for another one's reading, and thread checkers can follow it. */
static void
read_extensions(X509_STORE *store)
{
	const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *cert =
		    X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

		if (cert != NULL)
			X509_check_purpose(cert, -1, 0);
	}
}

struct relay_cert_roots *
relay_cert_roots_load(const char *ca_file, struct fail *why)
{
	struct relay_cert_roots *roots = calloc(1, sizeof *roots);
	int loaded;

	if (roots != NULL)
		roots->store = X509_STORE_new();
	if (roots == NULL || roots->store == NULL) {
		fail_set(why, "out of memory");
		goto free_roots;
	}
	loaded = ca_file != NULL ? X509_STORE_load_file(roots->store, ca_file)
				 : X509_STORE_set_default_paths(roots->store);
	ERR_clear_error();
	if (loaded != 1) {
		fail_set(why, "%s: no certificate in PEM form can be read",
		    ca_file != NULL ? ca_file : "the system's roots");
		goto free_roots;
	}
	read_extensions(roots->store);
	ERR_clear_error();
	return roots;
free_roots:
	relay_cert_roots_free(roots);
	return NULL;
}

void
relay_cert_roots_free(struct relay_cert_roots *roots)
{
	if (roots == NULL)
		return;
	X509_STORE_free(roots->store);
	free(roots);
}

/* The key in a metacert of our protocol version. */
static bool
read_meta(const X509 *cert, struct derp_key *server)
{
	char cn[DIAL_CERT_CN_MAX];

	dial_cert_common_name(cert, cn);
	return ASN1_INTEGER_get(X509_get0_serialNumber(cert)) ==
	    DERP_PROTOCOL_VERSION &&
	    derp_key_parse_hex(
		server, slice_str(cn + strlen(DIAL_CERT_META_PREFIX))) == 0 &&
	    !derp_key_is_zero(server);
}

/* The first certificate that is not a metacert, and how many there are. */
static X509 *
leaf_of(STACK_OF(X509) * chain, unsigned *count)
{
	X509 *leaf = NULL;

	*count = 0;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *cert = sk_X509_value(chain, i);

		if (dial_cert_is_meta(cert))
			continue;
		++*count;
		if (leaf == NULL)
			leaf = cert;
	}
	return leaf;
}

int
relay_cert_read(
    struct relay_cert_facts *facts, STACK_OF(X509) * chain, struct fail *why)
{
	X509 *leaf;

	*facts = (struct relay_cert_facts){ 0 };
	leaf = leaf_of(chain, &facts->count);
	for (int i = 0; i < sk_X509_num(chain) && !facts->has_meta; i++)
		if (dial_cert_is_meta(sk_X509_value(chain, i)))
			facts->has_meta =
			    read_meta(sk_X509_value(chain, i), &facts->server);
	if (leaf == NULL)
		return fail_set(why, "no certificate was served");
	return cert_read_info(&facts->leaf, leaf, why);
}

bool
relay_cert_is_for(STACK_OF(X509) * chain, const char *name)
{
	struct netaddr ip;
	unsigned count;
	X509 *leaf = leaf_of(chain, &count);
	int is_for = 0;

	if (leaf == NULL)
		return false;
	if (netaddr_parse_ip(&ip, slice_str(name)) == 0)
		is_for = X509_check_ip_asc(leaf, name, 0);
	else
		is_for = X509_check_host(
		    leaf, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL);
	ERR_clear_error();
	return is_for == 1;
}

static enum relay_cert_verdict
dates_verdict(const struct cert_info *leaf, int64_t now_s, struct fail *why)
{
	switch (cert_age(leaf, now_s)) {
	case CERT_NOT_YET:
		fail_set(why, "it is not valid yet");
		return RELAY_CERT_NOT_YET;
	case CERT_EXPIRED:
		fail_set(why, "it has expired");
		return RELAY_CERT_EXPIRED;
	case CERT_VALID:
	case CERT_EXPIRING:
		break;
	}
	return RELAY_CERT_GOOD;
}

/* As the Go client's SetConfigExpectedCertHash. */
static enum relay_cert_verdict
judge_pin(const struct relay_cert_rule *rule, STACK_OF(X509) * chain,
    struct fail *why)
{
	struct relay_cert_facts facts;

	if (relay_cert_read(&facts, chain, why) == -1)
		return RELAY_CERT_NONE;
	if (facts.count > 1) {
		fail_set(why,
		    "%u certificates were served; with a pin it must be one",
		    facts.count);
		return RELAY_CERT_PIN_MULTIPLE;
	}
	if (strcmp(facts.leaf.sha256, rule->pin) != 0) {
		fail_set(why, "its SHA-256 is %s, pinned is %s",
		    facts.leaf.sha256, rule->pin);
		return RELAY_CERT_PIN_DIFFERS;
	}
	if (rule->name != NULL && !relay_cert_is_for(chain, rule->name)) {
		fail_set(why, "it is valid for %s, not for %s",
		    facts.leaf.names[0] != '\0' ? facts.leaf.names : "no name",
		    rule->name);
		return RELAY_CERT_OTHER_NAME;
	}
	return dates_verdict(&facts.leaf, rule->now_s, why);
}

static enum relay_cert_verdict
verdict_of(int error, STACK_OF(X509) * chain)
{
	unsigned count;

	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return RELAY_CERT_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return RELAY_CERT_NOT_YET;
	case X509_V_ERR_HOSTNAME_MISMATCH:
		return RELAY_CERT_OTHER_NAME;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return RELAY_CERT_SELF_SIGNED;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		leaf_of(chain, &count);
		return count == 1 ? RELAY_CERT_INCOMPLETE
				  : RELAY_CERT_UNTRUSTED;
	default:
		return RELAY_CERT_UNTRUSTED;
	}
}

static int
set_rule(X509_STORE_CTX *ctx, const struct relay_cert_rule *rule)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_set_time(param, (time_t)rule->now_s);
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (X509_STORE_CTX_set_default(ctx, "ssl_server") != 1)
		return -1;
	if (rule->name == NULL)
		return 0;
	return X509_VERIFY_PARAM_set1_host(param, rule->name, 0) == 1 ? 0 : -1;
}

static enum relay_cert_verdict
judge_chain(const struct relay_cert_rule *rule, STACK_OF(X509) * chain,
    struct fail *why)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	enum relay_cert_verdict verdict = RELAY_CERT_GOOD;
	unsigned count;
	X509 *leaf = leaf_of(chain, &count);

	if (leaf == NULL) {
		fail_set(why, "no certificate was served");
		verdict = RELAY_CERT_NONE;
	} else if (ctx == NULL ||
	    X509_STORE_CTX_init(ctx, rule->roots->store, leaf, chain) != 1 ||
	    set_rule(ctx, rule) == -1) {
		fail_set(why, "out of memory");
		verdict = RELAY_CERT_UNTRUSTED;
	} else if (X509_verify_cert(ctx) != 1) {
		const int error = X509_STORE_CTX_get_error(ctx);

		fail_set(why, "%s", X509_verify_cert_error_string(error));
		verdict = verdict_of(error, chain);
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return verdict;
}

enum relay_cert_verdict
relay_cert_judge(const struct relay_cert_rule *rule, STACK_OF(X509) * chain,
    struct fail *why)
{
	return rule->pin != NULL ? judge_pin(rule, chain, why)
				 : judge_chain(rule, chain, why);
}
