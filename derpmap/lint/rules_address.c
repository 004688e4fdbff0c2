/* rules_address: judgements about addresses. */
#include "rule_groups.h"

#include "edit.h"
#include "netaddr.h"
#include "num.h"
#include "placeholder.h"

#include <string.h>

static struct doc_pos
place_of(const struct derpmap_node *n, const struct rule_address *a)
{
	return rule_pos(&a->text->from, &n->from);
}

static bool
is_none(struct slice s)
{
	return slice_is_nocase(s, "none");
}

/* The address without what does not belong to it. */
static struct slice
bare_address(struct slice s)
{
	struct slice rest;

	s = slice_trim(s);
	slice_cut(s, '/', &s, &rest);
	slice_cut(s, '%', &s, &rest);
	if (s.n > 1 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = slice_of(s.p + 1, s.n - 2);
	return s;
}

/* Whether the text is an address and a port. */
static bool
has_port(struct slice s)
{
	const uint8_t *end = s.n > 0 ? memchr(s.p, ']', s.n) : NULL;
	struct slice host, port;
	struct netaddr ip;
	uint64_t n;

	if (s.n > 0 && s.p[0] == '[' && end != NULL) {
		host = slice_of(s.p + 1, (size_t)(end - s.p) - 1);
		port = slice_of(end + 1, s.n - host.n - 2);
		if (!slice_starts(port, ":"))
			return false;
		port = slice_of(port.p + 1, port.n - 1);
	} else if (!slice_cut(s, ':', &host, &port)) {
		return false;
	}
	return netaddr_parse_ip(&ip, host) == 0 &&
	    num_parse_decimal(port, UINT16_MAX, &n) == 0;
}

/* Whether the text is an IPv4 address but for zeros before its numbers. */
static bool
has_zeros(struct slice s)
{
	char text[sizeof "255.255.255.255"];
	struct netaddr ip;
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool is_first = i == 0 || s.p[i - 1] == '.';
		bool is_last = i + 1 == s.n || s.p[i + 1] == '.';

		/* the zeros that were left out do not count as numbers */
		if (s.p[i] == '0' && !is_last &&
		    (is_first || n == 0 || text[n - 1] == '.'))
			continue;
		if (n + 1 >= sizeof text)
			return false;
		text[n++] = (char)s.p[i];
	}
	return n < s.n && netaddr_parse_ip(&ip, slice_of(text, n)) == 0;
}

/* What is wrong with the form of a text that an address can be seen in; NULL:
 * there is none. */
static const char *
format_hint(struct slice s)
{
	struct netaddr ip;

	if (has_port(slice_trim(s)))
		return "write the address alone; its port belongs into "
		       "derpport";
	if (has_zeros(slice_trim(s)))
		return "write the numbers without leading zeros";
	if (netaddr_parse_ip(&ip, bare_address(s)) == -1)
		return NULL;
	if (memchr(s.p, '/', s.n) != NULL)
		return "an address has no prefix length";
	if (s.p[0] == '[' || s.p[s.n - 1] == ']')
		return "write it without brackets";
	if (memchr(s.p, '%', s.n) != NULL)
		return "an address has no zone here";
	return "there are blanks around it";
}

/* Whether the field is neither an address nor said to be off nor yet to be
 * filled in. */
static bool
is_unparsable(const struct rule_address *a)
{
	return !a->is_ip && !is_none(a->text->v) &&
	    !placeholder_is_mark(a->text->v);
}

static struct finding *
found_unparsable(struct rule_run *run, const struct derpmap_node *n,
    const struct rule_address *a)
{
	return rule_found(run, place_of(n, a),
	    "%s \"%.*s\" is not a valid address: clients silently switch %s "
	    "off for this node",
	    a->field, RULE_SHOWN(a->text->v), a->is_v4 ? "IPv4" : "IPv6");
}

static void
ip_unparsable(struct rule_run *run, const struct derpmap_node *n,
    const struct rule_address *a)
{
	if (is_unparsable(a) && format_hint(a->text->v) == NULL)
		found_unparsable(run, n, a)->fix =
		    "write an address, or none to switch the family off, or "
		    "leave it out: clients then ask DNS";
}

static void
ip_format(struct rule_run *run, const struct derpmap_node *n,
    const struct rule_address *a)
{
	const struct slice bare = bare_address(a->text->v);
	struct netaddr ip;
	struct finding *f;

	if (!is_unparsable(a) || format_hint(a->text->v) == NULL)
		return;
	f = found_unparsable(run, n, a);
	f->fix = format_hint(a->text->v);
	if (netaddr_parse_ip(&ip, bare) == 0 && ip.is_v4 == a->is_v4)
		edit_text(run, f, &a->text->from, bare);
}

static void
other_family(struct rule_run *run, const struct derpmap_node *n,
    const struct rule_address *a)
{
	struct finding *f;

	if (!a->is_ip || a->ip.is_v4 == a->is_v4)
		return;
	f = rule_found(run, place_of(n, a),
	    "%s holds an %s address: clients silently switch %s off for this "
	    "node",
	    a->field, a->ip.is_v4 ? "IPv4" : "IPv6",
	    a->is_v4 ? "IPv4" : "IPv6");
	f->fix = a->is_v4 ? "put it into ipv6" : "put it into ipv4";
	if ((a->text->from.how & DERPMAP_MERGED) == 0)
		edit_key(run, f, a->text->from.key,
		    rule_field_name(run, a->is_v4 ? "ipv6" : "ipv4"));
}

static void
none_case(struct rule_run *run, const struct derpmap_node *n,
    const struct rule_address *a)
{
	struct finding *f;

	if (!is_none(a->text->v) || slice_is(a->text->v, "none"))
		return;
	f = rule_found(run, place_of(n, a),
	    "only the lower-case word \"none\" is understood when clients "
	    "plan their probes");
	f->fix = "write none";
	edit_text(run, f, &a->text->from, slice_str("none"));
}

/* Whether the text switches the family off. */
static bool
is_off(struct slice s, bool v4)
{
	struct netaddr ip;

	return s.n > 0 && (netaddr_parse_ip(&ip, s) == -1 || ip.is_v4 != v4);
}

static void
both_none(struct rule_run *run, const struct derpmap_node *n)
{
	if (is_off(n->ipv4.v, true) && is_off(n->ipv6.v, false))
		rule_found(run, rule_pos(&n->ipv6.from, &n->from),
		    "IPv4 and IPv6 are both switched off: clients cannot "
		    "reach this node");
}

static void
v4_mapped(struct rule_run *run, const struct derpmap_node *n,
    const struct rule_address *a)
{
	static const struct netaddr_prefix mapped =
	    NETADDR_PREFIX6(96, "::ffff:0:0/96", [10] = 0xff, [11] = 0xff);

	if (a->is_ip && !a->ip.is_v4 && netaddr_in_prefix(&a->ip, &mapped))
		rule_found(run, place_of(n, a),
		    "a v4-mapped address counts as IPv6 for clients");
}

/* The prefix of the list, ended by one without text, that the field's address
 * is in; NULL when it is in none. */
static const char *
in_one_of(const struct rule_address *a, const struct netaddr_prefix *prefixes)
{
	if (!a->is_ip)
		return NULL;
	for (; prefixes->text != NULL; prefixes++)
		if (netaddr_in_prefix(&a->ip, prefixes))
			return prefixes->text;
	return NULL;
}

#define TAILNET6         \
	NETADDR_PREFIX6( \
	    48, "fd7a:115c:a1e0::/48", 0xfd, 0x7a, 0x11, 0x5c, 0xa1, 0xe0)
#define LOOPBACK4 NETADDR_PREFIX4(127, 0, 0, 0, 8)
#define LOOPBACK6 NETADDR_PREFIX6(128, "::1/128", [15] = 1)

static void
ip_private(struct rule_run *run, const struct derpmap_node *n,
    const struct rule_address *a)
{
	static const struct netaddr_prefix prefixes[] = { NETADDR_PREFIX4(
							      10, 0, 0, 0, 8),
		NETADDR_PREFIX4(172, 16, 0, 0, 12),
		NETADDR_PREFIX4(192, 168, 0, 0, 16),
		NETADDR_PREFIX6(7, "fc00::/7", 0xfc), { .text = NULL } };
	static const struct netaddr_prefix tailnet[] = { TAILNET6,
		{ .text = NULL } };
	const char *prefix = in_one_of(a, prefixes);

	if (prefix != NULL && in_one_of(a, tailnet) == NULL)
		rule_found(run, place_of(n, a),
		    "%s is a private address (%s): only nodes in that network "
		    "reach it",
		    a->field, prefix);
}

static void
ip_tailnet(struct rule_run *run, const struct derpmap_node *n,
    const struct rule_address *a)
{
	static const struct netaddr_prefix prefixes[] = {
		NETADDR_PREFIX4(100, 64, 0, 0, 10), TAILNET6, { .text = NULL }
	};

	if (in_one_of(a, prefixes) != NULL)
		rule_found(run, place_of(n, a),
		    "%s is a tailnet address: the relay cannot be reached "
		    "through the tunnel that it serves",
		    a->field);
}

static void
ip_special(struct rule_run *run, const struct derpmap_node *n,
    const struct rule_address *a)
{
	static const struct netaddr_prefix prefixes[] = { LOOPBACK4, LOOPBACK6,
		NETADDR_PREFIX4(0, 0, 0, 0, 8),
		NETADDR_PREFIX6(128, "::/128", 0),
		NETADDR_PREFIX4(224, 0, 0, 0, 4),
		NETADDR_PREFIX6(8, "ff00::/8", 0xff),
		NETADDR_PREFIX4(169, 254, 0, 0, 16),
		NETADDR_PREFIX6(10, "fe80::/10", 0xfe, 0x80),
		{ .text = NULL } };
	static const struct netaddr_prefix loopback[] = { LOOPBACK4, LOOPBACK6,
		{ .text = NULL } };
	const char *prefix = in_one_of(a, prefixes);

	if (prefix == NULL)
		return;
	if (in_one_of(a, loopback) != NULL)
		/* DIFFERS from the catalogue's error: a relay for the nodes
		 * of one host is how one tries it out */
		rule_found_as(run, SEVERITY_INFO, place_of(n, a),
		    "%s is a loopback address: only nodes on the relay's own "
		    "host reach it",
		    a->field);
	else
		rule_found(run, place_of(n, a),
		    "%s is an unspecified, multicast or link-local address "
		    "(%s), where no node can reach it",
		    a->field, prefix);
}

static void
ip_documentation(struct rule_run *run, const struct derpmap_node *n,
    const struct rule_address *a)
{
	static const struct netaddr_prefix prefixes[] = { NETADDR_PREFIX4(
							      192, 0, 2, 0, 24),
		NETADDR_PREFIX4(198, 51, 100, 0, 24),
		NETADDR_PREFIX4(203, 0, 113, 0, 24),
		NETADDR_PREFIX6(32, "2001:db8::/32", 0x20, 0x01, 0x0d, 0xb8),
		NETADDR_PREFIX4(1, 2, 3, 4, 32),
		NETADDR_PREFIX6(128, "2604:a880:400:d1::828:b001/128", 0x26,
		    0x04, 0xa8, 0x80, 0x04, 0x00, 0x00, 0xd1, 0, 0, 0, 0, 0x08,
		    0x28, 0xb0, 0x01),
		{ .text = NULL } };

	if (in_one_of(a, prefixes) != NULL)
		rule_found(run, place_of(n, a),
		    "%s is an address from documentation or from headscale's "
		    "examples: it is not the relay's",
		    a->field)
		    ->fix = "write the relay's own address";
}

static void
ip_fake(struct rule_run *run, const struct derpmap_node *n,
    const struct rule_address *a)
{
	static const struct netaddr_prefix prefixes[] = {
		NETADDR_PREFIX4(198, 18, 0, 0, 15), { .text = NULL }
	};

	if (in_one_of(a, prefixes) != NULL)
		rule_found(run, place_of(n, a),
		    "%s is in 198.18.0.0/15, which proxies hand out as fake "
		    "addresses: it is likely not the relay's",
		    a->field);
}

static void
ip_missing(struct rule_run *run, const struct derpmap_node *n)
{
	struct netaddr ip;

	if (n->ipv4.v.n == 0 && n->ipv6.v.n == 0 &&
	    netaddr_parse_ip(&ip, n->host_name.v) == -1)
		rule_found(run, derpmap_origin_pos(&n->from),
		    "no literal address: the relay cannot be found while DNS "
		    "is broken");
}

/* One family of which nothing is said; a host name that is an address says
 * something of its own. */
static void
single_stack(struct rule_run *run, const struct derpmap_node *n)
{
	struct netaddr ip;
	bool is_ip = netaddr_parse_ip(&ip, n->host_name.v) == 0;
	bool v4 = n->ipv4.v.n > 0 || (is_ip && ip.is_v4);
	bool v6 = n->ipv6.v.n > 0 || (is_ip && !ip.is_v4);

	if (v4 == v6 || is_none(v4 ? n->ipv4.v : n->ipv6.v))
		return;
	rule_found(run, rule_pos(v4 ? &n->ipv4.from : &n->ipv6.from, &n->from),
	    "only the %s address is given: clients look for an %s address by "
	    "the host name",
	    v4 ? "IPv4" : "IPv6", v4 ? "IPv6" : "IPv4")
	    ->fix = v4 ? "add ipv6: none if the relay has no IPv6"
		       : "add ipv4: none if the relay has no IPv4";
}

static const struct rule rules[] = {
	{ "A01", "ipv4-not-ipv4", SEVERITY_ERROR, RULE_ANY,
	    { .address = ip_unparsable }, "an address that is not valid",
	    "Clients silently switch the family off, as for none.",
	    RULE_DERPHTTP },
	{ "A02", "ip-other-family", SEVERITY_ERROR, RULE_ANY,
	    { .address = other_family }, "IPv6 in ipv4, or the reverse",
	    "Clients silently switch the family off.", RULE_DERPHTTP },
	{ "A03", "none-case", SEVERITY_WARNING, RULE_ANY,
	    { .address = none_case }, "none with capitals",
	    "Only the lower-case word is understood when probes are planned.",
	    RULE_NETCHECK },
	{ "A04", "both-none", SEVERITY_ERROR, RULE_ANY, { .node = both_none },
	    "IPv4 and IPv6 are both switched off",
	    "Clients cannot reach the node.", RULE_DERPHTTP },
	{ "A05", "ip-format", SEVERITY_ERROR, RULE_ANY,
	    { .address = ip_format }, "an address with something around it",
	    "A port, a prefix length, brackets, blanks, a zone or leading "
	    "zeros: clients silently switch the family off, as for none.",
	    RULE_DERPHTTP },
	{ "A06", "v4-mapped", SEVERITY_WARNING, RULE_ANY,
	    { .address = v4_mapped }, "a v4-mapped address",
	    "It counts as IPv6.", RULE_DERPHTTP },
	{ "A07", "ip-private", SEVERITY_INFO, RULE_ANY,
	    { .address = ip_private }, "a private address",
	    "Only nodes in that network reach it. DIFFERS from a warning: a "
	    "relay for one network is a fair thing to want.",
	    "RFC 1918, RFC 4193" },
	{ "A08", "ip-tailnet", SEVERITY_ERROR, RULE_ANY,
	    { .address = ip_tailnet }, "an address inside the tailnet",
	    "The relay cannot be reached through the tunnel it serves.",
	    "tailscale net/tsaddr" },
	{ "A09", "ip-special", SEVERITY_ERROR, RULE_ANY,
	    { .address = ip_special },
	    "an unspecified, multicast, link-local or loopback address",
	    "Nobody reaches it. DIFFERS for loopback, which is information "
	    "only: it is how a relay is tried out on one host.",
	    "RFC 6890" },
	{ "A10", "ip-documentation", SEVERITY_ERROR, RULE_ANY,
	    { .address = ip_documentation }, "an address from documentation",
	    "Headscale's example configuration and map have such addresses; "
	    "nobody is there, or somebody else.",
	    "RFC 5737, RFC 3849; headscale issue 1982" },
	{ "A11", "ip-fakeip", SEVERITY_INFO, RULE_ANY, { .address = ip_fake },
	    "an address in 198.18.0.0/15",
	    "Proxies hand them out as fake answers of DNS. DIFFERS from a "
	    "warning: test networks use them as they are meant.",
	    "RFC 2544" },
	{ "A12", "ip-missing", SEVERITY_INFO, RULE_ANY, { .node = ip_missing },
	    "no literal address", "The relay depends on the clients' DNS.",
	    "tailscale net/dnsfallback" },
	{ "A13", "single-stack", SEVERITY_INFO, RULE_ANY,
	    { .node = single_stack }, "an address of one family only",
	    "Clients ask DNS for the other one unless it is none.",
	    RULE_DERPHTTP },
};

const struct rule_group rules_address = { rules,
	sizeof rules / sizeof rules[0] };
