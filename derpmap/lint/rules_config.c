/* rules_config: judgements about headscale's config.yaml and its environment as
 * such: keys that are not read, values that do not fit, what stops headscale.
 */
#include "rule_groups.h"

#include "setting.h"

#include <string.h>

/* The keys of the derp section that some version reads. Source: headscale
 * hscontrol/types/config.go. */
static const char *const section_keys[] = { "server", "urls", "paths",
	"auto_update_enabled", "update_frequency" };
static const char *const server_keys[] = { "enabled", "region_id",
	"region_code", "region_name", "verify_clients", "stun_listen_addr",
	"private_key_path", "automatically_add_embedded_derp_region", "ipv4",
	"ipv6", "stun" };

struct key_list {
	const char *const *v;
	size_t n;
};

static const struct key_list section = { section_keys,
	sizeof section_keys / sizeof section_keys[0] };
static const struct key_list server = { server_keys,
	sizeof server_keys / sizeof server_keys[0] };

static bool
list_has(const struct key_list *list, struct slice key)
{
	for (size_t i = 0; i < list->n; i++)
		if (slice_is_nocase(key, list->v[i]))
			return true;
	return false;
}

/* The mapping under a name, NULL when there is none. */
static const struct doc_node *
mapping_under(const struct doc_node *mapping, const char *name)
{
	const struct doc_node *key, *value;

	if (!viper_entry(mapping, slice_str(name), &key, &value))
		return NULL;
	value = doc_resolve(value);
	return value->kind == DOC_MAPPING ? value : NULL;
}

/* --- keys --- */

struct level {
	const struct doc_node *mapping;
	const char *name; /* "derp.server" */
};

/* The three places where keys of the derp section are found. */
static void
find_levels(const struct rule_run *run, struct level out[3])
{
	const struct doc_node *root = setting_config(run)->doc.root;

	out[0] = (struct level){ root != NULL ? doc_resolve(root) : NULL,
		"the top" };
	out[1] = (struct level){ mapping_under(root, "derp"), "derp" };
	out[2] = (struct level){ mapping_under(out[1].mapping, "server"),
		"derp.server" };
}

/* Where a key that is not read at this level is read: "derp.urls"; NULL:
 * nowhere. At the top only names are looked at that nothing else has. */
static const char *
meant_level(size_t level, struct slice key)
{
	if (level != 1 && list_has(&section, key) &&
	    !slice_is_nocase(key, "server"))
		return "derp";
	if (level == 0 &&
	    (slice_is_nocase(key, "automatically_add_embedded_derp_region") ||
		slice_is_nocase(key, "stun_listen_addr")))
		return "derp.server";
	if (level == 1 && list_has(&server, key))
		return "derp.server";
	return NULL;
}

static void
judge_keys(struct rule_run *run,
    void (*judge)(struct rule_run *run, size_t level, const char *name,
	const struct doc_node *key))
{
	struct level levels[3];

	find_levels(run, levels);
	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0;
		     levels[l].mapping != NULL && i < levels[l].mapping->count;
		     i++) {
			const struct doc_node *key =
			    doc_resolve(levels[l].mapping->items[2 * i]);

			if (key->kind == DOC_SCALAR)
				judge(run, l, levels[l].name, key);
		}
}

static void
judge_misplaced(struct rule_run *run, size_t level, const char *name,
    const struct doc_node *key)
{
	const char *meant = meant_level(level, key->text);

	if (meant == NULL)
		return;
	rule_found(run, key->start,
	    "`%.*s` is under %s, where headscale ignores it: it reads %s.%.*s",
	    RULE_SHOWN(key->text), name, meant, RULE_SHOWN(key->text))
	    ->fix =
	    rule_fix(run, "move it under %s, with its indentation", meant);
}

static void
misplaced_key(struct rule_run *run)
{
	judge_keys(run, judge_misplaced);
}

static void
judge_unknown(struct rule_run *run, size_t level, const char *name,
    const struct doc_node *key)
{
	const struct key_list *list = level == 1 ? &section : &server;

	if (level == 0 || list_has(list, key->text) ||
	    slice_is(key->text, "<<") ||
	    meant_level(level, key->text) != NULL ||
	    memchr(key->text.p, '.', key->text.n) != NULL)
		return;
	rule_found(run, key->start, "headscale ignores `%.*s` under %s",
	    RULE_SHOWN(key->text), name);
}

static void
unknown_key(struct rule_run *run)
{
	judge_keys(run, judge_unknown);
}

static void
dead_key(struct rule_run *run)
{
	struct viper v = headscale_config_viper(setting_config(run));
	struct viper_value value = viper_find(&v, "derp.server.stun.enabled");

	if (setting_is_given(&value))
		rule_found(run, setting_at(run, &value),
		    "headscale does not read derp.server.stun.enabled: STUN "
		    "cannot be turned off on its own");
}

struct removed {
	const char *key, *instead;
	bool stops; /* headscale does not start with it */
};

/* Source: validateServerConfig and the changelog. */
static const struct removed removed_keys[] = {
	{ "derp_map_path", "derp.paths", false },
	{ "acl_policy_path", "policy.path", true },
	{ "dns_config.magic_dns", "dns.magic_dns", true },
	{ "dns_config.base_domain", "dns.base_domain", true },
	{ "dns_config.override_local_dns", "dns.override_local_dns", true },
	{ "dns_config.nameservers", "dns.nameservers.global", true },
	{ "dns_config.restricted_nameservers", "dns.nameservers.split", true },
	{ "dns_config.domains", "dns.search_domains", true },
	{ "dns_config.extra_records", "dns.extra_records", true },
	{ "dns_config.use_username_in_magic_dns", NULL, true },
	{ "dns.use_username_in_magic_dns", NULL, true },
	{ "oidc.strip_email_domain", NULL, true },
	{ "oidc.map_legacy_users", NULL, true },
};

static void
removed_key(struct rule_run *run)
{
	struct viper v = headscale_config_viper(setting_config(run));
	size_t count = sizeof removed_keys / sizeof removed_keys[0];

	for (size_t i = 0; i < count; i++) {
		const struct removed *r = &removed_keys[i];
		struct viper_value value = viper_find(&v, r->key), instead;

		if (value.source != VIPER_FILE)
			continue;
		instead = viper_find(&v, r->instead != NULL ? r->instead : "");
		rule_found(run, value.key->start, "headscale has removed %s%s",
		    r->key,
		    r->stops && instead.source == VIPER_UNSET
			? " and does not start with it"
			: " and ignores it")
		    ->fix = r->instead != NULL
		    ? rule_fix(run, "use %s", r->instead)
		    : "remove it";
	}
}

/* --- values --- */

static void
judge_fit(struct rule_run *run, const struct viper_value *from, bool fits,
    const char *key, const char *wanted, const char *becomes)
{
	struct slice text;

	if (fits)
		return;
	text = setting_text(from);
	rule_found(run, setting_at(run, from),
	    "%s: '%.*s' is not %s, and headscale silently reads %s",
	    setting_name(from, key), RULE_SHOWN(text), wanted, becomes);
}

static void
wrong_type(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);
	const struct {
		const struct headscale_bool *v;
		const char *key;
	} bools[] = {
		{ &c->enabled, "derp.server.enabled" },
		{ &c->verify_clients, "derp.server.verify_clients" },
		{ &c->automatically_add,
		    "derp.server.automatically_add_embedded_derp_region" },
		{ &c->auto_update_enabled, "derp.auto_update_enabled" },
	};
	const struct {
		const struct headscale_text *v;
		const char *key;
	} texts[] = {
		{ &c->region_code, "derp.server.region_code" },
		{ &c->region_name, "derp.server.region_name" },
		{ &c->stun_listen_addr, "derp.server.stun_listen_addr" },
		{ &c->private_key_path, "derp.server.private_key_path" },
		{ &c->ipv4, "derp.server.ipv4" },
		{ &c->ipv6, "derp.server.ipv6" },
	};

	for (size_t i = 0; i < sizeof bools / sizeof bools[0]; i++)
		judge_fit(run, &bools[i].v->from, bools[i].v->fits,
		    bools[i].key, "true or false", "false");
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		judge_fit(run, &texts[i].v->from, texts[i].v->fits,
		    texts[i].key, "text", "an empty text");
	judge_fit(run, &c->urls.from, c->urls.fits, "derp.urls",
	    "a list of texts", "an empty list");
	judge_fit(run, &c->paths.from, c->paths.fits, "derp.paths",
	    "a list of texts", "an empty list");
}

/* --- environment --- */

static bool
is_about_maps(const struct environment_variable *v)
{
	return slice_starts(v->name, "HEADSCALE_DERP_") ||
	    slice_is(v->name, "HEADSCALE_DERP") ||
	    slice_is(v->name, "HEADSCALE_SERVER_URL");
}

static void
env_empty(struct rule_run *run)
{
	const struct environment *e = &setting_config(run)->environment;

	for (size_t i = 0; i < e->n; i++)
		if (is_about_maps(&e->v[i]) && e->v[i].value.n == 0)
			rule_found(run, (struct doc_pos){ .line = 0 },
			    "%s is set to nothing, which headscale ignores: it "
			    "clears nothing",
			    (const char *)e->v[i].name.p)
			    ->fix = "set it to one blank to clear a list";
}

static void
env_overrides(struct rule_run *run)
{
	const struct environment *e = &setting_config(run)->environment;

	for (size_t i = 0; i < e->n; i++)
		if (is_about_maps(&e->v[i]) && e->v[i].value.n > 0)
			rule_found(run, (struct doc_pos){ .line = 0 },
			    "%s is set and wins over this file%s",
			    (const char *)e->v[i].name.p,
			    slice_is(e->v[i].name, "HEADSCALE_DERP") ||
				    slice_is(
					e->v[i].name, "HEADSCALE_DERP_SERVER")
				? ": headscale reads nothing of the section "
				  "any more, not even its defaults"
				: "");
}

/* --- the start --- */

/* Whether a rule has told an error of this file already. */
static bool
has_error(const struct rule_run *run)
{
	const struct finding *f;

	for (f = run->others->first; f != NULL; f = f->next)
		if (f->rule != NULL && f->rule[0] == 'H' &&
		    f->severity == SEVERITY_ERROR)
			return true;
	return false;
}

static void
does_not_start(struct rule_run *run)
{
	const struct headscale_error *error = &run->effective->error;

	if (run->effective->start != EFFECTIVE_DIES || has_error(run))
		return;
	rule_found(run,
	    error->file == setting_config(run)->file
		? error->at
		: (struct doc_pos){ .line = 0 },
	    "headscale %s does not start: %s",
	    setting_config(run)->version->name, error->text);
}

#define CONFIG_GO "headscale hscontrol/types/config.go"
#define VIPER_GO "spf13/viper 1.21 and spf13/cast 1.10, measured"

static const struct rule rules[] = {
	{ "H09", "env-empty", SEVERITY_WARNING, RULE_CONFIG,
	    { .config = env_empty }, "an empty HEADSCALE_DERP_ variable",
	    "headscale ignores empty variables; a blank clears a list.",
	    VIPER_GO },
	{ "H10", "env-overrides-file", SEVERITY_INFO, RULE_CONFIG,
	    { .config = env_overrides },
	    "a variable wins over the configuration",
	    "HEADSCALE_ and the key in capitals, dots as underscores.",
	    VIPER_GO },
	{ "H28", "dead-key", SEVERITY_INFO, RULE_CONFIG, { .config = dead_key },
	    "derp.server.stun.enabled is set",
	    "headscale has a default for it and reads it nowhere.", CONFIG_GO },
	{ "H32", "removed-key", SEVERITY_WARNING, RULE_CONFIG,
	    { .config = removed_key }, "a key that headscale has removed",
	    "With most of them headscale does not start.", CONFIG_GO },
	{ "H33", "misplaced-key", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = misplaced_key },
	    "a key of the derp section at the wrong level",
	    "headscale ignores it without a word; often it is the indentation.",
	    CONFIG_GO },
	{ "H34", "unknown-config-key", SEVERITY_WARNING, RULE_CONFIG,
	    { .config = unknown_key },
	    "a key of the derp section that headscale does not have",
	    "headscale ignores it without a word.", CONFIG_GO },
	{ "H36", "wrong-type", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = wrong_type }, "a value of the wrong type",
	    "headscale reads false, an empty text or an empty list instead, "
	    "without a word; `yes` and `on` are texts here.",
	    VIPER_GO },
};

const struct rule_group rules_config = { rules,
	sizeof rules / sizeof rules[0] };

/* After all others, because it is silent when one of them told the reason. */
static const struct rule last_rules[] = {
	{ "H35", "does-not-start", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = does_not_start },
	    "headscale does not start with this configuration",
	    "The message is the one that headscale ends with.",
	    CONFIG_GO "; hscontrol/app.go" },
};

const struct rule_group rules_config_last = { last_rules,
	sizeof last_rules / sizeof last_rules[0] };
