/* rules_hostname: judgements about host names. */
#include "rule_groups.h"

#include "edit.h"
#include "hostname.h"
#include "num.h"
#include "pin.h"
#include "placeholder.h"
#include "port.h"

#include <stdio.h>
#include <string.h>

static struct doc_pos
host_at(const struct derpmap_node *n)
{
	return rule_pos(&n->host_name.from, &n->from);
}

static bool
has_pin(const struct derpmap_node *n)
{
	return slice_starts(n->cert_name.v, PIN_PREFIX);
}

/* Whether there is an address to connect to. */
static bool
has_ip(const struct derpmap_node *n)
{
	struct netaddr ip;

	return netaddr_parse_ip(&ip, n->ipv4.v) == 0 ||
	    netaddr_parse_ip(&ip, n->ipv6.v) == 0;
}

static void
hostname_empty(struct rule_run *run, const struct derpmap_node *n)
{
	bool works = (has_pin(n) || n->insecure_for_tests.v) && has_ip(n);

	if (n->host_name.v.n > 0)
		return;
	rule_found_as(run, works ? SEVERITY_WARNING : SEVERITY_ERROR,
	    host_at(n),
	    works ? "the node has no hostname: it works only with a server "
		    "that accepts TLS without SNI, and not over HTTPS probes"
		  : "the node has no hostname: clients cannot reach it")
	    ->fix = "add hostname: the name or address in its certificate";
}

static bool
holds(struct slice s, const char *text)
{
	return s.n > 0 && memmem(s.p, s.n, text, strlen(text)) != NULL;
}

static struct hostname
check(const struct derpmap_node *n)
{
	struct hostname h;

	hostname_check(&h, n->host_name.v);
	return h;
}

/* Writes the name without scheme, path and blanks, and puts its port where it
 * belongs; not when there is another one, or what is left is not a name. */
static void
write_bare(
    struct rule_run *run, struct finding *f, const struct derpmap_node *n)
{
	struct slice host = slice_trim(n->host_name.v), digits, rest;
	const uint8_t *scheme = memmem(host.p, host.n, "://", 3);
	struct hostname h;
	uint64_t port = 0;
	char number[8];

	if (scheme != NULL)
		host = slice_of(
		    scheme + 3, host.n - (size_t)(scheme + 3 - host.p));
	slice_cut(host, '/', &host, &rest);
	if (slice_cut(host, ':', &host, &digits) &&
	    num_parse_decimal(digits, UINT16_MAX, &port) == -1)
		return;
	hostname_check(&h, host);
	if (h.faults != 0 || host.n == 0)
		return;
	if (port != 0 && port != (uint64_t)port_derp(n)) {
		if (n->derp_port.from.value != NULL)
			return;
		snprintf(number, sizeof number, "%u", (unsigned)port);
		edit_add(
		    run, f, &n->from, rule_field_name(run, "derpport"), number);
		if (f->edit == NULL)
			return;
	}
	edit_text(run, f, &n->host_name.from, host);
}

static void
hostname_scheme(struct rule_run *run, const struct derpmap_node *n)
{
	struct finding *f;

	if (!holds(n->host_name.v, "://"))
		return;
	f = rule_found(run, host_at(n),
	    "hostname is a URL: clients use all of it as the name, in DNS and "
	    "in TLS");
	f->fix = "write the bare name; the port goes into derpport";
	write_bare(run, f, n);
}

/* Whether a number follows the only colon. */
static bool
has_port(struct slice text)
{
	struct slice host, port;
	uint64_t number;

	return slice_cut(text, ':', &host, &port) &&
	    num_parse_decimal(port, UINT64_MAX, &number) == 0;
}

static void
hostname_port(struct rule_run *run, const struct derpmap_node *n)
{
	struct finding *f;

	if (!has_port(n->host_name.v))
		return;
	f = rule_found(run, host_at(n),
	    "hostname has a port: clients dial \"%.*s\" on another port and "
	    "ask for it by that name in TLS",
	    RULE_SHOWN(n->host_name.v));
	f->fix = "put the port into derpport";
	write_bare(run, f, n);
}

static void
hostname_path(struct rule_run *run, const struct derpmap_node *n)
{
	struct slice host = n->host_name.v;
	struct hostname h = check(n);
	char shown[HOSTNAME_SHOWN];
	struct finding *f;

	if ((h.faults & HOSTNAME_CHARACTER) == 0 || holds(host, "://") ||
	    has_port(host) || placeholder_is_mark(host))
		return;
	hostname_show(shown, h.character);
	f = rule_found(run, host_at(n),
	    "hostname holds %s, which no name and no address has", shown);
	f->fix = "write the bare name or address";
	write_bare(run, f, n);
}

static void
hostname_upper(struct rule_run *run, const struct derpmap_node *n)
{
	struct slice name = n->host_name.v;
	char lower[HOSTNAME_MAX];
	struct finding *f;

	if ((check(n).faults & HOSTNAME_UPPER) == 0 ||
	    placeholder_is_mark(name))
		return;
	f = rule_found(run, host_at(n),
	    "hostname has capitals: a derper in manual mode compares the name "
	    "that clients ask for byte by byte");
	f->fix = "write it in lower case";
	for (size_t i = 0; i < name.n && i < sizeof lower; i++)
		lower[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z'
			? name.p[i] - 'A' + 'a'
			: name.p[i]);
	if (name.n <= sizeof lower)
		edit_text(run, f, &n->host_name.from, slice_of(lower, name.n));
}

static void
hostname_unicode(struct rule_run *run, const struct derpmap_node *n)
{
	if ((check(n).faults & HOSTNAME_NOT_ASCII) != 0 &&
	    check(n).character < 0x80 && !placeholder_is_host(n->host_name.v) &&
	    !placeholder_is_mark(n->host_name.v))
		rule_found(run, host_at(n),
		    "hostname is not ASCII and is sent as it is")
		    ->fix = "write its punycode form (xn--...)";
}

/* What makes a name of good characters one that cannot exist; NULL: nothing. */
static const char *
impossible(const struct hostname *h)
{
	/* a URL, a port or the like: another rule reports it */
	if ((h->faults & HOSTNAME_CHARACTER) != 0)
		return NULL;
	if ((h->faults & HOSTNAME_LABEL_EMPTY) != 0)
		return "hostname has an empty label: two dots in a row, or one "
		       "at the start";
	if ((h->faults & HOSTNAME_LABEL_DASH) != 0)
		return "a label of hostname begins or ends with a dash, which "
		       "certificates and resolvers do not accept";
	if ((h->faults & HOSTNAME_NUMERIC) != 0)
		return "hostname is digits and dots, but not an IPv4 address: "
		       "nothing resolves it";
	return NULL;
}

static void
hostname_label(struct rule_run *run, const struct derpmap_node *n)
{
	struct hostname h = check(n);
	const char *text = impossible(&h);

	/* what else is wrong with it is so of no name */
	if (placeholder_is_mark(n->host_name.v) || holds(n->host_name.v, "://"))
		return;
	if ((h.faults & HOSTNAME_LONG) != 0)
		rule_found(run, host_at(n), "hostname is longer than %d bytes",
		    HOSTNAME_MAX);
	if ((h.faults & HOSTNAME_UNDERSCORE) != 0)
		rule_found_as(run, SEVERITY_WARNING, host_at(n),
		    "hostname has an underscore: no certificate authority "
		    "issues certificates for it");
	if ((h.faults & HOSTNAME_LABEL_LONG) != 0)
		rule_found(run, host_at(n),
		    "a label of hostname is longer than %d bytes",
		    HOSTNAME_LABEL_MAX);
	if (text != NULL)
		rule_found(run, host_at(n), "%s", text)->fix =
		    "write the name that DNS has for the relay";
}

static void
ip_no_cert(struct rule_run *run, const struct derpmap_node *n)
{
	if (check(n).is_address && n->cert_name.v.n == 0 &&
	    !n->insecure_for_tests.v && !n->stun_only.v)
		rule_found(run, host_at(n),
		    "hostname is an address and there is no certname: the "
		    "relay needs a certificate for it that clients trust, and "
		    "they send no SNI")
		    ->fix =
		    "pin a self-signed one: certname: " PIN_PREFIX "...";
}

static void
ipv6_literal(struct rule_run *run, const struct derpmap_node *n)
{
	struct hostname h = check(n);

	if (h.is_address && !h.address.is_v4 && port_derp(n) == PORT_DERP)
		rule_found(run, host_at(n),
		    "hostname is an IPv6 address and the port is 443: clients "
		    "write its URL without brackets, which does not always "
		    "parse")
		    ->fix = "use a name, or another port";
}

/* Names and addresses that people leave in from an example. */
static void
placeholder_host(struct rule_run *run, const struct derpmap_node *n)
{
	static const char *const reserved[] = { "example.com", "example.net",
		"example.org", ".example", ".invalid", NULL };
	struct slice host = n->host_name.v;

	/* with a dot of another script there is none of ASCII */
	if (placeholder_is_host(host) && !placeholder_is_mark(host) &&
	    check(n).character < 0x80) {
		rule_found_as(run, SEVERITY_WARNING, host_at(n),
		    "hostname looks like a placeholder")
		    ->fix = "write the relay's own name";
		return;
	}
	for (size_t i = 0; reserved[i] != NULL; i++)
		if (slice_ends_nocase(host, reserved[i])) {
			rule_found_as(run, SEVERITY_INFO, host_at(n),
			    "hostname is reserved for examples (RFC 2606): "
			    "nobody can be reached there")
			    ->fix = "write the relay's own name";
			return;
		}
	if (slice_is(n->ipv4.v, "123.123.123.123"))
		rule_found_as(run, SEVERITY_WARNING,
		    rule_pos(&n->ipv4.from, &n->from),
		    "ipv4 looks like a placeholder")
		    ->fix = "write the relay's own address";
}

/* Ends of names that are not in the DNS that all clients share; without a text
 * of its own: of private networks. */
static const struct local_end {
	const char *end;
	const char *text;
} local_ends[] = {
	{ "localhost",
	    "hostname is localhost: every client looks for the relay on its "
	    "own host" },
	{ ".localdomain",
	    "hostname is in .localdomain, which every host has for itself" },
	{ ".local",
	    "hostname is in .local: such names are asked for by multicast, "
	    "which no router passes on" },
	{ ".home.arpa", NULL },
	{ ".lan", NULL },
	{ ".internal", NULL },
	{ ".home", NULL },
	{ ".corp", NULL },
	{ ".intranet", NULL },
	{ ".private", NULL },
};

/* Whether the name ends so, or is the end. */
static bool
is_within(struct slice name, const char *end)
{
	const size_t n = strlen(end);

	if (!slice_ends_nocase(name, end))
		return false;
	return end[0] == '.' || name.n == n || name.p[name.n - n - 1] == '.';
}

/* The name in a text that may be a URL or have a port: what another rule says
 * of those does not make it another name. */
static struct slice
name_in(struct slice text)
{
	const uint8_t *scheme =
	    text.n > 0 ? memmem(text.p, text.n, "://", 3) : NULL;
	struct slice rest;

	if (scheme != NULL)
		text = slice_of(
		    scheme + 3, text.n - (size_t)(scheme + 3 - text.p));
	slice_cut(text, '/', &text, &rest);
	slice_cut(text, ':', &text, &rest);
	return text;
}

static struct finding *
found_local(struct rule_run *run, const struct derpmap_node *n,
    const struct local_end *local)
{
	if (local->text != NULL)
		return rule_found(run, host_at(n), "%s", local->text);
	return rule_found_as(run, SEVERITY_INFO, host_at(n),
	    "hostname is in %s, a domain of private networks: only clients "
	    "there can resolve it",
	    local->end);
}

static void
local_host(struct rule_run *run, const struct derpmap_node *n)
{
	struct slice host = name_in(n->host_name.v);

	/* the name is not looked up, and no authority has to vouch for it */
	if (has_ip(n) && (has_pin(n) || n->insecure_for_tests.v))
		return;
	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	for (size_t i = 0; i < sizeof local_ends / sizeof local_ends[0]; i++)
		if (is_within(host, local_ends[i].end)) {
			found_local(run, n, &local_ends[i])->fix =
			    "write a name that all clients can resolve, or "
			    "give an address and pin the certificate";
			return;
		}
}

static void
placeholder_value(struct rule_run *run, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	const struct doc_node *n =
	    from->value != NULL ? doc_resolve(from->value) : NULL;

	if (field != NULL && field->type == DERPMAP_TEXT && n != NULL &&
	    n->kind == DOC_SCALAR && placeholder_is_mark(n->text))
		rule_found(run, n->start,
		    "%s \"%.*s\" is a placeholder that was left in",
		    rule_field_name(run, field->yaml), RULE_SHOWN(n->text))
		    ->fix = "write the real value";
}

/* Where something else than text must be, the program refuses it too. */
static void
placeholder_refused(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	if (d->refuses && d->node != NULL && d->node->kind == DOC_SCALAR &&
	    placeholder_is_mark(d->node->text))
		rule_found(run, d->at,
		    "\"%.*s\" is a placeholder that was left in; the whole "
		    "file is refused for it",
		    RULE_SHOWN(d->node->text))
		    ->fix = "write the real value";
}

static const struct rule rules[] = {
	{ "N06", "hostname-empty", SEVERITY_ERROR, RULE_ANY,
	    { .node = hostname_empty }, "a node without hostname",
	    "Clients cannot reach it; a warning when there are an address and "
	    "a pin or insecurefortests, which works without SNI.",
	    RULE_DERPHTTP "; tailscale issue 3024" },
	{ "N07", "hostname-scheme", SEVERITY_ERROR, RULE_ANY,
	    { .node = hostname_scheme }, "hostname is a URL",
	    "All of it is used as the name.",
	    RULE_DERPHTTP "; headscale issue 2836" },
	{ "N08", "hostname-port", SEVERITY_ERROR, RULE_ANY,
	    { .node = hostname_port }, "hostname has a port",
	    "The port belongs into derpport.", RULE_DERPHTTP },
	{ "N09", "hostname-path", SEVERITY_ERROR, RULE_ANY,
	    { .node = hostname_path },
	    "hostname has characters that no name has",
	    "Paths, blanks, brackets, wildcards: anything but letters, "
	    "digits, dots and dashes.",
	    RULE_DERPHTTP },
	{ "N10", "hostname-upper", SEVERITY_WARNING, RULE_ANY,
	    { .node = hostname_upper }, "hostname has capitals",
	    "A derper in manual mode compares the name byte by byte.",
	    "tailscale cmd/derper/cert.go" },
	{ "N11", "hostname-unicode", SEVERITY_WARNING, RULE_ANY,
	    { .node = hostname_unicode }, "hostname is not ASCII",
	    "It is sent as it is; write punycode.", RULE_DERPHTTP },
	{ "N12", "hostname-label", SEVERITY_ERROR, RULE_ANY,
	    { .node = hostname_label }, "hostname is not a valid name",
	    "63 bytes a label, 253 in all; no empty label, no dash at an end "
	    "of one, not digits alone. An underscore is a warning: no "
	    "certificate authority issues certificates for it.",
	    "RFC 1035 section 2.3.4, RFC 1123 section 2.1" },
	{ "N13", "hostname-ip-no-cert", SEVERITY_INFO, RULE_ANY,
	    { .node = ip_no_cert }, "an address as hostname, without pin",
	    "The relay needs a certificate for the address that clients "
	    "trust. DIFFERS from a warning: such certificates can be had, and "
	    "must not be pinned when they last six days.",
	    RULE_DERPHTTP "; tailscale issue 18955" },
	{ "N14", "hostname-ipv6-literal", SEVERITY_WARNING, RULE_ANY,
	    { .node = ipv6_literal }, "an IPv6 address as hostname on 443",
	    "Its URL is written without brackets and does not always parse.",
	    RULE_DERPHTTP },
	{ "N18", "placeholder", SEVERITY_ERROR, RULE_ANY,
	    { .diagnostic = placeholder_refused,
		.node = placeholder_host,
		.field = placeholder_value },
	    "a value that an example has and that must be replaced",
	    "An error for <...>, $NAME, ${...} and {{...}}; a warning for "
	    "names like "
	    "derp.mydomain.com, in any language. DIFFERS for example.com and "
	    "its like, which are information only: examples and tests are "
	    "made of them.",
	    "RFC 2606" },
	{ "N22", "hostname-local", SEVERITY_WARNING, RULE_ANY,
	    { .node = local_host }, "hostname is of one host or network only",
	    "A warning for localhost, .localdomain and .local, information "
	    "for the names of private networks (.lan, .internal, .home.arpa, "
	    ".home, .corp, .intranet, .private): a relay for one network is a "
	    "fair thing to want. Nothing with an address and a pin: the name "
	    "is not looked up then.",
	    "RFC 6761 section 6.3, RFC 6762 appendix G, RFC 8375" },
};

const struct rule_group rules_hostname = { rules,
	sizeof rules / sizeof rules[0] };
