/* rules_address: judgements about addresses. */
#include "rules.h"

#include "netaddr.h"

#include <string.h>

/* One of the two address fields of a node, or its host name. */
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

/* The same, and the host name when it is an address and nothing else says
 * where the node is. */
static void
each_target(struct lint *l, field_fn *visit)
{
	const struct derpmap *m = &l->load->map;

	each_field(l, visit);
	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++) {
			const struct derpmap_node *n = m->regions[i]->nodes[j];
			struct field host = { &n->host_name, "hostname", true };
			struct netaddr ip;

			if (n->is_nil ||
			    netaddr_parse_ip(&ip, n->host_name.v) == -1)
				continue;
			host.v4 = ip.is_v4;
			if ((ip.is_v4 ? n->ipv4.v.n : n->ipv6.v.n) == 0)
				visit(l, n, &host);
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
	each_target(l, v4_mapped);
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
		    "%s is a private address (%s): only nodes in that network "
		    "reach it",
		    f->name, prefix);
}

void
rules_ip_private(struct lint *l)
{
	each_target(l, ip_private);
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
	each_target(l, ip_tailnet);
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
		/* DIFFERS from the catalogue's error: a relay for the nodes
		 * of one host is how one tries it out */
		lint_found_as(l, SEVERITY_INFO, field_at(n, f),
		    "%s is a loopback address: only nodes on the relay's own "
		    "host reach it",
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
	each_target(l, ip_special);
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
	each_target(l, ip_documentation);
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
	each_target(l, ip_fake);
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
