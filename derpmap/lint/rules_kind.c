/* rules_kind: judgements about what a file is: a map, a file that holds one, or
 * something else. */
#include "rule_groups.h"

static struct doc_pos
key_at(const struct rule_run *run)
{
	const struct doc_node *key = run->load->kind.key;

	return key != NULL ? key->start : (struct doc_pos){ 0 };
}

static void
wrapped_map(struct rule_run *run)
{
	if (run->load->kind.kind == FILEKIND_WRAPPED)
		rule_found(run, key_at(run),
		    "the map is below a key of its own; %s looks for `%s` at "
		    "the top and reads an empty map",
		    run->load->dialect == DIALECT_JSON ? "Go's JSON decoder"
						       : "headscale",
		    rule_field_name(run, "regions"))
		    ->fix = "move what is in it one level up";
}

/* --- files that hold a map --- */

static void
found_policy(struct rule_run *run)
{
	bool has_map = run->load->kind.map != NULL;

	rule_note(rule_found_as(run, SEVERITY_INFO, key_at(run),
	    has_map ? "this is a Tailscale policy file: the map is its derpMap"
		    : "this is a Tailscale policy file without derpMap and so "
		      "without a map"));
}

static void
found_configmap(struct rule_run *run)
{
	const struct filekind_found *kind = &run->load->kind;

	if (kind->key == NULL)
		rule_found(run, (struct doc_pos){ 0 },
		    "this is a Kubernetes ConfigMap or Secret, and no key of "
		    "its data holds a map as a block of text (key: |)");
	else
		rule_note(rule_found_as(run, SEVERITY_INFO, kind->key->start,
		    "this is a Kubernetes ConfigMap: the map is the text of %s",
		    kind->path));
}

static void
found_values(struct rule_run *run)
{
	rule_note(rule_found_as(run, SEVERITY_INFO, key_at(run),
	    "the map is at %s, as in Helm values: headscale would not find it "
	    "there",
	    run->load->kind.path));
}

/* --- files that are no map --- */

static void
found_fragment(struct rule_run *run)
{
	rule_found(run, run->load->doc.root->start,
	    "this is a fragment of a policy file: put it in { }")
	    ->fix = "write { before it and } after it";
}

static void
found_config(struct rule_run *run)
{
	if (run->load->kind.key != NULL) {
		rule_found(run, key_at(run),
		    "this is headscale's config.yaml, and headscale does not "
		    "read regions that are in it")
		    ->fix = "move regions into a file of its own, and name "
			    "that in derp.paths";
		return;
	}
	rule_found(run, (struct doc_pos){ 0 },
	    "this is headscale's config.yaml, not a map: it says where maps "
	    "are, in derp.urls and derp.paths")
	    ->fix = "lint the files in derp.paths, or this one with "
		    "--headscale-config";
}

static void
found_node(struct rule_run *run)
{
	rule_found(run, run->load->doc.root->start,
	    "this is a node alone, as derper prints it, not a map")
	    ->fix = "put it into Nodes of a region: {\"Regions\": {\"900\": "
		    "{\"RegionID\": 900, \"Nodes\": [...]}}}";
}

static void
found_node_list(struct rule_run *run)
{
	rule_note(rule_found_as(run, SEVERITY_INFO, run->load->doc.root->start,
	    "this is a list of a tailnet's nodes, for derper -verify-nodes "
	    "and derpverify, not a map"));
}

static void
found_template(struct rule_run *run)
{
	rule_found(
	    run, run->load->kind_at, "this is a template that was not rendered")
	    ->fix = "lint what it is rendered to";
}

static void
found_html(struct rule_run *run)
{
	rule_found(run, run->load->kind_at,
	    "this is an HTML page, not a map: the address is wrong, or "
	    "something between answered in place of the server")
	    ->fix = "open the address in a browser and see what it says";
}

/* A map as clients have it holds regions that its reader cannot change. */
static void
found_foreign(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;
	size_t count = 0;

	for (size_t i = 0; i < m->region_count; i++)
		count += rule_is_foreign(m->regions[i]);
	if (count > 0)
		rule_note(rule_found_as(run, SEVERITY_INFO,
		    derpmap_origin_pos(&m->regions_from),
		    "%zu of %zu %s Tailscale's own (*.tailscale.com): not "
		    "judged",
		    count, m->region_count,
		    m->region_count == 1 ? "region is" : "regions are"));
}

static void
file_kind(struct rule_run *run)
{
	found_foreign(run);
	switch (run->load->kind.kind) {
	case FILEKIND_MAP:
	case FILEKIND_WRAPPED:
		return;
	case FILEKIND_VALUES:
		found_values(run);
		return;
	case FILEKIND_POLICY:
		found_policy(run);
		return;
	case FILEKIND_FRAGMENT:
		found_fragment(run);
		return;
	case FILEKIND_CONFIGMAP:
		found_configmap(run);
		return;
	case FILEKIND_NODE:
		found_node(run);
		return;
	case FILEKIND_OTHER:
		rule_note(rule_found_as(run, SEVERITY_INFO,
		    run->load->doc.root->start,
		    "this is not a map, but a file that is beside maps: of a "
		    "CI, of Compose, of Kubernetes, of npm or of derper; it is "
		    "not judged"));
		return;
	case FILEKIND_NODE_LIST:
		found_node_list(run);
		return;
	case FILEKIND_CONFIG:
		found_config(run);
		return;
	case FILEKIND_TEMPLATE:
		found_template(run);
		return;
	case FILEKIND_HTML:
		found_html(run);
		return;
	}
}

static const struct rule rules[] = {
	{ "P03", "wrapped-map", SEVERITY_ERROR, RULE_ANY,
	    { .file = wrapped_map },
	    "the map is below derp, derpMap or the like",
	    "The map must begin with regions; otherwise it is empty. What is "
	    "in it is judged as if it did.",
	    RULE_YAML3 },
	{ "P33", "file-kind", SEVERITY_ERROR, RULE_ANY, { .file = file_kind },
	    "what the file is, when it is not a map by itself",
	    "A map in a policy file, a ConfigMap or Helm values is judged "
	    "where it is, which is information, as is a list of nodes for "
	    "admission; headscale's config.yaml, a fragment, a node alone, a "
	    "template and an HTML page are no maps.",
	    "headscale config-example.yaml; tailscale.com/kb/1337; Kubernetes "
	    "API reference" },
};

const struct rule_group rules_kind = { rules, sizeof rules / sizeof rules[0] };
