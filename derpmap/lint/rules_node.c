/* rules_node: judgements about nodes: ids, names, the same server twice. */
#include "rule_groups.h"

#include "duplicates.h"
#include "pin.h"
#include "port.h"

#include <stdio.h>
#include <string.h>

static struct doc_pos
node_at(const struct derpmap_node *n)
{
	return derpmap_origin_pos(&n->from);
}

static struct doc_pos
host_at(const struct derpmap_node *n)
{
	return rule_pos(&n->host_name.from, &n->from);
}

static void
region_id_missing(struct rule_run *run, const struct derpmap_node *n)
{
	struct finding *f;

	if (n->region_id.v != 0)
		return;
	f = rule_found(run, rule_pos(&n->region_id.from, &n->from),
	    "the node has no regionid: its latency is credited to region 0, "
	    "and region %lld is never chosen",
	    (long long)run->region->key);
	f->fix = rule_fix(run, "add %s: %lld", rule_field_name(run, "regionid"),
	    (long long)run->region->key);
}

static void
region_id_mismatch(struct rule_run *run, const struct derpmap_node *n)
{
	struct finding *f;

	if (n->region_id.v == 0 || n->region_id.v == run->region->key)
		return;
	f = rule_found(run, rule_pos(&n->region_id.from, &n->from),
	    "the node's regionid is %lld but it is in region %lld: its "
	    "latency is credited to region %lld",
	    (long long)n->region_id.v, (long long)run->region->key,
	    (long long)n->region_id.v);
	f->fix = rule_fix(run, "set it to %lld", (long long)run->region->key);
}

/* Points at the node that was there first. */
static void
set_first(struct finding *f, const struct derpmap_node *first)
{
	f->related = node_at(first);
	f->related_text = "the other node is here";
}

static void
duplicate_name(struct rule_run *run, const void *first, const void *later)
{
	const struct derpmap_node *n = later;
	struct finding *f;

	f = rule_found(run, rule_pos(&n->name.from, &n->from),
	    "the name \"%.*s\" is taken by the node of line %u: "
	    "clients measure one of the two and credit the other",
	    (int)n->name.v.n, (const char *)n->name.v.p, node_at(first).line);
	f->fix = "give every node of the map a name of its own";
	set_first(f, first);
}

/* Nodes that are not nil, of the whole map. */
static void
visit_duplicates(struct rule_run *run,
    void (*add)(
	struct rule_run *, struct duplicates *, const struct derpmap_node *),
    duplicates_fn *visit)
{
	const struct derpmap *m = &run->load->map;
	struct duplicates nodes = { .n = 0 };

	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++)
			if (!m->regions[i]->nodes[j]->is_nil)
				add(run, &nodes, m->regions[i]->nodes[j]);
	duplicates_visit(run, &nodes, visit);
}

static void
add_name(
    struct rule_run *run, struct duplicates *t, const struct derpmap_node *n)
{
	if (n->name.v.n > 0)
		duplicates_add(run, t, n->name.v, 0, n);
}

static void
node_name_dup(struct rule_run *run)
{
	visit_duplicates(run, add_name, duplicate_name);
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
name_empty(struct rule_run *run, const struct derpmap_node *n)
{
	struct finding *f;

	if (n->name.v.n > 0)
		return;
	f = rule_found_as(run,
	    has_many(&run->load->map) ? SEVERITY_ERROR : SEVERITY_WARNING,
	    rule_pos(&n->name.from, &n->from),
	    "the node has no name: clients keep their probes by name and mix "
	    "it up with others");
	f->fix = rule_fix(run, "add %s: %llda", rule_field_name(run, "name"),
	    (long long)run->region->key);
}

static void
name_style(struct rule_run *run, const struct derpmap_node *n)
{
	char prefix[32];
	struct slice name = n->name.v;
	size_t at = (size_t)snprintf(
	    prefix, sizeof prefix, "%lld", (long long)run->region->key);

	if (name.n == 0)
		return;
	if (slice_starts(name, prefix))
		while (at < name.n && name.p[at] >= 'a' && name.p[at] <= 'z')
			at++;
	if (at != name.n || name.n == strlen(prefix))
		rule_found(run, rule_pos(&n->name.from, &n->from),
		    "node names are by convention the region id and letters: "
		    "%llda",
		    (long long)run->region->key);
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
	return !a->stun_only.v && !b->stun_only.v &&
	    port_derp(a) == port_derp(b) &&
	    ((a->host_name.v.n > 0 &&
		 slice_eq(a->host_name.v, b->host_name.v)) ||
		same_ip(a, b));
}

/* Keys of different meaning must not meet: the number tells them apart. */
enum { KEY_HOST, KEY_IPV4, KEY_IPV6, KEY_COUNT };

static void
add_server(
    struct rule_run *run, struct duplicates *t, const struct derpmap_node *n)
{
	int64_t port = port_derp(n);

	/* an invalid port is reported by another rule */
	if (n->stun_only.v || !port_is_valid(port))
		return;
	port *= KEY_COUNT;
	if (n->host_name.v.n > 0)
		duplicates_add(run, t, n->host_name.v, port + KEY_HOST, n);
	if (is_address(n->ipv4.v))
		duplicates_add(run, t, n->ipv4.v, port + KEY_IPV4, n);
	if (is_address(n->ipv6.v))
		duplicates_add(run, t, n->ipv6.v, port + KEY_IPV6, n);
}

static void
duplicate_server(struct rule_run *run, const void *first, const void *later)
{
	struct finding *f = rule_found(run, host_at(later),
	    "the node of line %u is the same server: clients that connect to "
	    "it twice get packets on one connection only",
	    node_at(first).line);

	f->fix = "keep one of the two";
	set_first(f, first);
}

static void
hostport_dup(struct rule_run *run)
{
	visit_duplicates(run, add_server, duplicate_server);
}

static void
add_address(
    struct rule_run *run, struct duplicates *t, const struct derpmap_node *n)
{
	if (is_address(n->ipv4.v))
		duplicates_add(run, t, n->ipv4.v, KEY_IPV4, n);
	if (is_address(n->ipv6.v))
		duplicates_add(run, t, n->ipv6.v, KEY_IPV6, n);
}

static void
duplicate_address(struct rule_run *run, const void *first, const void *later)
{
	struct finding *f;

	if (same_server(first, later))
		return;
	f = rule_found(run, node_at(later),
	    "the node of line %u has the same address: a relay should have "
	    "one of its own, or clients measure the same host twice",
	    node_at(first).line);
	set_first(f, first);
}

static void
shared_ip(struct rule_run *run)
{
	visit_duplicates(run, add_address, duplicate_address);
}

static void
insecure(struct rule_run *run, const struct derpmap_node *n)
{
	if (n->insecure_for_tests.v)
		rule_found(run, rule_pos(&n->insecure_for_tests.from, &n->from),
		    "TLS verification is off: anybody in between can pose as "
		    "this relay")
		    ->fix = "use certname: " PIN_PREFIX "... or a certificate "
			    "that clients trust";
}

static void
stun_test_ip(struct rule_run *run, const struct derpmap_node *n)
{
	if (n->stun_test_ip.v.n > 0)
		rule_found(run, rule_pos(&n->stun_test_ip.from, &n->from),
		    "stuntestip is for tests: clients probe that address "
		    "instead of the relay");
}

static void
stun_only_port(struct rule_run *run, const struct derpmap_node *n)
{
	if (n->stun_only.v && n->derp_port.v != 0)
		rule_found(run, rule_pos(&n->derp_port.from, &n->from),
		    "derpport has no effect on a STUN-only node");
}

static const struct rule rules[] = {
	{ "N01", "node-regionid-missing", SEVERITY_ERROR, RULE_ANY,
	    { .node = region_id_missing }, "a node without regionid",
	    "Its latency is credited to region 0 and its region never chosen.",
	    RULE_NETCHECK "; tailscale issue 9526" },
	{ "N02", "node-regionid-mismatch", SEVERITY_ERROR, RULE_ANY,
	    { .node = region_id_mismatch }, "a node's regionid is another's",
	    "Its latency is credited to that region.", RULE_NETCHECK },
	{ "N03", "node-name-dup", SEVERITY_ERROR, RULE_ANY,
	    { .map = node_name_dup }, "two nodes with one name",
	    "Clients measure one and credit the other; derpprobe refuses the "
	    "map.",
	    RULE_NETCHECK },
	{ "N04", "node-name-empty", SEVERITY_ERROR, RULE_ANY,
	    { .node = name_empty }, "a node without name",
	    "Clients keep their probes by name. A warning when the map has no "
	    "other node.",
	    RULE_NETCHECK },
	{ "N05", "node-name-style", SEVERITY_INFO, RULE_ANY,
	    { .node = name_style },
	    "a node's name is not the region id and letters",
	    "A convention that keeps names unique.", RULE_TAILCFG },
	{ "N16", "hostport-dup", SEVERITY_ERROR, RULE_ANY,
	    { .map = hostport_dup }, "one server twice",
	    "Clients connect twice, and get packets on one connection only.",
	    "tailscale derp/derpserver" },
	{ "N17", "shared-ip", SEVERITY_WARNING, RULE_ANY, { .map = shared_ip },
	    "one address for two nodes", "Clients measure one host twice.",
	    RULE_NETCHECK },
	{ "N19", "insecure-for-tests", SEVERITY_ERROR, RULE_ANY,
	    { .node = insecure }, "TLS is not verified",
	    "Anybody in between can pose as the relay. Pin the certificate "
	    "instead.",
	    RULE_DERPHTTP
	    "; tailscale issue 12107, headscale pull request 2756" },
	{ "N20", "stun-test-ip", SEVERITY_WARNING, RULE_ANY,
	    { .node = stun_test_ip }, "stuntestip outside a test",
	    "Clients probe that address instead of the relay.", RULE_NETCHECK },
	{ "N21", "stunonly-with-derpport", SEVERITY_INFO, RULE_ANY,
	    { .node = stun_only_port }, "derpport on a STUN-only node",
	    "It has no effect.", RULE_DERPHTTP },
};

const struct rule_group rules_node = { rules, sizeof rules / sizeof rules[0] };
