/* rules_node: judgements about nodes: ids, names, the same server twice. */
#include "rule_groups.h"

#include "duplicates.h"
#include "edit.h"
#include "netaddr.h"
#include "node_names.h"
#include "num.h"
#include "pin.h"
#include "placeholder.h"
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
	const char *name = rule_field_name(run, "regionid");
	const long long key = (long long)run->region->key;
	struct finding *f;
	char id[24];

	/* a region that cannot be used at all is found by its key */
	if (n->region_id.v != 0 || key <= 0)
		return;
	snprintf(id, sizeof id, "%lld", key);
	if (n->region_id.from.value == NULL) {
		f = rule_found(run, node_at(n),
		    "the node has no regionid: its latency is credited to "
		    "region 0, and region %lld is never chosen",
		    key);
		f->fix = rule_fix(run, "add %s: %s", name, id);
		edit_add(run, f, &n->from, name, id);
	} else {
		f = rule_found(run, rule_pos(&n->region_id.from, &n->from),
		    "the node's regionid is 0: its latency is credited to "
		    "region 0, and region %lld is never chosen",
		    key);
		f->fix = rule_fix(run, "set it to %s", id);
		edit_value(run, f, &n->region_id.from, id);
	}
}

static void
region_id_mismatch(struct rule_run *run, const struct derpmap_node *n)
{
	struct finding *f;
	char id[24];

	if (n->region_id.v == 0 || n->region_id.v == run->region->key)
		return;
	f = rule_found(run, rule_pos(&n->region_id.from, &n->from),
	    "the node's regionid is %lld but it is in region %lld: its "
	    "latency is credited to region %lld",
	    (long long)n->region_id.v, (long long)run->region->key,
	    (long long)n->region_id.v);
	snprintf(id, sizeof id, "%lld", (long long)run->region->key);
	f->fix = rule_fix(run, "set it to %s", id);
	edit_value(run, f, &n->region_id.from, id);
}

/* Points at the node that was there first. */
static void
set_first(struct finding *f, const struct derpmap_node *first)
{
	f->related = node_at(first);
	f->related_text = "the other node is here";
}

/* --- the same twice --- */

/* A node and its region, so that two nodes can be compared. */
struct member {
	const struct derpmap_region *region;
	const struct derpmap_node *node;
};

/* Puts the node that is not Tailscale's own last, which is where a finding
 * goes. false: both are. */
static bool
put_own_last(const struct member **first, const struct member **later)
{
	const struct member *swap = *first;

	if (!rule_is_foreign_node((*later)->node))
		return true;
	*first = *later;
	*later = swap;
	return !rule_is_foreign_node(swap->node);
}

static void
duplicate_name(struct rule_run *run, const void *a, const void *b)
{
	const struct member *first = a, *later = b;
	struct finding *f;

	if (!put_own_last(&first, &later))
		return;
	f = rule_found(run,
	    rule_pos(&later->node->name.from, &later->node->from),
	    "the name \"%.*s\" is taken by the node of line %u: clients "
	    "measure one of the two and credit the other",
	    RULE_SHOWN(later->node->name.v), node_at(first->node).line);
	f->fix = "give every node of the map a name of its own";
	set_first(f, first->node);
}

typedef void add_fn(
    struct rule_run *run, struct duplicates *t, const struct member *place);

/* Nodes that are not nil, of the whole map. */
static void
visit_duplicates(struct rule_run *run, add_fn *add, duplicates_fn *visit)
{
	const struct derpmap *m = &run->load->map;
	struct duplicates nodes = { .n = 0 };

	for (size_t i = 0; i < m->region_count; i++) {
		const struct derpmap_region *r = m->regions[i];
		struct member *places =
		    arena_alloc(run->out->arena, r->node_count, sizeof *places);

		if (places == NULL) {
			run->out->failed = true;
			break;
		}
		for (size_t j = 0; j < r->node_count; j++) {
			places[j] = (struct member){ r, r->nodes[j] };
			if (!r->nodes[j]->is_nil)
				add(run, &nodes, &places[j]);
		}
	}
	duplicates_visit(run, &nodes, visit);
}

static void
add_name(struct rule_run *run, struct duplicates *t, const struct member *p)
{
	if (p->node->name.v.n > 0)
		duplicates_add(run, t, p->node->name.v, 0, p);
}

static void
node_name_dup(struct rule_run *run)
{
	visit_duplicates(run, add_name, duplicate_name);
}

/* Keys of different meaning must not meet: the number tells them apart. */
enum { KEY_HOST, KEY_IP, KEY_COUNT };

static bool
has_capital(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			return true;
	return false;
}

/* The name as DNS compares it: without case and last dot. */
static struct slice
canonical_host(struct rule_run *run, struct slice host)
{
	char *copy;

	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	if (!has_capital(host))
		return host;
	copy = arena_text(run->out->arena, (const char *)host.p, host.n);
	if (copy == NULL) {
		run->out->failed = true;
		return slice_str("");
	}
	for (size_t i = 0; i < host.n; i++)
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] = (char)(copy[i] - 'A' + 'a');
	return slice_of(copy, host.n);
}

/* Adds an address by its bytes, however it is spelled. */
static void
add_ip(struct rule_run *run, struct duplicates *t, struct slice text,
    int64_t number, const struct member *p)
{
	struct netaddr ip;
	char *copy;

	if (netaddr_parse_ip(&ip, text) == -1)
		return;
	copy = arena_text(run->out->arena, (const char *)ip.ip, sizeof ip.ip);
	if (copy == NULL)
		run->out->failed = true;
	else
		duplicates_add(run, t, slice_of(copy, sizeof ip.ip),
		    2 * number + ip.is_v4, p);
}

/* The addresses of a node: the literal ones, or its host name. */
static void
add_addresses(struct rule_run *run, struct duplicates *t, int64_t number,
    const struct member *p)
{
	add_ip(run, t, p->node->ipv4.v, number, p);
	add_ip(run, t, p->node->ipv6.v, number, p);
	add_ip(run, t, p->node->host_name.v, number, p);
}

static void
add_server(struct rule_run *run, struct duplicates *t, const struct member *p)
{
	const struct derpmap_node *n = p->node;
	int64_t port = port_derp(n);
	struct netaddr ip;

	/* an invalid port is reported by another rule */
	if (n->stun_only.v || !port_is_valid(port))
		return;
	port *= KEY_COUNT;
	if (n->host_name.v.n > 0 && netaddr_parse_ip(&ip, n->host_name.v) == -1)
		duplicates_add(run, t, canonical_host(run, n->host_name.v),
		    2 * (port + KEY_HOST), p);
	add_addresses(run, t, port + KEY_IP, p);
}

static void
duplicate_server(struct rule_run *run, const void *a, const void *b)
{
	const struct member *first = a, *later = b;
	struct finding *f;

	/* within a region clients connect to one node only */
	if (first->region == later->region || !put_own_last(&first, &later))
		return;
	f = rule_found(run, host_at(later->node),
	    "the node of line %u is the same server: clients that connect to "
	    "it twice get packets on one connection only",
	    node_at(first->node).line);
	f->fix = "keep one of the two";
	set_first(f, first->node);
}

static void
hostport_dup(struct rule_run *run)
{
	visit_duplicates(run, add_server, duplicate_server);
}

/* Whether the rule above finds them, if they share an address. */
static bool
is_one_server(const struct member *a, const struct member *b)
{
	return a->region != b->region && !a->node->stun_only.v &&
	    !b->node->stun_only.v && port_derp(a->node) == port_derp(b->node);
}

/* Whether one node has the relay of a host and the other one its STUN. */
static bool
share_a_host(const struct derpmap_node *a, const struct derpmap_node *b)
{
	return a->stun_only.v != b->stun_only.v &&
	    (a->stun_only.v ? b : a)->stun_port.v < 0;
}

static void
add_address(struct rule_run *run, struct duplicates *t, const struct member *p)
{
	add_addresses(run, t, KEY_IP, p);
}

static void
duplicate_address(struct rule_run *run, const void *a, const void *b)
{
	const struct member *first = a, *later = b;
	struct finding *f;

	if (is_one_server(first, later) ||
	    share_a_host(first->node, later->node) ||
	    !put_own_last(&first, &later))
		return;
	f = rule_found(run, node_at(later->node),
	    "the node of line %u has the same address: a relay should have "
	    "one of its own, or clients measure the same host twice",
	    node_at(first->node).line);
	set_first(f, first->node);
}

static void
shared_ip(struct rule_run *run)
{
	visit_duplicates(run, add_address, duplicate_address);
}

/* --- names --- */

/* The region id, which is positive, and letters. */
static bool
has_style(struct slice name, int64_t region)
{
	size_t digits = 0, end;
	uint64_t id;

	while (
	    digits < name.n && name.p[digits] >= '0' && name.p[digits] <= '9')
		digits++;
	for (end = digits; end < name.n; end++)
		if (name.p[end] < 'a' || name.p[end] > 'z')
			return false;
	return end > digits && name.p[0] != '0' &&
	    num_parse_decimal(slice_of(name.p, digits), INT64_MAX, &id) == 0 &&
	    (int64_t)id == region;
}

/* Calls visit for each node of one's own that is decoded, with a name that
 * could be its. */
static void
visit_names(struct rule_run *run,
    void (*visit)(
	struct rule_run *, const struct member *, struct node_names *))
{
	const struct derpmap *m = &run->load->map;
	struct node_names names;

	node_names_init(&names, m);
	for (size_t i = 0; i < m->region_count; i++) {
		const struct derpmap_region *r = m->regions[i];

		for (size_t j = 0; j < r->node_count; j++) {
			const struct member p = { r, r->nodes[j] };

			if (!p.node->is_nil && !rule_is_foreign_node(p.node) &&
			    refusals_spare(run->refusals, &p.node->from))
				visit(run, &p, &names);
		}
	}
	run->out->failed |= names.failed;
	node_names_clear(&names);
}

static void
visit_unnamed(
    struct rule_run *run, const struct member *p, struct node_names *names)
{
	char proposed[NODE_NAME_MAX];
	struct finding *f;

	if (p->node->name.v.n > 0)
		return;
	f = rule_found_as(run,
	    names->count > 1 ? SEVERITY_ERROR : SEVERITY_WARNING,
	    rule_pos(&p->node->name.from, &p->node->from),
	    "the node has no name: clients keep their probes by name and mix "
	    "it up with others");
	if (p->region->key <= 0)
		return;
	node_names_propose(names, p->region->key, proposed);
	f->fix =
	    rule_fix(run, "add %s: %s", rule_field_name(run, "name"), proposed);
	if (p->node->name.from.value == NULL)
		edit_add(run, f, &p->node->from, rule_field_name(run, "name"),
		    rule_quoted(run, proposed));
	else
		edit_value(
		    run, f, &p->node->name.from, rule_quoted(run, proposed));
}

static void
name_empty(struct rule_run *run)
{
	visit_names(run, visit_unnamed);
}

static void
visit_named(
    struct rule_run *run, const struct member *p, struct node_names *names)
{
	char proposed[NODE_NAME_MAX];
	struct slice name = p->node->name.v;

	/* a STUN-only node does not relay, and people name it for
	 * what it is; an id that cannot be used makes no name */
	if (name.n == 0 || p->node->stun_only.v || p->region->key <= 0 ||
	    placeholder_is_mark(name) || has_style(name, p->region->key))
		return;
	node_names_propose(names, p->region->key, proposed);
	rule_found(run, rule_pos(&p->node->name.from, &p->node->from),
	    "node names are by convention the region id and letters: %s",
	    proposed);
}

static void
name_style(struct rule_run *run)
{
	visit_names(run, visit_named);
}

/* --- one node --- */

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
	    { .map = name_empty }, "a node without name",
	    "Clients keep their probes by name. A warning when the map has no "
	    "other node.",
	    RULE_NETCHECK },
	{ "N05", "node-name-style", SEVERITY_INFO, RULE_ANY,
	    { .map = name_style },
	    "a node's name is not the region id and letters",
	    "A convention that keeps names unique.", RULE_TAILCFG },
	{ "N16", "hostport-dup", SEVERITY_ERROR, RULE_ANY,
	    { .map = hostport_dup }, "one server in two regions",
	    "Clients connect twice, and get packets on one connection only.",
	    "tailscale derp/derpserver" },
	{ "N17", "shared-ip", SEVERITY_WARNING, RULE_ANY, { .map = shared_ip },
	    "one address for two nodes",
	    "Clients measure one host twice; not when one node has the host's "
	    "relay alone (stunport: -1) and the other one its STUN.",
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
