/* visit: see visit.h. */
#include "visit.h"

static void
visit_fields(struct rule_run *run, enum derpmap_level level, const void *owner)
{
	struct derpmap_fields fields = derpmap_fields(level);

	for (size_t i = 0; i < fields.n; i++) {
		const struct derpmap_origin *from =
		    derpmap_field_origin(&fields.v[i], owner);

		if (from != NULL)
			run->rule->checks.field(run, &fields.v[i], from);
	}
}

static void
visit_text_address(struct rule_run *run, const struct derpmap_node *node,
    const struct derpmap_text *text, const char *field, bool is_v4)
{
	struct rule_address a = {
		.text = text, .field = field, .is_v4 = is_v4
	};

	if (text->v.n == 0)
		return;
	a.is_ip = netaddr_parse_ip(&a.ip, text->v) == 0;
	run->rule->checks.address(run, node, &a);
}

static void
visit_addresses(struct rule_run *run, const struct derpmap_node *node)
{
	struct rule_address host = { .text = &node->host_name,
		.field = "hostname" };

	visit_text_address(run, node, &node->ipv4, "ipv4", true);
	visit_text_address(run, node, &node->ipv6, "ipv6", false);
	host.is_ip = netaddr_parse_ip(&host.ip, node->host_name.v) == 0;
	if (!host.is_ip)
		return;
	host.is_v4 = host.ip.is_v4;
	if ((host.is_v4 ? node->ipv4.v.n : node->ipv6.v.n) == 0)
		run->rule->checks.address(run, node, &host);
}

static void
visit_node(struct rule_run *run, const struct derpmap_node *node)
{
	const struct rule_checks *checks = &run->rule->checks;

	if (checks->node != NULL && refusals_spare(run->refusals, &node->from))
		checks->node(run, node);
	if (checks->field != NULL)
		visit_fields(run, DERPMAP_LEVEL_NODE, node);
	if (checks->address != NULL)
		visit_addresses(run, node);
}

static void
visit_region(struct rule_run *run, const struct derpmap_region *region)
{
	const struct rule_checks *checks = &run->rule->checks;
	struct derpmap_origin key = { .key = region->from.key,
		.value = region->from.key,
		.how = region->from.how };

	run->region = region;
	if (checks->field != NULL)
		checks->field(run, NULL, &key);
	if (!region->is_nil && checks->region != NULL &&
	    refusals_spare(run->refusals, &region->from))
		checks->region(run, region);
	if (!region->is_nil && checks->field != NULL)
		visit_fields(run, DERPMAP_LEVEL_REGION, region);
	for (size_t i = 0; i < region->node_count; i++)
		if (!region->nodes[i]->is_nil)
			visit_node(run, region->nodes[i]);
	run->region = NULL;
}

static void
visit_map(struct rule_run *run)
{
	const struct rule_checks *checks = &run->rule->checks;
	const struct derpmap *m = &run->load->map;

	if (checks->map != NULL)
		checks->map(run);
	if (checks->field != NULL)
		visit_fields(run, DERPMAP_LEVEL_MAP, m);
	if (checks->region == NULL && checks->node == NULL &&
	    checks->field == NULL && checks->address == NULL)
		return;
	for (size_t i = 0; i < m->region_count; i++)
		if (!rule_is_foreign(m->regions[i]))
			visit_region(run, m->regions[i]);
}

/* Whether all that is wrong follows from what the file is. */
static bool
is_explained(const struct load *load)
{
	return load->kind.kind == FILEKIND_HTML ||
	    load->kind.kind == FILEKIND_TEMPLATE;
}

void
visit_file(struct rule_run *run, bool has_map)
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
	if (has_map)
		visit_map(run);
}
