/* rules_port: judgements about ports and STUN. */
#include "rule_groups.h"

#include "port.h"

static void
port_range(struct rule_run *run, const struct derpmap_node *n)
{
	if (!port_is_valid(port_derp(n)))
		rule_found(run, rule_pos(&n->derp_port.from, &n->from),
		    "derpport %lld is not a valid port: clients cannot dial it",
		    (long long)n->derp_port.v);
}

static void
stun_port_range(struct rule_run *run, const struct derpmap_node *n)
{
	if (n->stun_port.v != PORT_STUN_OFF && !port_is_valid(port_stun(n)))
		rule_found(run, rule_pos(&n->stun_port.from, &n->from),
		    "stunport %lld is not a valid port: clients silently skip "
		    "STUN "
		    "here",
		    (long long)n->stun_port.v)
		    ->fix = "write -1 when STUN is meant to be off";
}

/* How many nodes there are, and how many of them answer STUN. */
static size_t
count_stun(const struct derpmap *m, size_t *answering,
    const struct derpmap_node **last)
{
	size_t count = 0;

	*answering = 0;
	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++) {
			const struct derpmap_node *n = m->regions[i]->nodes[j];

			if (n->is_nil)
				continue;
			count++;
			*answering +=
			    n->stun_port.v >= 0 && port_is_valid(port_stun(n));
			if (!rule_is_foreign_node(n))
				*last = n;
		}
	return count;
}

static void
stun_disabled(struct rule_run *run)
{
	const struct derpmap_node *last = NULL;
	size_t answering, count;

	count = count_stun(&run->load->map, &answering, &last);
	if (last == NULL || answering > 0 || !rule_sees_all(run))
		return;
	/* one node alone is often one part of the map that clients get */
	rule_found_as(run, count == 1 ? SEVERITY_INFO : SEVERITY_WARNING,
	    rule_pos(&last->stun_port.from, &last->from),
	    "no node of the map answers STUN: without another map that has "
	    "some, clients find no direct paths and probe over HTTPS");
}

static void
stun_off(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;
	const struct derpmap_node *last;
	size_t answering;

	count_stun(m, &answering, &last);
	if (answering == 0)
		return;
	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++) {
			const struct derpmap_node *n = m->regions[i]->nodes[j];

			if (!n->is_nil && !rule_is_foreign_node(n) &&
			    n->stun_port.v == PORT_STUN_OFF &&
			    refusals_spare(run->refusals, &n->from))
				rule_found(run,
				    rule_pos(&n->stun_port.from, &n->from),
				    "STUN is off for this node: clients "
				    "measure it by its region's other nodes, "
				    "or over HTTPS");
		}
}

static void
ports_equal(struct rule_run *run, const struct derpmap_node *n)
{
	if (port_stun(n) == port_derp(n) && !n->stun_only.v)
		rule_found(run, rule_pos(&n->stun_port.from, &n->from),
		    "STUN (UDP) and the relay (TCP) have the same port: fine "
		    "unless HTTP/3 is served there");
}

static void
derp_port_unusual(struct rule_run *run, const struct derpmap_node *n)
{
	if (port_derp(n) != PORT_DERP && port_is_valid(n->derp_port.v) &&
	    !n->stun_only.v)
		rule_found(run, rule_pos(&n->derp_port.from, &n->from),
		    "the relay is not on port 443: strict networks block it, "
		    "and browser clients and the DNS fallback use 443 only");
}

static void
derp_port_http(struct rule_run *run, const struct derpmap_node *n)
{
	if (n->derp_port.v == 3340 || n->derp_port.v == 8080)
		rule_found(run, rule_pos(&n->derp_port.from, &n->from),
		    "on port %lld derper speaks plain HTTP unless it runs "
		    "with --certmode manual; clients always speak TLS",
		    (long long)n->derp_port.v);
}

static void
derp_port_80(struct rule_run *run, const struct derpmap_node *n)
{
	if (n->derp_port.v == PORT_HTTP)
		rule_found(run, rule_pos(&n->derp_port.from, &n->from),
		    "derpport is 80, but clients always speak TLS");
}

static void
port_swap(struct rule_run *run, const struct derpmap_node *n)
{
	bool derp = n->derp_port.v == PORT_STUN;
	bool stun = n->stun_port.v == PORT_DERP;
	/* one alone may be meant: STUN on 443 passes more firewalls */
	enum severity severity =
	    derp && stun ? SEVERITY_WARNING : SEVERITY_INFO;

	if (derp)
		rule_found_as(run, severity,
		    rule_pos(&n->derp_port.from, &n->from),
		    "derpport is 3478, the usual port of STUN: swapped?");
	if (stun)
		rule_found_as(run, severity,
		    rule_pos(&n->stun_port.from, &n->from),
		    "stunport is 443, the usual port of the relay: swapped?");
}

static const struct rule rules[] = {
	{ "O01", "port-range", SEVERITY_ERROR, RULE_ANY, { .node = port_range },
	    "derpport is not a valid port", "Clients cannot dial it.",
	    RULE_DERPHTTP },
	{ "O02", "stunport-range", SEVERITY_WARNING, RULE_ANY,
	    { .node = stun_port_range }, "stunport is not a valid port",
	    "Clients silently skip STUN.", RULE_NETCHECK },
	{ "O03", "stun-disabled-everywhere", SEVERITY_WARNING, RULE_ANY,
	    { .map = stun_disabled }, "no node answers STUN",
	    "Clients find no direct paths. DIFFERS for a map of one node, "
	    "which is often a part of the whole: information only.",
	    RULE_NETCHECK },
	{ "O04", "stun-disabled-node", SEVERITY_INFO, RULE_ANY,
	    { .map = stun_off }, "a node without STUN",
	    "It is measured over HTTPS.", RULE_NETCHECK },
	{ "O05", "ports-equal", SEVERITY_INFO, RULE_ANY,
	    { .node = ports_equal }, "one number for both ports",
	    "UDP and TCP do not conflict, HTTP/3 would.", RULE_NETCHECK },
	{ "O06", "derpport-not-443", SEVERITY_INFO, RULE_ANY,
	    { .node = derp_port_unusual }, "the relay is not on port 443",
	    "Strict networks block it; browsers and the DNS fallback use 443.",
	    RULE_DERPHTTP "; tailscale issues 4716, 4082, 8165" },
	{ "O07", "derpport-80", SEVERITY_ERROR, RULE_ANY,
	    { .node = derp_port_80 }, "derpport is 80",
	    "Clients always speak TLS.", RULE_DERPHTTP },
	{ "O08", "port-swap", SEVERITY_WARNING, RULE_ANY, { .node = port_swap },
	    "the ports look swapped",
	    "DIFFERS when only one of them is odd: information, as it may be "
	    "meant.",
	    RULE_TAILCFG },
	{ "O09", "derpport-derper-default-http", SEVERITY_INFO, RULE_ANY,
	    { .node = derp_port_http }, "a port on which derper speaks HTTP",
	    "derper serves TLS on 443 or with --certmode manual. DIFFERS from "
	    "a warning: with the latter the port is fine.",
	    "tailscale cmd/derper/derper.go" },
};

const struct rule_group rules_port = { rules, sizeof rules / sizeof rules[0] };
