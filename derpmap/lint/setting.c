/* setting: see setting.h. */
#include "setting.h"

#include "go_url.h"

const struct headscale_config *
setting_config(const struct rule_run *run)
{
	return run->effective->config;
}

static struct doc_pos
section_at(const struct rule_run *run)
{
	const struct doc_node *key, *value;

	if (viper_entry(
		setting_config(run)->doc.root, slice_str("derp"), &key, &value))
		return key->start;
	return (struct doc_pos){ .line = 0 };
}

struct doc_pos
setting_at(const struct rule_run *run, const struct viper_value *from)
{
	struct doc_pos at = headscale_config_place(from);

	return at.line != 0 ? at : section_at(run);
}

struct doc_pos
setting_element_at(
    const struct rule_run *run, const struct headscale_list *list, size_t i)
{
	const struct doc_node *node = list->v.nodes[i];

	return node != NULL ? node->start : setting_at(run, &list->from);
}

bool
setting_is_given(const struct viper_value *from)
{
	return from->source == VIPER_FILE || from->source == VIPER_ENVIRONMENT;
}

const char *
setting_name(const struct viper_value *from, const char *key)
{
	return from->source == VIPER_ENVIRONMENT
	    ? (const char *)from->variable->name.p
	    : key;
}

struct slice
setting_text(const struct viper_value *from)
{
	if (from->source != VIPER_FILE)
		return from->text;
	if (doc_resolve(from->node)->kind != DOC_SCALAR)
		return slice_str(doc_resolve(from->node)->kind == DOC_MAPPING
			? "a mapping"
			: "a list");
	return doc_resolve(from->node)->text;
}

struct slice
setting_server_host(const struct rule_run *run)
{
	struct slice host, port, name;
	struct go_url url;

	if (go_url_parse(&url, run->effective->arena,
		setting_config(run)->server_url.v, NULL) == -1)
		return slice_of("", 0);
	host = url.host;
	if (go_url_split_host_port(url.host, &name, &port, NULL) == 0)
		return name;
	if (host.n > 2 && host.p[0] == '[')
		return slice_of(host.p + 1, host.n - 2);
	return host;
}
