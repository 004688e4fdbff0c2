/* probe_compare: see probe_compare.h. */
#include "probe_compare.h"

#include <stdlib.h>
#include <string.h>

/* What the visits of one node have in common. */
struct overview {
	bool has_address, was_probed, was_cut, dns_failed, is_proxied;
	const struct probe_visit *with_key;  /* the first that met the relay */
	const struct probe_visit *other_key; /* one that met another relay */
};

static struct overview
look_at(const struct probe_visit *v, size_t n)
{
	struct overview o = { 0 };

	for (size_t i = 0; i < n; i++, v++) {
		o.is_proxied |= v->family == PROBE_PROXY;
		o.has_address |= v->address.is_set;
		o.was_probed |= v->address.is_set && !v->no_route;
		o.was_cut |= v->cut_short;
		o.dns_failed |=
		    probe_finding_has(&v->findings, PROBE_DNS_FAILED);
		if (!v->has_server)
			continue;
		if (o.with_key == NULL)
			o.with_key = v;
		else if (!derp_key_eq(&v->server, &o.with_key->server))
			o.other_key = v;
	}
	return o;
}

static void
note_families(struct probe_findings *list, const struct overview *o)
{
	char first[DERP_KEY_HEX_TEXT], other[DERP_KEY_HEX_TEXT];

	derp_key_format_hex(&o->with_key->server, first);
	derp_key_format_hex(&o->other_key->server, other);
	probe_finding_add(list, PROBE_KEY_CHANGES,
	    "comparing the server keys of both families",
	    "%s over %s, %s over %s", first,
	    probe_visit_family_name(o->with_key->family), other,
	    probe_visit_family_name(o->other_key->family));
}

static void
note_node(struct probe_findings *list, const struct probe_node *node,
    const struct overview *o)
{
	if (!o->has_address && !o->was_cut && !o->dns_failed && !o->is_proxied)
		probe_finding_add(list, PROBE_NO_ADDRESS, "the node in the map",
		    "ipv4 \"%s\", ipv6 \"%s\", hostname \"%s\"", node->ipv4,
		    node->ipv6, node->host);
	if (o->has_address && !o->was_probed && !o->is_proxied)
		probe_finding_add(list, PROBE_NOT_PROBED,
		    "finding a route to its addresses",
		    "there is none to any of them");
	if (o->other_key != NULL)
		note_families(list, o);
}

/* Once for each family, at the first node. */
static void
note_routes(struct probe_report *report, enum probe_family family)
{
	const struct probe_node *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < report->visit_count; i++)
		if (report->visits[i].no_route &&
		    report->visits[i].family == family) {
			if (first == NULL)
				first = report->visits[i].node;
			n++;
		}
	if (n > 0)
		probe_finding_add(probe_report_of_node(report, first),
		    PROBE_NO_ROUTE, "finding a route",
		    "none over %s, for %zu node%s",
		    probe_visit_family_name(family), n, n == 1 ? "" : "s");
}

/* Once, at the first node. */
static void
note_cut(struct probe_report *report)
{
	const struct probe_node *first = NULL, *last = NULL;
	size_t nodes = 0, pairs = 0;

	for (size_t i = 0; i < report->visit_count; i++) {
		const struct probe_visit *v = &report->visits[i];

		if (!v->cut_short || v->node == last)
			continue;
		last = v->node;
		if (first == NULL)
			first = v->node;
		nodes++;
	}
	for (size_t i = 0; i < report->pair_count; i++) {
		if (report->pairs[i].cut_short && first == NULL)
			first = report->pairs[i].from->node;
		pairs += report->pairs[i].cut_short;
	}
	if (first != NULL)
		probe_finding_add(probe_report_of_node(report, first),
		    PROBE_SHORT_OF_TIME, "the whole probe",
		    "%zu of %zu nodes and %zu of %zu pairs were not probed, "
		    "or only in part",
		    nodes, report->plan->n, pairs, report->pair_count);
}

static int
by_key(const void *a, const void *b)
{
	const struct probe_visit *const *x = a, *const *y = b;
	const int order =
	    memcmp((*x)->server.b, (*y)->server.b, sizeof(*x)->server.b);

	if (order != 0)
		return order;
	return (*x)->node < (*y)->node ? -1 : (*x)->node > (*y)->node;
}

static void
note_same(struct probe_report *report, const struct probe_node *first,
    const struct probe_node *again)
{
	probe_finding_add(probe_report_of_node(report, again), PROBE_SAME_RELAY,
	    "comparing the server keys of all nodes",
	    "the same key as node \"%s\" of region %lld", first->name,
	    (long long)first->region);
}

/* Sorted by key, so that it does not cost the square of the nodes. */
static int
note_same_relays(struct probe_report *report)
{
	const struct probe_visit **met =
	    calloc(report->visit_count + 1, sizeof *met);
	size_t n = 0;

	if (met == NULL)
		return -1;
	for (size_t i = 0; i < report->visit_count; i++)
		if (report->visits[i].has_server)
			met[n++] = &report->visits[i];
	qsort(met, n, sizeof *met, by_key);
	for (size_t i = 1; i < n; i++)
		if (derp_key_eq(&met[i]->server, &met[i - 1]->server) &&
		    met[i]->node != met[i - 1]->node)
			note_same(report, met[i - 1]->node, met[i]->node);
	free(met);
	return 0;
}

int
probe_compare(struct probe_report *report)
{
	for (size_t i = 0; i < report->plan->n; i++) {
		const struct overview o =
		    look_at(&report->visits[i * report->family_count],
			report->family_count);

		note_node(&report->of_node[i], &report->plan->nodes[i], &o);
	}
	note_routes(report, PROBE_IPV4);
	note_routes(report, PROBE_IPV6);
	note_cut(report);
	return note_same_relays(report);
}
