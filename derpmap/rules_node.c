/* rules_node: judgements about nodes, their names and host names. */
#include "rules.h"

#include "netaddr.h"

#include <stdio.h>
#include <string.h>

#define PIN_PREFIX "sha256-raw:"
#define HOST_LABEL_MAX 63 /* RFC 1035 section 2.3.4 */
#define HOST_NAME_MAX 253

static struct doc_pos
node_at(const struct derpmap_node *n)
{
	return derpmap_origin_pos(&n->from);
}

static struct doc_pos
host_at(const struct derpmap_node *n)
{
	return lint_at(&n->host_name.from, &n->from);
}

static void
region_id_missing(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct finding *f;

	if (n->region_id.v != 0)
		return;
	f = lint_found(l, lint_at(&n->region_id.from, &n->from),
	    "the node has no regionid: its latency is credited to region 0, "
	    "and region %lld is never chosen",
	    (long long)r->key);
	f->fix = lint_fix(l, "add regionid: %lld", (long long)r->key);
}

void
rules_node_region_id_missing(struct lint *l)
{
	lint_each_node(l, region_id_missing);
}

static void
region_id_mismatch(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct finding *f;

	if (n->region_id.v == 0 || n->region_id.v == r->key)
		return;
	f = lint_found(l, lint_at(&n->region_id.from, &n->from),
	    "the node's regionid is %lld but it stands in region %lld: its "
	    "latency is credited to region %lld",
	    (long long)n->region_id.v, (long long)r->key,
	    (long long)n->region_id.v);
	f->fix = lint_fix(l, "set it to %lld", (long long)r->key);
}

void
rules_node_region_id_mismatch(struct lint *l)
{
	lint_each_node(l, region_id_mismatch);
}

/* Nodes of all regions in order; `index` counts those that are not nil. */
static const struct derpmap_node *
nth_node(const struct derpmap *m, size_t index)
{
	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++) {
			const struct derpmap_node *n = m->regions[i]->nodes[j];

			if (!n->is_nil && index-- == 0)
				return n;
		}
	return NULL;
}

/* The first node before `until` for which same(it, until) holds. */
static const struct derpmap_node *
earlier(const struct derpmap *m, const struct derpmap_node *until,
    bool (*same)(const struct derpmap_node *, const struct derpmap_node *))
{
	const struct derpmap_node *n;

	for (size_t i = 0; (n = nth_node(m, i)) != NULL && n != until; i++)
		if (same(n, until))
			return n;
	return NULL;
}

static bool
same_name(const struct derpmap_node *a, const struct derpmap_node *b)
{
	return slice_eq(a->name.v, b->name.v);
}

static void
name_dup(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	const struct derpmap_node *first;

	(void)r;
	first = n->name.v.n > 0 ? earlier(&l->load->map, n, same_name) : NULL;
	if (first != NULL)
		lint_found(l, lint_at(&n->name.from, &n->from),
		    "the name \"%.*s\" is taken by the node of line %u: "
		    "clients measure one of the two and credit the other",
		    (int)n->name.v.n, (const char *)n->name.v.p,
		    node_at(first).line)
		    ->fix = "give every node of the map a name of its own";
}

void
rules_node_name_dup(struct lint *l)
{
	lint_each_node(l, name_dup);
}

static void
name_empty(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct finding *f;

	if (n->name.v.n > 0)
		return;
	f = lint_found_as(l,
	    nth_node(&l->load->map, 1) != NULL ? SEVERITY_ERROR
					       : SEVERITY_WARNING,
	    lint_at(&n->name.from, &n->from),
	    "the node has no name: clients keep their probes by name and mix "
	    "it up with others");
	f->fix = lint_fix(l, "add name: %llda", (long long)r->key);
}

void
rules_node_name_empty(struct lint *l)
{
	lint_each_node(l, name_empty);
}

static void
name_style(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	char prefix[32];
	struct slice name = n->name.v;
	size_t at =
	    (size_t)snprintf(prefix, sizeof prefix, "%lld", (long long)r->key);

	if (name.n == 0)
		return;
	if (slice_starts(name, prefix))
		while (at < name.n && name.p[at] >= 'a' && name.p[at] <= 'z')
			at++;
	if (at != name.n || name.n == strlen(prefix))
		lint_found(l, lint_at(&n->name.from, &n->from),
		    "node names are by convention the region id and letters: "
		    "%llda",
		    (long long)r->key);
}

void
rules_node_name_style(struct lint *l)
{
	lint_each_node(l, name_style);
}

static bool
has_pin(const struct derpmap_node *n)
{
	return slice_starts(n->cert_name.v, PIN_PREFIX);
}

static void
hostname_empty(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	bool pinned = has_pin(n) && n->ipv4.v.n + n->ipv6.v.n > 0;

	(void)r;
	if (n->host_name.v.n > 0)
		return;
	lint_found_as(l, pinned ? SEVERITY_WARNING : SEVERITY_ERROR, host_at(n),
	    pinned ? "the node has no hostname: it works only with a server "
		     "that accepts TLS without SNI, and not over HTTPS probes"
		   : "the node has no hostname: clients cannot reach it")
	    ->fix = "add hostname: the name or address in its certificate";
}

void
rules_hostname_empty(struct lint *l)
{
	lint_each_node(l, hostname_empty);
}

static bool
holds(struct slice s, const char *text)
{
	return memmem(s.p, s.n, text, strlen(text)) != NULL;
}

static bool
is_ip(struct slice s, struct netaddr *ip)
{
	return netaddr_parse_ip(ip, s) == 0;
}

static void
hostname_scheme(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (holds(n->host_name.v, "://"))
		lint_found(l, host_at(n),
		    "hostname is a URL: clients take all of it for the name, "
		    "in DNS and in TLS")
		    ->fix = "write the bare name; the port goes into derpport";
}

void
rules_hostname_scheme(struct lint *l)
{
	lint_each_node(l, hostname_scheme);
}

static void
hostname_port(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct slice host, port;
	struct netaddr ip;

	(void)r;
	if (holds(n->host_name.v, "://") || is_ip(n->host_name.v, &ip) ||
	    !slice_cut(n->host_name.v, ':', &host, &port) || port.n == 0)
		return;
	for (size_t i = 0; i < port.n; i++)
		if (port.p[i] < '0' || port.p[i] > '9')
			return;
	lint_found(l, host_at(n),
	    "hostname has a port: clients dial \"%.*s\" on another port and "
	    "ask for it by that name in TLS",
	    (int)n->host_name.v.n, (const char *)n->host_name.v.p)
	    ->fix = "put the port into derpport";
}

void
rules_hostname_port(struct lint *l)
{
	lint_each_node(l, hostname_port);
}

static void
hostname_path(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct slice host = n->host_name.v;

	(void)r;
	if (holds(host, "://"))
		return;
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] <= ' ' ||
		    strchr("/@[]*?#\\\"<>", host.p[i]) != NULL) {
			lint_found(l, host_at(n),
			    "hostname holds the character '%c', which no name "
			    "and no address has",
			    host.p[i] <= ' ' ? ' ' : host.p[i])
			    ->fix = "write the bare name or address";
			return;
		}
}

void
rules_hostname_path(struct lint *l)
{
	lint_each_node(l, hostname_path);
}

static void
hostname_upper(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct netaddr ip;

	(void)r;
	if (is_ip(n->host_name.v, &ip))
		return;
	for (size_t i = 0; i < n->host_name.v.n; i++)
		if (n->host_name.v.p[i] >= 'A' && n->host_name.v.p[i] <= 'Z') {
			lint_found(l, host_at(n),
			    "hostname has capitals: a derper in manual mode "
			    "compares the name that clients ask for byte by "
			    "byte")
			    ->fix = "write it in lower case";
			return;
		}
}

void
rules_hostname_upper(struct lint *l)
{
	lint_each_node(l, hostname_upper);
}

static void
hostname_unicode(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	for (size_t i = 0; i < n->host_name.v.n; i++)
		if (n->host_name.v.p[i] >= 0x80) {
			lint_found(l, host_at(n),
			    "hostname is not ASCII and is sent as it is")
			    ->fix = "write its punycode form (xn--...)";
			return;
		}
}

void
rules_hostname_unicode(struct lint *l)
{
	lint_each_node(l, hostname_unicode);
}

static void
hostname_label(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct slice rest = n->host_name.v, label;
	struct netaddr ip;

	(void)r;
	if (is_ip(rest, &ip))
		return;
	if (rest.n > HOST_NAME_MAX)
		lint_found(l, host_at(n), "hostname is longer than %d bytes",
		    HOST_NAME_MAX);
	if (holds(rest, "_"))
		lint_found_as(l, SEVERITY_WARNING, host_at(n),
		    "hostname has an underscore, which certificates for it "
		    "cannot be had for");
	while (slice_cut(rest, '.', &label, &rest) || label.n > 0) {
		if (label.n > HOST_LABEL_MAX)
			lint_found(l, host_at(n),
			    "a label of hostname is longer than %d bytes",
			    HOST_LABEL_MAX);
		if (rest.n == 0)
			break;
	}
}

void
rules_hostname_label(struct lint *l)
{
	lint_each_node(l, hostname_label);
}

static void
ip_no_cert(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct netaddr ip;

	(void)r;
	if (is_ip(n->host_name.v, &ip) && n->cert_name.v.n == 0 &&
	    !n->insecure_for_tests.v && !n->stun_only.v)
		lint_found(l, host_at(n),
		    "hostname is an address and there is no certname: it "
		    "needs a publicly trusted certificate, and clients send "
		    "no SNI")
		    ->fix = "pin its certificate: certname: sha256-raw:...";
}

void
rules_hostname_ip_no_cert(struct lint *l)
{
	lint_each_node(l, ip_no_cert);
}

static void
ipv6_literal(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct netaddr ip;

	(void)r;
	if (is_ip(n->host_name.v, &ip) && !ip.is_v4)
		lint_found(l, host_at(n),
		    "hostname is an IPv6 address: clients cannot measure it "
		    "over HTTPS, and on port 443 some cannot build its URL")
		    ->fix = "use a name";
}

void
rules_hostname_ipv6_literal(struct lint *l)
{
	lint_each_node(l, ipv6_literal);
}

static int64_t
port_of(const struct derpmap_node *n)
{
	return n->derp_port.v == 0 ? 443 : n->derp_port.v;
}

static bool
is_address(struct slice s)
{
	return s.n > 0 && !slice_is(s, "none");
}

static bool
same_ip(const struct derpmap_node *a, const struct derpmap_node *b)
{
	return (is_address(a->ipv4.v) && slice_eq(a->ipv4.v, b->ipv4.v)) ||
	    (is_address(a->ipv6.v) && slice_eq(a->ipv6.v, b->ipv6.v));
}

static bool
same_server(const struct derpmap_node *a, const struct derpmap_node *b)
{
	return !a->stun_only.v && !b->stun_only.v && port_of(a) == port_of(b) &&
	    ((a->host_name.v.n > 0 &&
		 slice_eq(a->host_name.v, b->host_name.v)) ||
		same_ip(a, b));
}

static void
hostport_dup(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	const struct derpmap_node *first =
	    earlier(&l->load->map, n, same_server);

	(void)r;
	if (first != NULL)
		lint_found(l, host_at(n),
		    "the node of line %u is the same server: clients that "
		    "connect to it twice get packets on one connection only",
		    node_at(first).line)
		    ->fix = "keep one of the two";
}

void
rules_hostport_dup(struct lint *l)
{
	lint_each_node(l, hostport_dup);
}

static void
shared_ip(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	const struct derpmap_node *first = earlier(&l->load->map, n, same_ip);

	(void)r;
	if (first != NULL && !same_server(first, n))
		lint_found(l, node_at(n),
		    "the node of line %u has the same address",
		    node_at(first).line);
}

void
rules_shared_ip(struct lint *l)
{
	lint_each_node(l, shared_ip);
}

static void
insecure(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->insecure_for_tests.v)
		lint_found(l, lint_at(&n->insecure_for_tests.from, &n->from),
		    "TLS verification is off: anybody in between can pose as "
		    "this relay")
		    ->fix = "use certname: sha256-raw:... or a certificate "
			    "that clients trust";
}

void
rules_insecure_for_tests(struct lint *l)
{
	lint_each_node(l, insecure);
}

static void
stun_test_ip(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->stun_test_ip.v.n > 0)
		lint_found(l, lint_at(&n->stun_test_ip.from, &n->from),
		    "stuntestip is for tests: clients probe that address "
		    "instead of the relay");
}

void
rules_stun_test_ip(struct lint *l)
{
	lint_each_node(l, stun_test_ip);
}

static void
stun_only_port(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->stun_only.v && n->derp_port.v != 0)
		lint_found(l, lint_at(&n->derp_port.from, &n->from),
		    "derpport has no effect on a STUN-only node");
}

void
rules_stun_only_with_port(struct lint *l)
{
	lint_each_node(l, stun_only_port);
}
