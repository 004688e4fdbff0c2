/* rules_absent: judgements about regions and nodes that are not there, and
 * about elements that are not nodes. */
#include "rule_groups.h"

#include "edit.h"

static void
nil_node(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;

	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++) {
			const struct derpmap_node *n = m->regions[i]->nodes[j];

			struct finding *f;

			if (!n->is_nil)
				continue;
			f = rule_found(run, derpmap_origin_pos(&n->from),
			    "an empty list element becomes a nil node, on "
			    "which clients crash");
			f->fix = "remove the dash";
			edit_remove_element(run, f, n->from.value);
		}
}

/* Writes a blank in place of the dash before each element but the first, where
 * all keys are in one column. */
static void
drop_dashes(struct rule_run *run, struct finding *f,
    const struct derpmap_region *r, const struct derpmap_node *n)
{
	const struct slice text = run->load->text;
	const struct doc_node *first = n->from.value;
	const struct doc_node *list = r->nodes_from.value;
	size_t i, at;

	if (!edit_is_own(&r->from) || !edit_is_own(&r->nodes_from))
		return;
	i = doc_items_until(list, first->start.offset) - 1;
	for (size_t k = 1; k < n->elements; k++) {
		const struct doc_node *element = list->items[i + k];

		at = element->start.offset - 1;
		while (at > 0 && text.p[at] == ' ')
			at--;
		if (element->style != DOC_BLOCK || text.p[at] != '-' ||
		    element->start.column != first->start.column)
			return;
	}
	for (size_t k = 1; k < n->elements; k++) {
		at = list->items[i + k]->start.offset - 1;
		while (text.p[at] != '-')
			at--;
		edit_span(run, f, at, 1, " ");
	}
}

static void
found_split(struct rule_run *run, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	const bool has_dashes = n->from.value->style == DOC_BLOCK;
	struct finding *f = rule_found(run, derpmap_origin_pos(&n->from),
	    "this looks like one node with %s: %s reads %zu nodes, and none "
	    "has all that it needs",
	    has_dashes ? "dashes between its keys"
		       : "its keys in several elements",
	    run->load->dialect == DIALECT_JSON ? "Go's JSON decoder"
					       : "headscale",
	    n->elements);

	if (has_dashes) {
		f->fix = "keep the dash before the first key, and write a "
			 "blank in place of the others";
		drop_dashes(run, f, r, n);
	} else
		f->fix = "put all keys of the node into one { }";
}

static void
split_node(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;

	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++)
			if (m->regions[i]->nodes[j]->elements > 0)
				found_split(run, m->regions[i],
				    m->regions[i]->nodes[j]);
}

/* A null region is how a later source drops a region of an earlier one. */
static void
found_null_region(struct rule_run *run, const struct derpmap_region *region)
{
	struct doc_pos at = derpmap_origin_pos(&region->from);
	const long long key = (long long)region->key;

	if (run->load->kind.kind == FILEKIND_POLICY)
		rule_found_as(run, SEVERITY_INFO, at,
		    "region %lld is null: Tailscale leaves its own region of "
		    "that number out",
		    key);
	else
		rule_note(rule_found(run, at,
		    "region %lld is null, which drops it from the sources "
		    "before this one in headscale 0.27 to 0.29; up to 0.26 "
		    "clients are sent the null, and old ones crash; later "
		    "ones ignore it and keep the region",
		    key));
}

static void
null_region(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;

	for (size_t i = 0; i < m->region_count; i++)
		if (m->regions[i]->is_nil)
			found_null_region(run, m->regions[i]);
}

/* Whether the file is one in which there should be regions. */
static bool
has_place_for_regions(const struct load *load)
{
	switch (load->kind.kind) {
	case FILEKIND_MAP:
	case FILEKIND_WRAPPED:
	case FILEKIND_VALUES:
	case FILEKIND_FRAGMENT:
		return true;
	case FILEKIND_CONFIGMAP:
		return load->kind.map != NULL;
	case FILEKIND_POLICY:
		return load->map.omit_default_regions.v;
	case FILEKIND_NODE:
	case FILEKIND_NODE_LIST:
	case FILEKIND_OTHER:
	case FILEKIND_CONFIG:
	case FILEKIND_TEMPLATE:
	case FILEKIND_HTML:
		break;
	}
	return false;
}

static void
empty_map(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;
	const struct doc_node *root = run->load->kind.map;
	struct finding *f;

	/* another rule has it, or there is nothing to have regions; null ones
	 * are for dropping those of other sources, and so is a policy that
	 * keeps Tailscale's */
	if (!rule_sees_all(run) || m->region_count > 0 ||
	    !has_place_for_regions(run->load))
		return;
	f = rule_found(run, derpmap_origin_pos(&m->regions_from),
	    "there is no region in this map: headscale does not start when it "
	    "has no other, and at a refresh clients lose all relays");
	if (root != NULL && root->kind == DOC_MAPPING && root->count > 0 &&
	    derpmap_is_region(root->items[0], root->items[1]))
		f->fix = run->load->dialect == DIALECT_HEADSCALE
		    ? "write regions: above the region ids, and indent what "
		      "is below"
		    : "write {\"Regions\": before the map and } after it";
}

static const struct rule rules[] = {
	{ "P20", "empty-map", SEVERITY_ERROR, RULE_ANY, { .map = empty_map },
	    "no region in the map",
	    "Headscale does not start with an empty map, and when one comes "
	    "at a refresh clients lose all relays.",
	    RULE_MERGE "; headscale issues 1982, 201" },
	{ "P21", "nil-node", SEVERITY_ERROR, RULE_ANY, { .map = nil_node },
	    "an empty list element for a node",
	    "Headscale forwards it, and clients crash on it.", RULE_NETCHECK },
	{ "P22", "null-region", SEVERITY_INFO, RULE_ANY, { .map = null_region },
	    "a region that is null",
	    "The documented way to drop a region of an earlier source, which "
	    "works in headscale 0.27 to 0.29 and in policy files. Up to 0.26 "
	    "headscale sends the null to clients, and old ones crash; after "
	    "0.29 it is ignored. DIFFERS from a warning: it is what the "
	    "manual says.",
	    RULE_MERGE "; headscale issue 2450, tailscale issue 14752" },
	{ "P34", "split-node", SEVERITY_ERROR, RULE_ANY, { .map = split_node },
	    "the keys of a node are several elements of the list",
	    "A dash begins another node: with one before each key there are as "
	    "many nodes as keys, and clients can use none of them. The values "
	    "are judged as if they were one node's.",
	    RULE_YAML3 "; " RULE_GOJSON },
};

const struct rule_group rules_absent = { rules,
	sizeof rules / sizeof rules[0] };
