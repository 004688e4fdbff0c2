/* rules_address: judgements about addresses, ports and certificate names. */
#include "rules.h"

#include "netaddr.h"

#include <string.h>

#define PIN_PREFIX "sha256-raw:"
#define PIN_HEX 64

/* One of the two address fields of a node. */
struct field {
	const struct derpmap_text *text;
	const char *name;
	bool v4;
};

typedef void field_fn(
    struct lint *l, const struct derpmap_node *n, const struct field *f);

/* Calls visit for every address field that is set to something. */
static void
each_field(struct lint *l, field_fn *visit)
{
	const struct derpmap *m = &l->load->map;

	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++) {
			const struct derpmap_node *n = m->regions[i]->nodes[j];
			const struct field fields[] = {
				{ &n->ipv4, "ipv4", true },
				{ &n->ipv6, "ipv6", false },
			};

			for (size_t k = 0; k < 2 && !n->is_nil; k++)
				if (fields[k].text->v.n > 0)
					visit(l, n, &fields[k]);
		}
}

static struct doc_pos
field_at(const struct derpmap_node *n, const struct field *f)
{
	return lint_at(&f->text->from, &n->from);
}

static bool
is_none(struct slice s)
{
	return slice_is_nocase(s, "none");
}

/* What a field that is no address may have been meant as. */
static const char *
format_hint(struct slice s)
{
	if (memchr(s.p, '/', s.n) != NULL)
		return "a prefix length is no part of an address";
	if (s.p[0] == '[' || s.p[s.n - 1] == ']')
		return "write it without brackets";
	if (memchr(s.p, '%', s.n) != NULL)
		return "a zone is no part of an address";
	if (slice_trim(s).n != s.n)
		return "there are blanks around it";
	return NULL;
}

static void
unparsable(struct lint *l, const struct derpmap_node *n, const struct field *f)
{
	struct netaddr ip;

	if (is_none(f->text->v) || netaddr_parse_ip(&ip, f->text->v) == 0)
		return;
	lint_found(l, field_at(n, f),
	    "%s \"%.*s\" is no address: clients silently switch %s off for "
	    "this node",
	    f->name, (int)f->text->v.n, (const char *)f->text->v.p,
	    f->v4 ? "IPv4" : "IPv6")
	    ->fix = format_hint(f->text->v);
}

void
rules_ip_unparsable(struct lint *l)
{
	each_field(l, unparsable);
}

static void
other_family(
    struct lint *l, const struct derpmap_node *n, const struct field *f)
{
	struct netaddr ip;

	if (netaddr_parse_ip(&ip, f->text->v) == 0 && ip.is_v4 != f->v4)
		lint_found(l, field_at(n, f),
		    "%s holds an %s address: clients silently switch %s off "
		    "for this node",
		    f->name, ip.is_v4 ? "IPv4" : "IPv6",
		    f->v4 ? "IPv4" : "IPv6")
		    ->fix = f->v4 ? "put it into ipv6" : "put it into ipv4";
}

void
rules_ip_other_family(struct lint *l)
{
	each_field(l, other_family);
}

static void
none_case(struct lint *l, const struct derpmap_node *n, const struct field *f)
{
	if (is_none(f->text->v) && !slice_is(f->text->v, "none"))
		lint_found(l, field_at(n, f),
		    "only the lower-case word \"none\" is understood when "
		    "clients plan their probes")
		    ->fix = "write none";
}

void
rules_none_case(struct lint *l)
{
	each_field(l, none_case);
}

/* Whether the text switches the family off. */
static bool
is_off(struct slice s, bool v4)
{
	struct netaddr ip;

	return s.n > 0 && (netaddr_parse_ip(&ip, s) == -1 || ip.is_v4 != v4);
}

static void
both_none(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (is_off(n->ipv4.v, true) && is_off(n->ipv6.v, false))
		lint_found(l, lint_at(&n->ipv6.from, &n->from),
		    "IPv4 and IPv6 are both switched off: clients cannot "
		    "reach this node");
}

void
rules_both_none(struct lint *l)
{
	lint_each_node(l, both_none);
}

static void
v4_mapped(struct lint *l, const struct derpmap_node *n, const struct field *f)
{
	struct netaddr ip;

	if (netaddr_parse_ip(&ip, f->text->v) == 0 && !ip.is_v4 &&
	    netaddr_in(&ip, "::ffff:0:0/96"))
		lint_found(l, field_at(n, f),
		    "a v4-mapped address counts as IPv6 for clients");
}

void
rules_v4_mapped(struct lint *l)
{
	each_field(l, v4_mapped);
}

/* Finds the prefix of the list, ended by NULL, that the field's address is in;
 * NULL when it is in none. */
static const char *
in_one_of(const struct field *f, const char *const *prefixes)
{
	struct netaddr ip;

	if (netaddr_parse_ip(&ip, f->text->v) == -1)
		return NULL;
	for (; *prefixes != NULL; prefixes++)
		if (netaddr_in(&ip, *prefixes))
			return *prefixes;
	return NULL;
}

static void
ip_private(struct lint *l, const struct derpmap_node *n, const struct field *f)
{
	static const char *const prefixes[] = { "10.0.0.0/8", "172.16.0.0/12",
		"192.168.0.0/16", "fc00::/7", NULL };
	static const char *const tailnet[] = { "fd7a:115c:a1e0::/48", NULL };
	const char *prefix = in_one_of(f, prefixes);

	if (prefix != NULL && in_one_of(f, tailnet) == NULL)
		lint_found(l, field_at(n, f),
		    "%s is a private address (%s): nodes elsewhere cannot "
		    "reach it",
		    f->name, prefix);
}

void
rules_ip_private(struct lint *l)
{
	each_field(l, ip_private);
}

static void
ip_tailnet(struct lint *l, const struct derpmap_node *n, const struct field *f)
{
	static const char *const prefixes[] = { "100.64.0.0/10",
		"fd7a:115c:a1e0::/48", NULL };

	if (in_one_of(f, prefixes) != NULL)
		lint_found(l, field_at(n, f),
		    "%s is a tailnet address: the relay cannot be reached "
		    "through the tunnel that it serves",
		    f->name);
}

void
rules_ip_tailnet(struct lint *l)
{
	each_field(l, ip_tailnet);
}

static void
ip_special(struct lint *l, const struct derpmap_node *n, const struct field *f)
{
	static const char *const prefixes[] = { "127.0.0.0/8", "::1/128",
		"0.0.0.0/8", "::/128", "224.0.0.0/4", "ff00::/8",
		"169.254.0.0/16", "fe80::/10", NULL };
	static const char *const loopback[] = { "127.0.0.0/8", "::1/128",
		NULL };
	const char *prefix = in_one_of(f, prefixes);

	if (prefix == NULL)
		return;
	if (in_one_of(f, loopback) != NULL)
		lint_found_as(l, SEVERITY_WARNING, field_at(n, f),
		    "%s is a loopback address: only nodes on the relay's own "
		    "host can reach it",
		    f->name);
	else
		lint_found(l, field_at(n, f),
		    "%s is an unspecified, multicast or link-local address "
		    "(%s), where no node can reach it",
		    f->name, prefix);
}

void
rules_ip_special(struct lint *l)
{
	each_field(l, ip_special);
}

static void
ip_documentation(
    struct lint *l, const struct derpmap_node *n, const struct field *f)
{
	static const char *const prefixes[] = { "192.0.2.0/24",
		"198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32",
		"1.2.3.4/32", NULL };

	if (in_one_of(f, prefixes) != NULL)
		lint_found(l, field_at(n, f),
		    "%s is an address from documentation, as in headscale's "
		    "example configuration: nobody can be reached there",
		    f->name)
		    ->fix = "write the relay's own address";
}

void
rules_ip_documentation(struct lint *l)
{
	each_field(l, ip_documentation);
}

static void
ip_fake(struct lint *l, const struct derpmap_node *n, const struct field *f)
{
	static const char *const prefixes[] = { "198.18.0.0/15", NULL };

	if (in_one_of(f, prefixes) != NULL)
		lint_found(l, field_at(n, f),
		    "%s is in 198.18.0.0/15, which proxies hand out as fake "
		    "addresses: it is likely not the relay's",
		    f->name);
}

void
rules_ip_fake(struct lint *l)
{
	each_field(l, ip_fake);
}

static void
ip_missing(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct netaddr ip;

	(void)r;
	if (n->ipv4.v.n == 0 && n->ipv6.v.n == 0 &&
	    netaddr_parse_ip(&ip, n->host_name.v) == -1)
		lint_found(l, derpmap_origin_pos(&n->from),
		    "no literal address: the relay cannot be found while DNS "
		    "is broken");
}

void
rules_ip_missing(struct lint *l)
{
	lint_each_node(l, ip_missing);
}

static void
port_range(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->derp_port.v < 0 || n->derp_port.v > 65535)
		lint_found(l, lint_at(&n->derp_port.from, &n->from),
		    "derpport %lld is no port: clients cannot dial it",
		    (long long)n->derp_port.v);
}

void
rules_port_range(struct lint *l)
{
	lint_each_node(l, port_range);
}

static void
stun_port_range(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->stun_port.v < -1 || n->stun_port.v > 65535)
		lint_found(l, lint_at(&n->stun_port.from, &n->from),
		    "stunport %lld is no port: clients silently skip STUN "
		    "here",
		    (long long)n->stun_port.v)
		    ->fix = "write -1 when STUN is meant to be off";
}

void
rules_stun_port_range(struct lint *l)
{
	lint_each_node(l, stun_port_range);
}

void
rules_stun_disabled(struct lint *l)
{
	const struct derpmap *m = &l->load->map;
	const struct derpmap_node *last = NULL;

	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++) {
			const struct derpmap_node *n = m->regions[i]->nodes[j];

			if (n->is_nil)
				continue;
			if (n->stun_port.v >= 0)
				return;
			last = n;
		}
	if (last != NULL)
		lint_found(l, lint_at(&last->stun_port.from, &last->from),
		    "no node of the map answers STUN: clients find no direct "
		    "paths and probe over HTTPS every time");
}

static void
derp_port_80(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->derp_port.v == 80)
		lint_found(l, lint_at(&n->derp_port.from, &n->from),
		    "derpport is 80, but clients always speak TLS");
}

void
rules_derp_port_80(struct lint *l)
{
	lint_each_node(l, derp_port_80);
}

static void
port_swap(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->derp_port.v == 3478)
		lint_found(l, lint_at(&n->derp_port.from, &n->from),
		    "derpport is 3478, the port of STUN: swapped?");
	if (n->stun_port.v == 443)
		lint_found(l, lint_at(&n->stun_port.from, &n->from),
		    "stunport is 443, the port of the relay: swapped?");
}

void
rules_port_swap(struct lint *l)
{
	lint_each_node(l, port_swap);
}

static void
can_port80_no_ipv4(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->can_port80.v && n->ipv4.v.n == 0)
		lint_found(l, lint_at(&n->can_port80.from, &n->from),
		    "canport80 has no effect without a literal ipv4");
}

void
rules_can_port80_no_ipv4(struct lint *l)
{
	lint_each_node(l, can_port80_no_ipv4);
}

static void
can_port80_none(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->can_port80.v && is_none(n->ipv4.v))
		lint_found(l, lint_at(&n->can_port80.from, &n->from),
		    "canport80 with ipv4 none makes clients ask http://none/ "
		    "for captive portals");
}

void
rules_can_port80_none(struct lint *l)
{
	lint_each_node(l, can_port80_none);
}

static bool
good_pin(struct slice s)
{
	size_t prefix = strlen(PIN_PREFIX);

	if (!slice_starts(s, PIN_PREFIX) || s.n != prefix + PIN_HEX)
		return false;
	for (size_t i = prefix; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') &&
		    !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	return true;
}

static void
cert_name_hash(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct slice name = n->cert_name.v;

	(void)r;
	if (name.n < 6 || !slice_is_nocase(slice_of(name.p, 6), "sha256") ||
	    good_pin(name))
		return;
	lint_found(l, lint_at(&n->cert_name.from, &n->from),
	    "a pin is \"sha256-raw:\" and 64 lower-case hex digits, compared "
	    "as text: this one matches no certificate")
	    ->fix = "copy it from the relay's log, or let derpmap generate "
		    "--from-derper write it";
}

void
rules_cert_name_hash(struct lint *l)
{
	lint_each_node(l, cert_name_hash);
}

static void
cert_name_scheme(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct slice name = n->cert_name.v;

	(void)r;
	if (name.n < 6 || slice_is_nocase(slice_of(name.p, 6), "sha256"))
		return;
	if (memchr(name.p, '/', name.n) != NULL ||
	    memchr(name.p, ':', name.n) != NULL)
		lint_found(l, lint_at(&n->cert_name.from, &n->from),
		    "certname holds more than a name: it is compared with the "
		    "certificate as it is")
		    ->fix = "write the bare name";
}

void
rules_cert_name_scheme(struct lint *l)
{
	lint_each_node(l, cert_name_scheme);
}

static void
cert_name_redundant(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->cert_name.v.n > 0 && slice_eq(n->cert_name.v, n->host_name.v))
		lint_found(l, lint_at(&n->cert_name.from, &n->from),
		    "certname is the same as hostname, which is the default");
}

void
rules_cert_name_redundant(struct lint *l)
{
	lint_each_node(l, cert_name_redundant);
}

static void
cert_name_and_insecure(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->cert_name.v.n > 0 && n->insecure_for_tests.v)
		lint_found(l, lint_at(&n->insecure_for_tests.from, &n->from),
		    "insecurefortests switches off the check that certname "
		    "asks for");
}

void
rules_cert_name_and_insecure(struct lint *l)
{
	lint_each_node(l, cert_name_and_insecure);
}
