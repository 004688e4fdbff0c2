/* probe_tls: see probe_tls.h. Source of the rules: tailscale net/tlsdial,
 * derp/derphttp; measured differences are in relay_cert.h. */
#include "probe_tls.h"

#include "clock.h"
#include "probe_http.h"
#include "probe_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DAY_S (24 * 60 * 60)
#define SLOW_TLS_MS 3000 /* of the 10 s that clients have for everything */

static void
note_refusal(const struct probe_context *c, int error, const struct fail *why)
{
	struct probe_visit *v = c->visit;
	enum probe_kind kind = PROBE_TCP_FAILED;
	char tried[PROBE_WHERE_MAX];

	if (v->family == PROBE_PROXY)
		kind = PROBE_PROXY_REFUSED;
	else if (error == ECONNREFUSED)
		kind = PROBE_TCP_REFUSED;
	else if (error == ETIMEDOUT)
		kind = PROBE_TCP_SILENT;
	probe_visit_where(
	    tried, v, "connecting to", (uint16_t)v->node->derp_port);
	probe_finding_add(&v->findings, kind, tried, "%s", why->text);
}

/* Whether the other side took the connection and reset it before we could
 * look, so that it is TLS that fails. The kernel says ECONNREFUSED of a
 * connection that was never taken. */
static bool
was_reset(const struct probe_visit *v, int fd, int error)
{
	return fd == -1 && error == ECONNRESET && v->node->tls;
}

/* The first candidate that takes a connection; its descriptor, or -1 with the
 * reason, and in *error its errno. All is noted but a reset. */
static int
connect_any(const struct probe_context *c,
    const struct resolve_answer *candidates, int *error, struct fail *why)
{
	struct probe_visit *v = c->visit;
	struct probe_result *step = &v->steps[PROBE_STEP_TCP];
	const uint16_t port = (uint16_t)v->node->derp_port;
	char tried[PROBE_WHERE_MAX];
	int fd = -1;

	step->state = PROBE_GOOD;
	for (size_t i = 0; i < candidates->n; i++) {
		const uint64_t start_us = clock_now_us();

		*why = (struct fail){ 0 };
		v->address = candidates->v[i];
		fd = probe_link_socket(
		    c, probe_visit_deadline(c, PROBE_CONNECT_MS), error, why);
		step->time_us = clock_now_us() - start_us;
		if (fd != -1 || was_reset(v, fd, *error) ||
		    probe_visit_is_over(c))
			break;
		if (candidates->n == 1)
			continue;
		probe_visit_where(tried, v, "connecting to", port);
		probe_finding_add(
		    &v->findings, PROBE_ADDRESS_DEAD, tried, "%s", why->text);
		step->state = PROBE_ODD;
	}
	if (fd != -1 || was_reset(v, fd, *error))
		return fd;
	step->state = PROBE_BAD;
	if (!v->cut_short)
		note_refusal(c, *error, why);
	return -1;
}

static enum probe_kind
kind_of_fault(enum dial_fault fault)
{
	static const enum probe_kind kinds[] = {
		[DIAL_FAULT_OTHER] = PROBE_TLS_FAILED,
		[DIAL_FAULT_SILENT] = PROBE_TLS_SILENT,
		[DIAL_FAULT_PLAIN_HTTP] = PROBE_TLS_PLAIN,
		[DIAL_FAULT_NOT_TLS] = PROBE_TLS_OTHER,
		[DIAL_FAULT_OLD_TLS] = PROBE_TLS_TOO_OLD,
	};

	return kinds[fault];
}

static void
note_no_tls(const struct probe_context *c, enum dial_fault fault,
    const struct fail *why)
{
	struct probe_visit *v = c->visit;
	char tried[PROBE_WHERE_MAX];

	v->steps[PROBE_STEP_TLS].state = PROBE_BAD;
	if (probe_visit_is_over(c))
		return;
	probe_visit_where(
	    tried, v, "TLS handshake with", (uint16_t)v->node->derp_port);
	probe_finding_add(
	    &v->findings, kind_of_fault(fault), tried, "%s", why->text);
}

static struct dial *
start_tls(const struct probe_context *c, int fd)
{
	struct probe_visit *v = c->visit;
	struct probe_result *step = &v->steps[PROBE_STEP_TLS];
	struct dial_config config = probe_link_dial(v, &fd);
	const uint64_t start_us = clock_now_us();
	enum dial_fault fault;
	struct fail why = { 0 };
	char tried[PROBE_WHERE_MAX];
	struct dial *d;

	config.fault = &fault;
	d = dial_open(&config, probe_visit_deadline(c, PROBE_CONNECT_MS), &why);
	step->time_us = clock_now_us() - start_us;
	if (d == NULL) {
		note_no_tls(c, fault, &why);
		return NULL;
	}
	if (!v->node->tls) {
		*step = (struct probe_result){ 0 };
		return d;
	}
	probe_visit_where(
	    tried, v, "TLS handshake with", (uint16_t)v->node->derp_port);
	step->state = PROBE_GOOD;
	snprintf(
	    v->tls_version, sizeof v->tls_version, "%s", dial_tls_version(d));
	if (step->time_us > SLOW_TLS_MS * (uint64_t)1000) {
		probe_finding_add(&v->findings, PROBE_TLS_SLOW, tried,
		    "it took %.1f s", (double)step->time_us / 1e6);
		step->state = PROBE_ODD;
	}
	if (strcmp(v->tls_version, "TLSv1.2") == 0)
		probe_finding_add(
		    &v->findings, PROBE_TLS_OLD, tried, "%s", v->tls_version);
	return d;
}

static bool
is_address(const char *host)
{
	struct netaddr a;

	return netaddr_parse_ip(&a, slice_str(host)) == 0;
}

/* The rule of the node's certname. False: it is a pin that matches nothing. */
static bool
make_rule(const struct probe_context *c, struct relay_cert_rule *rule)
{
	const struct probe_node *n = c->visit->node;
	const struct slice cert_name = slice_str(n->cert_name);

	*rule = (struct relay_cert_rule){
		.roots = c->config->roots,
		.now_s = clock_wall_s(),
		.name = is_address(n->host) ? NULL : n->host,
	};
	if (cert_name.n == 0)
		return true;
	if (!slice_starts(cert_name, PIN_PREFIX)) {
		rule->name = n->cert_name;
		return !pin_is_meant(cert_name);
	}
	rule->pin = n->cert_name + strlen(PIN_PREFIX);
	return pin_is_valid(cert_name);
}

static enum probe_kind
kind_of(enum relay_cert_verdict verdict)
{
	static const enum probe_kind kinds[] = {
		[RELAY_CERT_NONE] = PROBE_CERT_NONE,
		[RELAY_CERT_UNTRUSTED] = PROBE_CERT_UNTRUSTED,
		[RELAY_CERT_SELF_SIGNED] = PROBE_CERT_SELF_SIGNED,
		[RELAY_CERT_INCOMPLETE] = PROBE_CERT_INCOMPLETE,
		[RELAY_CERT_OTHER_NAME] = PROBE_CERT_OTHER_NAME,
		[RELAY_CERT_EXPIRED] = PROBE_CERT_EXPIRED,
		[RELAY_CERT_NOT_YET] = PROBE_CERT_NOT_YET,
		[RELAY_CERT_PIN_DIFFERS] = PROBE_PIN_DIFFERS,
		[RELAY_CERT_PIN_MULTIPLE] = PROBE_PIN_MULTIPLE,
	};

	return kinds[verdict];
}

/* What the certificate is, beside what is wrong with it. */
static void
hint_certificate(
    const struct probe_visit *v, struct probe_finding *f, enum probe_kind kind)
{
	const struct cert_info *leaf = &v->cert.leaf;

	if (!v->has_cert)
		return;
	switch (kind) {
	case PROBE_CERT_SELF_SIGNED:
	case PROBE_PIN_DIFFERS:
	case PROBE_PIN_BAD:
		probe_finding_hint(
		    f, "certname: \"" PIN_PREFIX "%s\"", leaf->sha256);
		break;
	case PROBE_CERT_OTHER_NAME:
		probe_finding_hint(f, "the certificate is valid for %s",
		    leaf->names[0] != '\0' ? leaf->names : "no name at all");
		break;
	default:
		break;
	}
}

static void
note_verdict(struct probe_visit *v, enum probe_kind kind, const char *text)
{
	char tried[PROBE_TRIED_MAX];
	struct probe_finding *f;

	snprintf(tried, sizeof tried,
	    "the certificate of %s as a client judges it%s%s", v->node->host,
	    v->node->cert_name[0] != '\0' ? ", by certname " : "",
	    v->node->cert_name);
	if (v->node->insecure) {
		probe_finding_add(
		    &v->findings, PROBE_CERT_IGNORED, tried, "%s", text);
		v->steps[PROBE_STEP_CERT].state = PROBE_ODD;
		return;
	}
	f = probe_finding_add(&v->findings, kind, tried, "%s", text);
	hint_certificate(v, f, kind);
	v->untrusted = true;
	v->steps[PROBE_STEP_CERT].state = PROBE_BAD;
}

static void
note_end(struct probe_visit *v, int64_t now_s)
{
	const struct cert_info *leaf = &v->cert.leaf;
	char tried[PROBE_TRIED_MAX];

	if (cert_age(leaf, now_s) != CERT_EXPIRING)
		return;
	snprintf(tried, sizeof tried, "the certificate of %s", v->node->host);
	probe_finding_add(&v->findings, PROBE_CERT_EXPIRING, tried,
	    "%lld days are left",
	    (long long)((leaf->not_after_s - now_s) / DAY_S));
	v->steps[PROBE_STEP_CERT].state = PROBE_ODD;
}

static void
judge(const struct probe_context *c, struct stack_st_X509 *chain)
{
	struct probe_visit *v = c->visit;
	struct relay_cert_rule rule;
	enum relay_cert_verdict verdict;
	struct fail why = { 0 };

	v->steps[PROBE_STEP_CERT].state = PROBE_GOOD;
	v->has_cert = relay_cert_read(&v->cert, chain, NULL) == 0;
	if (!make_rule(c, &rule)) {
		note_verdict(v, PROBE_PIN_BAD, v->node->cert_name);
		return;
	}
	verdict = relay_cert_judge(&rule, chain, &why);
	if (verdict != RELAY_CERT_GOOD)
		note_verdict(v, kind_of(verdict), why.text);
	else
		note_end(v, rule.now_s);
}

static void
note_meta(struct probe_visit *v)
{
	struct probe_result *step = &v->steps[PROBE_STEP_META];

	step->state = v->cert.has_meta ? PROBE_GOOD : PROBE_ODD;
	if (!v->cert.has_meta)
		probe_finding_add(&v->findings, PROBE_META_MISSING,
		    "the certificates that were served",
		    "%u, none is a metacert", v->cert.count);
}

bool
probe_tls(
    const struct probe_context *c, const struct resolve_answer *candidates)
{
	struct probe_visit *v = c->visit;
	struct fail why = { 0 };
	int error = 0;
	const int fd = connect_any(c, candidates, &error, &why);
	struct dial *d = fd != -1 ? start_tls(c, fd) : NULL;

	if (was_reset(v, fd, error))
		note_no_tls(c, DIAL_FAULT_OTHER, &why);
	if (d == NULL)
		return false;
	if (v->node->tls) {
		judge(c, dial_chain(d));
		note_meta(v);
	}
	probe_http_latency(c, d);
	dial_free(d);
	return !probe_visit_is_over(c);
}
