/* rules_tls: judgements about certificate names and port 80. */
#include "rule_groups.h"

#include "edit.h"
#include "hostname.h"
#include "netaddr.h"
#include "pin.h"
#include "placeholder.h"

#include <string.h>

static void
can_port80_no_ipv4(struct rule_run *run, const struct derpmap_node *n)
{
	if (n->can_port80.v && n->ipv4.v.n == 0)
		rule_found(run, rule_pos(&n->can_port80.from, &n->from),
		    "canport80 has no effect without a literal ipv4");
}

static void
can_port80_none(struct rule_run *run, const struct derpmap_node *n)
{
	if (n->can_port80.v && slice_is_nocase(n->ipv4.v, "none"))
		rule_found(run, rule_pos(&n->can_port80.from, &n->from),
		    "canport80 with ipv4 none makes clients ask http://none/ "
		    "for captive portals");
}

/* The pin whose fingerprint is written with capitals, colons or another
 * prefix; false: there are not 64 digits. */
static bool
normal_pin(char pin[static PIN_TEXT], struct slice text)
{
	static const char *const prefixes[] = { "sha256-raw", "sha256", NULL };
	char hex[PIN_HEX + 1];
	size_t digits = 0;

	for (size_t i = 0; prefixes[i] != NULL; i++) {
		size_t n = strlen(prefixes[i]);

		if (text.n > n &&
		    slice_is_nocase(slice_of(text.p, n), prefixes[i])) {
			text = slice_of(text.p + n, text.n - n);
			break;
		}
	}
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (strchr(":= -", c) != NULL && c != 0)
			continue;
		if (c == 0 || strchr("0123456789abcdefABCDEF", c) == NULL ||
		    digits == PIN_HEX)
			return false;
		hex[digits++] =
		    (char)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
	}
	hex[digits] = '\0';
	if (digits == PIN_HEX)
		pin_format(pin, hex);
	return digits == PIN_HEX;
}

static void
cert_name_hash(struct rule_run *run, const struct derpmap_node *n)
{
	struct slice name = n->cert_name.v;
	char pin[PIN_TEXT];
	struct finding *f;

	if (!pin_is_meant(name) || pin_is_valid(name))
		return;
	f = rule_found(run, rule_pos(&n->cert_name.from, &n->from),
	    "a pin is \"" PIN_PREFIX
	    "\" and 64 lower-case hex digits, compared "
	    "as text: this one matches no certificate");
	f->fix = "copy it from the relay's log, or let derpmap generate "
		 "--from-derper write it";
	if (normal_pin(pin, name))
		edit_text(run, f, &n->cert_name.from, slice_str(pin));
}

static void
cert_name_scheme(struct rule_run *run, const struct derpmap_node *n)
{
	struct slice name = n->cert_name.v;
	struct netaddr ip;
	struct hostname h;

	if (name.n == 0 || pin_is_meant(name) ||
	    netaddr_parse_ip(&ip, name) == 0)
		return;
	hostname_check(&h, name);
	if ((h.faults & HOSTNAME_CHARACTER) != 0 && !placeholder_is_mark(name))
		rule_found(run, rule_pos(&n->cert_name.from, &n->from),
		    "certname holds more than a name: it is compared with the "
		    "certificate as it is")
		    ->fix = "write the bare name";
}

static void
cert_name_redundant(struct rule_run *run, const struct derpmap_node *n)
{
	if (n->cert_name.v.n > 0 && slice_eq(n->cert_name.v, n->host_name.v))
		rule_found(run, rule_pos(&n->cert_name.from, &n->from),
		    "certname is the same as hostname, which is the default");
}

static void
cert_name_and_insecure(struct rule_run *run, const struct derpmap_node *n)
{
	if (n->cert_name.v.n > 0 && n->insecure_for_tests.v)
		rule_found(run, rule_pos(&n->insecure_for_tests.from, &n->from),
		    "insecurefortests switches off the check that certname "
		    "asks for");
}

static void
pin_clients(struct rule_run *run, const struct derpmap_node *n)
{
	if (pin_is_valid(n->cert_name.v))
		rule_found(run, rule_pos(&n->cert_name.from, &n->from),
		    "a pin needs clients from 1.82 on, better from 1.84, and "
		    "must be changed when the certificate is renewed");
}

static void
no_can_port80(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;
	const struct derpmap_node *first = NULL;

	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++) {
			const struct derpmap_node *n = m->regions[i]->nodes[j];

			if (n->is_nil)
				continue;
			if (n->can_port80.v)
				return;
			if (first == NULL && !rule_is_foreign_node(n))
				first = n;
		}
	if (first != NULL && rule_sees_all(run))
		rule_found(run, derpmap_origin_pos(&first->from),
		    "no node has canport80: to look for captive portals, "
		    "clients ask Tailscale's hosts over HTTP");
}

static const struct rule rules[] = {
	{ "T01", "canport80-no-ipv4", SEVERITY_WARNING, RULE_ANY,
	    { .node = can_port80_no_ipv4 }, "canport80 without ipv4",
	    "Clients ask literal IPv4 addresses only.", RULE_CAPTIVE },
	{ "T02", "canport80-ipv4-none", SEVERITY_ERROR, RULE_ANY,
	    { .node = can_port80_none }, "canport80 with ipv4 none",
	    "Clients ask http://none/.", RULE_CAPTIVE },
	{ "T04", "no-canport80", SEVERITY_INFO, RULE_ANY,
	    { .map = no_can_port80 }, "no node for captive portal checks",
	    "Clients ask Tailscale's hosts instead.",
	    RULE_CAPTIVE "; tailscale issue 13788" },
	{ "T05", "certname-hash-format", SEVERITY_ERROR, RULE_ANY,
	    { .node = cert_name_hash }, "a pin in a form that matches nothing",
	    PIN_PREFIX " and 64 lower-case hex digits, nothing else.",
	    RULE_DERPHTTP },
	{ "T06", "certname-scheme", SEVERITY_WARNING, RULE_ANY,
	    { .node = cert_name_scheme }, "certname is more than a name",
	    "It is compared with the certificate as it is.", RULE_DERPHTTP },
	{ "T07", "certname-redundant", SEVERITY_INFO, RULE_ANY,
	    { .node = cert_name_redundant }, "certname is the hostname",
	    "That is the default.", RULE_DERPHTTP },
	{ "T08", "certname-client-version", SEVERITY_INFO, RULE_ANY,
	    { .node = pin_clients }, "a pin needs newer clients",
	    "From 1.82 on, reliable from 1.84.",
	    RULE_DERPHTTP "; tailscale issue 15579" },
	{ "T11", "certname-and-insecure", SEVERITY_WARNING, RULE_ANY,
	    { .node = cert_name_and_insecure },
	    "certname and insecurefortests together",
	    "The latter switches off what the former asks for.",
	    RULE_DERPHTTP },
};

const struct rule_group rules_tls = { rules, sizeof rules / sizeof rules[0] };
