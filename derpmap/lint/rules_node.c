/* rules_node: judgements about nodes, their names and host names. */
#include "rules.h"

#include "duplicates.h"
#include "netaddr.h"
#include "num.h"

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

static int64_t
port_of(const struct derpmap_node *n)
{
	return n->derp_port.v == 0 ? 443 : n->derp_port.v;
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
	f->fix = lint_fix(
	    l, "add %s: %lld", lint_name(l, "regionid"), (long long)r->key);
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

static void
name_twin(struct lint *l, const void *first, const void *later)
{
	const struct derpmap_node *n = later;

	lint_found(l, lint_at(&n->name.from, &n->from),
	    "the name \"%.*s\" is taken by the node of line %u: "
	    "clients measure one of the two and credit the other",
	    (int)n->name.v.n, (const char *)n->name.v.p, node_at(first).line)
	    ->fix = "give every node of the map a name of its own";
}

/* Nodes that are not nil, of the whole map. */
static void
each_relay(struct lint *l,
    void (*add)(
	struct lint *, struct lint_twins *, const struct derpmap_node *),
    lint_twin_fn *visit)
{
	const struct derpmap *m = &l->load->map;
	struct lint_twins twins = { .n = 0 };

	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++)
			if (!m->regions[i]->nodes[j]->is_nil)
				add(l, &twins, m->regions[i]->nodes[j]);
	lint_twins_visit(l, &twins, visit);
}

static void
add_name(struct lint *l, struct lint_twins *t, const struct derpmap_node *n)
{
	if (n->name.v.n > 0)
		lint_twins_add(l, t, n->name.v, 0, n);
}

void
rules_node_name_dup(struct lint *l)
{
	each_relay(l, add_name, name_twin);
}

/* Whether the map has more than one node. */
static bool
has_many(const struct derpmap *m)
{
	size_t count = 0;

	for (size_t i = 0; i < m->region_count && count < 2; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++)
			count += !m->regions[i]->nodes[j]->is_nil;
	return count > 1;
}

static void
name_empty(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct finding *f;

	if (n->name.v.n > 0)
		return;
	f = lint_found_as(l,
	    has_many(&l->load->map) ? SEVERITY_ERROR : SEVERITY_WARNING,
	    lint_at(&n->name.from, &n->from),
	    "the node has no name: clients keep their probes by name and mix "
	    "it up with others");
	f->fix = lint_fix(
	    l, "add %s: %llda", lint_name(l, "name"), (long long)r->key);
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
	return s.n > 0 && memmem(s.p, s.n, text, strlen(text)) != NULL;
}

static bool
ends_with(struct slice s, const char *text)
{
	size_t n = strlen(text);

	return s.n >= n && slice_is_nocase(slice_of(s.p + s.n - n, n), text);
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
hostname_port(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (has_port(n->host_name.v))
		lint_found(l, host_at(n),
		    "hostname has a port: clients dial \"%.*s\" on another "
		    "port and ask for it by that name in TLS",
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
	struct netaddr ip;

	(void)r;
	if (holds(host, "://") || is_ip(host, &ip) || has_port(host))
		return;
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] <= ' ' ||
		    strchr("/@[]*?#\\\"<>:%,;", host.p[i]) != NULL) {
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
		    "hostname is an address and there is no certname: the "
		    "relay needs a certificate for it that clients trust, and "
		    "they send no SNI")
		    ->fix = "pin a self-signed one: certname: sha256-raw:...";
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
	if (is_ip(n->host_name.v, &ip) && !ip.is_v4 && port_of(n) == 443)
		lint_found(l, host_at(n),
		    "hostname is an IPv6 address and the port is 443: clients "
		    "write its URL without brackets, which does not always "
		    "parse")
		    ->fix = "use a name, or another port";
}

void
rules_hostname_ipv6_literal(struct lint *l)
{
	lint_each_node(l, ipv6_literal);
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

/* Keys of different meaning must not meet: the number tells them apart. */
enum { KEY_HOST, KEY_IPV4, KEY_IPV6, KEY_COUNT };

static void
add_server(struct lint *l, struct lint_twins *t, const struct derpmap_node *n)
{
	int64_t port = port_of(n);

	/* a port that is none is told by another rule */
	if (n->stun_only.v || port < 0 || port > 65535)
		return;
	port *= KEY_COUNT;
	if (n->host_name.v.n > 0)
		lint_twins_add(l, t, n->host_name.v, port + KEY_HOST, n);
	if (is_address(n->ipv4.v))
		lint_twins_add(l, t, n->ipv4.v, port + KEY_IPV4, n);
	if (is_address(n->ipv6.v))
		lint_twins_add(l, t, n->ipv6.v, port + KEY_IPV6, n);
}

static void
server_twin(struct lint *l, const void *first, const void *later)
{
	lint_found(l, host_at(later),
	    "the node of line %u is the same server: clients that connect to "
	    "it twice get packets on one connection only",
	    node_at(first).line)
	    ->fix = "keep one of the two";
}

void
rules_hostport_dup(struct lint *l)
{
	each_relay(l, add_server, server_twin);
}

static void
add_address(struct lint *l, struct lint_twins *t, const struct derpmap_node *n)
{
	if (is_address(n->ipv4.v))
		lint_twins_add(l, t, n->ipv4.v, KEY_IPV4, n);
	if (is_address(n->ipv6.v))
		lint_twins_add(l, t, n->ipv6.v, KEY_IPV6, n);
}

static void
address_twin(struct lint *l, const void *first, const void *later)
{
	if (!same_server(first, later))
		lint_found(l, node_at(later),
		    "the node of line %u has the same address: a relay should "
		    "have one of its own, or clients measure the same host "
		    "twice",
		    node_at(first).line);
}

void
rules_shared_ip(struct lint *l)
{
	each_relay(l, add_address, address_twin);
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

/* Names and addresses that people leave in from an example. */
static void
placeholder(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	static const char *const words[] = { "mydomain", "yourdomain",
		"your-domain", "your_domain", "changeme", "xxx", NULL };
	static const char *const reserved[] = { "example.com", "example.net",
		"example.org", ".example", ".invalid", NULL };
	struct slice host = n->host_name.v;

	(void)r;
	for (size_t i = 0; words[i] != NULL; i++)
		if (holds(host, words[i])) {
			lint_found(
			    l, host_at(n), "hostname looks like a placeholder")
			    ->fix = "write the relay's own name";
			return;
		}
	for (size_t i = 0; reserved[i] != NULL; i++)
		if (ends_with(host, reserved[i])) {
			lint_found_as(l, SEVERITY_INFO, host_at(n),
			    "hostname is reserved for examples (RFC 2606): "
			    "nobody can be reached there")
			    ->fix = "write the relay's own name";
			return;
		}
	if (slice_is(n->ipv4.v, "123.123.123.123"))
		lint_found(l, lint_at(&n->ipv4.from, &n->from),
		    "ipv4 looks like a placeholder")
		    ->fix = "write the relay's own address";
}

void
rules_placeholder(struct lint *l)
{
	lint_each_node(l, placeholder);
}
