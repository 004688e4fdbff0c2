/* visit: see visit.h. */
#include "visit.h"

#include <stdlib.h>

/* Rules that judge the same thing. */
struct group {
	struct rule_run **v; /* owned */
	size_t n;
};

struct visit {
	struct group region, node, field, address;
};

/* --- fields and addresses --- */

static void
judge_field(const struct group *g, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	for (size_t i = 0; i < g->n; i++)
		g->v[i]->rule->checks.field(g->v[i], field, from);
}

static void
visit_fields(const struct visit *v, enum derpmap_level level, const void *owner)
{
	struct derpmap_fields fields = derpmap_fields(level);

	for (size_t i = 0; i < fields.n && v->field.n > 0; i++) {
		const struct derpmap_origin *from =
		    derpmap_field_origin(&fields.v[i], owner);

		if (from != NULL)
			judge_field(&v->field, &fields.v[i], from);
	}
}

static void
judge_address(const struct group *g, const struct derpmap_node *node,
    const struct rule_address *a)
{
	for (size_t i = 0; i < g->n; i++)
		g->v[i]->rule->checks.address(g->v[i], node, a);
}

static void
visit_text_address(const struct visit *v, const struct derpmap_node *node,
    const struct derpmap_text *text, const char *field, bool is_v4)
{
	struct rule_address a = {
		.text = text, .field = field, .is_v4 = is_v4
	};

	if (text->v.n == 0)
		return;
	a.is_ip = netaddr_parse_ip(&a.ip, text->v) == 0;
	judge_address(&v->address, node, &a);
}

static void
visit_addresses(const struct visit *v, const struct derpmap_node *node)
{
	struct rule_address host = { .text = &node->host_name,
		.field = "hostname" };

	visit_text_address(v, node, &node->ipv4, "ipv4", true);
	visit_text_address(v, node, &node->ipv6, "ipv6", false);
	host.is_ip = netaddr_parse_ip(&host.ip, node->host_name.v) == 0;
	if (!host.is_ip)
		return;
	host.is_v4 = host.ip.is_v4;
	if ((host.is_v4 ? node->ipv4.v.n : node->ipv6.v.n) == 0)
		judge_address(&v->address, node, &host);
}

/* --- nodes and regions --- */

static void
visit_node(const struct visit *v, const struct refusals *refusals,
    const struct derpmap_node *node)
{
	if (refusals_spare(refusals, &node->from))
		for (size_t i = 0; i < v->node.n; i++)
			v->node.v[i]->rule->checks.node(v->node.v[i], node);
	visit_fields(v, DERPMAP_LEVEL_NODE, node);
	visit_addresses(v, node);
}

static void
set_region(const struct group *g, const struct derpmap_region *region)
{
	for (size_t i = 0; i < g->n; i++)
		g->v[i]->region = region;
}

static void
visit_region(const struct visit *v, const struct refusals *refusals,
    const struct derpmap_region *region)
{
	struct derpmap_origin key = { .key = region->from.key,
		.value = region->from.key,
		.how = region->from.how };

	set_region(&v->node, region);
	set_region(&v->field, region);
	set_region(&v->address, region);
	judge_field(&v->field, NULL, &key);
	if (!region->is_nil) {
		if (refusals_spare(refusals, &region->from))
			for (size_t i = 0; i < v->region.n; i++)
				v->region.v[i]->rule->checks.region(
				    v->region.v[i], region);
		visit_fields(v, DERPMAP_LEVEL_REGION, region);
	}
	for (size_t i = 0; i < region->node_count; i++)
		if (!region->nodes[i]->is_nil)
			visit_node(v, refusals, region->nodes[i]);
}

static void
visit_map(struct visit *v, const struct rule_run *any)
{
	const struct derpmap *m = &any->load->map;

	visit_fields(v, DERPMAP_LEVEL_MAP, m);
	for (size_t i = 0; i < m->region_count; i++)
		if (!rule_is_foreign(m->regions[i]))
			visit_region(v, any->refusals, m->regions[i]);
}

/* --- the file --- */

/* Whether all that is wrong follows from what the file is. */
static bool
is_explained(const struct load *load)
{
	return load->kind.kind == FILEKIND_HTML ||
	    load->kind.kind == FILEKIND_TEMPLATE;
}

/* What is judged apart from the walk. */
static void
judge_file(struct rule_run *run, bool has_map)
{
	const struct rule_checks *checks = &run->rule->checks;
	const struct derpmap_diagnostic *d;

	run->on_values = false;
	if (checks->file != NULL)
		checks->file(run);
	if (checks->diagnostic != NULL && !is_explained(run->load))
		for (d = run->load->map.diagnostics; d != NULL; d = d->next)
			checks->diagnostic(run, d);
	run->on_values = true;
	if (has_map && checks->map != NULL)
		checks->map(run);
}

static void
visit_clear(struct visit *v)
{
	free((void *)v->region.v);
	free((void *)v->node.v);
	free((void *)v->field.v);
	free((void *)v->address.v);
}

static int
group_init(struct group *g, size_t n)
{
	g->v = reallocarray(NULL, n, sizeof(struct rule_run *));
	return g->v != NULL ? 0 : -1;
}

static void
join(struct group *g, struct rule_run *run, bool judges)
{
	if (judges)
		g->v[g->n++] = run;
}

/* Puts each run into the groups of what it judges. -1: memory is short. */
static int
visit_init(struct visit *v, struct rule_run *runs, size_t n)
{
	*v = (struct visit){ .region.n = 0 };
	if (group_init(&v->region, n) == -1 || group_init(&v->node, n) == -1 ||
	    group_init(&v->field, n) == -1 ||
	    group_init(&v->address, n) == -1) {
		visit_clear(v);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		const struct rule_checks *checks = &runs[i].rule->checks;

		join(&v->region, &runs[i], checks->region != NULL);
		join(&v->node, &runs[i], checks->node != NULL);
		join(&v->field, &runs[i], checks->field != NULL);
		join(&v->address, &runs[i], checks->address != NULL);
	}
	return 0;
}

int
visit_file(struct rule_run *runs, size_t n, bool has_map)
{
	struct visit v;

	for (size_t i = 0; i < n; i++)
		judge_file(&runs[i], has_map);
	if (!has_map || n == 0)
		return 0;
	if (visit_init(&v, runs, n) == -1)
		return -1;
	visit_map(&v, &runs[0]);
	visit_clear(&v);
	return 0;
}
