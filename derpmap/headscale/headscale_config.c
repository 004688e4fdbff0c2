/* headscale_config: see headscale_config.h. */
#include "headscale_config.h"

#include "doc_yaml.h"
#include "go_url.h"
#include "headscale_doc.h"
#include "infile.h"
#include "load.h"

#include <string.h>
#include <unistd.h>

/* Settings of one configuration, as far as the map depends on them. Source:
 * headscale hscontrol/types/config.go, LoadConfig. */
static const struct viper_default defaults[] = {
	{ "derp.server.enabled", "false" },
	{ "derp.server.verify_clients", "true" },
	{ "derp.server.automatically_add_embedded_derp_region", "true" },
	{ "derp.update_frequency", "3h" },
	{ "dns.base_domain", "" },
};

/* 0.26 has neither verify_clients nor a default frequency. */
static const struct viper_default old_defaults[] = {
	{ "derp.server.enabled", "false" },
	{ "derp.server.automatically_add_embedded_derp_region", "true" },
	{ "dns.base_domain", "" },
};

#define COUNT(table) (sizeof table / sizeof table[0])

struct viper
headscale_config_viper(const struct headscale_config *c)
{
	bool is_old = c->version->default_update[0] == '\0';

	return (struct viper){
		.root = c->doc.root,
		.environment = &c->environment,
		.defaults = is_old ? old_defaults : defaults,
		.default_count = is_old ? COUNT(old_defaults) : COUNT(defaults),
	};
}

struct doc_pos
headscale_config_place(const struct viper_value *from)
{
	if (from->source != VIPER_FILE)
		return (struct doc_pos){ .line = 0 };
	return from->node->kind == DOC_SCALAR && from->node->text.n == 0 &&
		from->node->style == DOC_PLAIN
	    ? from->key->start
	    : from->node->start;
}

/* --- settings --- */

struct reading {
	struct headscale_config *c;
	struct viper viper;
};

static void
read_bool(struct reading *r, const char *key, struct headscale_bool *to)
{
	to->from = viper_find(&r->viper, key);
	to->fits = viper_cast_bool(&to->from, r->c->arena, &to->v);
}

static void
read_text(struct reading *r, const char *key, struct headscale_text *to)
{
	to->from = viper_find(&r->viper, key);
	to->fits = viper_cast_text(&to->from, r->c->arena, &to->v);
}

static void
read_list(struct reading *r, const char *key, struct headscale_list *to)
{
	to->from = viper_find(&r->viper, key);
	to->fits = viper_cast_list(&to->from, r->c->arena, &to->v);
}

static void
read_settings(struct reading *r)
{
	struct headscale_config *c = r->c;

	read_bool(r, "derp.server.enabled", &c->enabled);
	read_bool(r, "derp.server.automatically_add_embedded_derp_region",
	    &c->automatically_add);
	read_bool(r, "derp.server.verify_clients", &c->verify_clients);
	c->region_id.from = viper_find(&r->viper, "derp.server.region_id");
	c->region_id.fits =
	    viper_cast_int(&c->region_id.from, c->arena, &c->region_id.v);
	read_text(r, "derp.server.region_code", &c->region_code);
	read_text(r, "derp.server.region_name", &c->region_name);
	read_text(r, "derp.server.stun_listen_addr", &c->stun_listen_addr);
	read_text(r, "derp.server.private_key_path", &c->private_key_path);
	read_text(r, "derp.server.ipv4", &c->ipv4);
	read_text(r, "derp.server.ipv6", &c->ipv6);
	read_list(r, "derp.urls", &c->urls);
	read_list(r, "derp.paths", &c->paths);
	read_bool(r, "derp.auto_update_enabled", &c->auto_update_enabled);
	c->update_frequency.from =
	    viper_find(&r->viper, "derp.update_frequency");
	c->update_frequency.fits = viper_cast_duration(
	    &c->update_frequency.from, c->arena, &c->update_frequency.v);
	read_text(r, "server_url", &c->server_url);
	read_text(r, "noise.private_key_path", &c->noise_key_path);
	read_text(r, "dns.base_domain", &c->base_domain);
}

/* --- what keeps headscale from starting --- */

static void
fatal(struct headscale_config *c, struct doc_pos at, const char *text)
{
	if (c->error.text != NULL)
		return;
	c->error = (struct headscale_error){
		.text = text != NULL ? text : "not enough memory",
		.file = at.line != 0 ? c->file : NULL,
		.at = at,
	};
}

static void
check_document(struct headscale_config *c)
{
	struct doc_pos at = c->doc.error_at;
	const char *text = c->doc.error != DOC_OK
	    ? c->doc.error_text
	    : headscale_doc_check(&c->doc, c->arena, &at);

	c->is_read = text == NULL;
	if (c->is_read)
		return;
	c->doc.root = NULL;
	fatal(c, at,
	    arena_printf(c->arena,
		"fatal error reading config file: While parsing config: %s",
		text));
}

static bool
ends_with_domain(struct slice host, struct slice domain)
{
	return host.n > domain.n && host.p[host.n - domain.n - 1] == '.' &&
	    slice_eq(slice_of(host.p + host.n - domain.n, domain.n), domain);
}

/* MagicDNS takes over the base domain, so headscale and its relay would be out
 * of reach inside it. */
static void
check_domain(struct headscale_config *c)
{
	struct doc_pos at = headscale_config_place(&c->server_url.from);
	struct slice domain = c->base_domain.v, host, port;
	struct fail why = { .text = "" };
	struct go_url url;

	if (domain.n == 0)
		return;
	if (go_url_parse(&url, c->arena, c->server_url.v, &why) == -1) {
		fatal(c, at,
		    arena_printf(c->arena, "parse server_url: %s", why.text));
		return;
	}
	if (go_url_split_host_port(url.host, &host, &port, NULL) == -1)
		host = url.host;
	if (slice_eq(host, domain))
		fatal(c, at,
		    "server_url cannot use the same domain as base_domain in a "
		    "way that could make the DERP and headscale server "
		    "unreachable");
	if (ends_with_domain(url.host, domain))
		fatal(c, at,
		    "server_url cannot be part of base_domain in a way that "
		    "could make the DERP and headscale server unreachable");
}

static void
check_settings(struct headscale_config *c)
{
	struct doc_pos server = headscale_config_place(&c->enabled.from);

	if (!slice_starts(c->server_url.v, "http://") &&
	    !slice_starts(c->server_url.v, "https://"))
		fatal(c, headscale_config_place(&c->server_url.from),
		    "server_url must start with https:// or http://");
	check_domain(c);
	if (!c->enabled.v)
		return;
	if (c->stun_listen_addr.v.n == 0)
		fatal(c, server,
		    "derp.server.stun_listen_addr must be set if "
		    "derp.server.enabled is true");
	if (!c->automatically_add.v && c->paths.v.n == 0)
		fatal(c, headscale_config_place(&c->automatically_add.from),
		    "Disabling "
		    "derp.server.automatically_add_embedded_derp_region "
		    "requires to configure the derp server in derp.paths");
	if (c->private_key_path.v.n == 0)
		fatal(c, server,
		    "reading or creating DERP server private key: "
		    "derp.server.private_key_path is not set");
}

/* --- life --- */

static int
read_config(struct headscale_config *c, struct slice text, struct fail *why)
{
	struct reading r = { .c = c };
	const char *copy = arena_text(c->arena, (const char *)text.p, text.n);

	if (copy == NULL)
		return fail_set(why, "%s: not enough memory", c->file);
	c->text = slice_of(copy, text.n);
	doc_yaml_read(&c->doc, c->arena, c->text, NULL);
	if (c->doc.error == DOC_MEMORY)
		return fail_set(why, "%s: not enough memory", c->file);
	check_document(c);
	r.viper = headscale_config_viper(c);
	read_settings(&r);
	check_settings(c);
	return 0;
}

static int
start(struct headscale_config *c, const char *file,
    const struct headscale_version *version, struct fail *why)
{
	*c = (struct headscale_config){ .file = file, .version = version };
	c->arena = arena_new(DOC_ARENA_MAX);
	return c->arena != NULL ? 0
				: fail_set(why, "%s: not enough memory", file);
}

int
headscale_config_text(struct headscale_config *c, const char *file,
    struct slice text, const struct environment *environment,
    const struct headscale_version *version, struct fail *why)
{
	if (start(c, file, version, why) == -1)
		return -1;
	c->environment = *environment;
	if (read_config(c, text, why) == 0)
		return 0;
	headscale_config_close(c);
	return -1;
}

static int
read_environment(
    struct headscale_config *c, const char *env_file, struct fail *why)
{
	if (env_file != NULL)
		return environment_from_file(
		    &c->environment, c->arena, env_file, why);
	return environment_from_process(&c->environment, c->arena, environ) == 0
	    ? 0
	    : fail_set(why, "%s: not enough memory", c->file);
}

int
headscale_config_open(struct headscale_config *c, const char *file,
    const char *env_file, const struct headscale_version *version,
    struct fail *why)
{
	struct buf text;
	int result;

	if (start(c, file, version, why) == -1)
		return -1;
	result = infile_read(&text, file, LOAD_TEXT_MAX, why);
	if (result == 0)
		result = read_environment(c, env_file, why);
	if (result == 0)
		result = read_config(c, buf_slice(&text), why);
	buf_clear(&text);
	if (result == -1)
		headscale_config_close(c);
	return result;
}

void
headscale_config_close(struct headscale_config *c)
{
	arena_free(c->arena);
	c->arena = NULL;
}
