/* rules_source: judgements about derp.urls, derp.paths and the refresh. */
#include "rule_groups.h"

#include "go_url.h"
#include "setting.h"

#include <string.h>

#define MINUTE_NS INT64_C(60000000000)
#define DAY_NS (24 * 60 * MINUTE_NS)

static void
no_source(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);

	if (c->is_read && c->urls.v.n == 0 && c->paths.v.n == 0 &&
	    !(c->enabled.v && c->automatically_add.v))
		rule_found(run, setting_at(run, &c->urls.from),
		    "there is no source of regions: no derp.urls, no "
		    "derp.paths and no embedded server; headscale does not "
		    "start")
		    ->fix = "name a map in derp.paths";
}

/* --- URLs --- */

/* The i-th URL; false when it cannot be parsed. */
static bool
parse_url(struct rule_run *run, size_t i, struct go_url *url, struct fail *why)
{
	return go_url_parse(url, run->effective->arena,
		   setting_config(run)->urls.v.v[i], why) == 0;
}

/* Calls judge for each URL that can be parsed. */
static void
each_url(struct rule_run *run,
    void (*judge)(struct rule_run *run, struct slice text,
	const struct go_url *url, struct doc_pos at))
{
	const struct headscale_config *c = setting_config(run);
	struct go_url url;

	for (size_t i = 0; i < c->urls.v.n; i++)
		if (parse_url(run, i, &url, NULL))
			judge(run, c->urls.v.v[i], &url,
			    setting_element_at(run, &c->urls, i));
}

static void
judge_url_path(struct rule_run *run, struct slice text,
    const struct go_url *url, struct doc_pos at)
{
	if (url->scheme.n == 0)
		rule_found(run, at,
		    "'%.*s' in derp.urls is a path, not a URL: headscale "
		    "does not start",
		    RULE_SHOWN(text))
		    ->fix = "put it into derp.paths";
}

static void
url_is_path(struct rule_run *run)
{
	each_url(run, judge_url_path);
}

static bool
is_http(const struct go_url *url)
{
	return slice_is(url->scheme, "http") || slice_is(url->scheme, "https");
}

static void
url_scheme(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);
	struct go_url url;

	for (size_t i = 0; i < c->urls.v.n; i++) {
		struct fail why = { .text = "" };
		struct slice text = c->urls.v.v[i];
		struct doc_pos at = setting_element_at(run, &c->urls, i);

		if (!parse_url(run, i, &url, &why))
			rule_found(run, at,
			    "'%.*s' is not a valid URL (%s): headscale %s %s",
			    RULE_SHOWN(text), why.text, c->version->name,
			    c->version->skips_bad_url ? "skips it"
						      : "crashes on it");
		else if (url.scheme.n > 0 && !is_http(&url))
			rule_found(run, at,
			    "headscale fetches http and https only, not "
			    "'%.*s', and does not start",
			    RULE_SHOWN(text));
	}
}

static void
judge_url_http(struct rule_run *run, struct slice text,
    const struct go_url *url, struct doc_pos at)
{
	if (slice_is(url->scheme, "http"))
		rule_found(run, at,
		    "'%.*s' is fetched without TLS: whoever is on the way "
		    "can give all clients other relays",
		    RULE_SHOWN(text))
		    ->fix = "use https";
}

static void
url_http(struct rule_run *run)
{
	each_url(run, judge_url_http);
}

static void
boot_dependency(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);

	if (c->urls.v.n > 0 && !c->version->skips_broken)
		rule_found(run, setting_element_at(run, &c->urls, 0),
		    "headscale does not start while a URL of derp.urls cannot "
		    "be reached")
		    ->fix = "keep a copy of the map in a file and name it in "
			    "derp.paths";
}

/* --- paths --- */

static void
path_unreadable(struct rule_run *run)
{
	const struct headscale_sources *all = &run->effective->sources;

	for (size_t i = 0; i < all->n; i++) {
		const struct headscale_source *s = &all->v[i];

		if (s->kind == HEADSCALE_SOURCE_PATH &&
		    s->status == HEADSCALE_SOURCE_BROKEN)
			rule_found(run,
			    s->node != NULL
				? s->node->start
				: setting_at(
				      run, &setting_config(run)->paths.from),
			    "headscale %s: %s",
			    setting_config(run)->version->skips_broken
				? "skips this file and those after it"
				: "does not start",
			    s->reason != NULL ? s->reason : "");
	}
}

static void
path_relative(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);

	for (size_t i = 0; i < c->paths.v.n; i++)
		if (!slice_starts(c->paths.v.v[i], "/"))
			rule_found(run, setting_element_at(run, &c->paths, i),
			    "'%.*s' is relative: headscale looks for it in the "
			    "directory it was started in, not beside this file",
			    RULE_SHOWN(c->paths.v.v[i]))
			    ->fix = "write the whole path";
}

static void
judge_commas(
    struct rule_run *run, const struct headscale_list *list, const char *key)
{
	bool is_scalar = list->from.source == VIPER_ENVIRONMENT ||
	    (list->from.source == VIPER_FILE &&
		doc_resolve(list->from.node)->kind == DOC_SCALAR);

	for (size_t i = 0; is_scalar && i < list->v.n; i++)
		if (memchr(list->v.v[i].p, ',', list->v.v[i].n) != NULL)
			rule_found(run, setting_at(run, &list->from),
			    "%s is cut at blanks only: '%.*s' is one entry",
			    setting_name(&list->from, key),
			    RULE_SHOWN(list->v.v[i]))
			    ->fix = "write blanks between the entries, or a "
				    "list in the file";
}

static void
list_string(struct rule_run *run)
{
	judge_commas(run, &setting_config(run)->urls, "derp.urls");
	judge_commas(run, &setting_config(run)->paths, "derp.paths");
}

/* --- what URLs answer --- */

static void
judge_answer(struct rule_run *run, const struct headscale_source *s)
{
	const struct doc_pos at = s->node != NULL
	    ? s->node->start
	    : setting_at(run, &setting_config(run)->urls.from);

	if (s->status == HEADSCALE_SOURCE_BROKEN)
		rule_found(
		    run, at, "%s cannot be loaded: %s", s->name, s->reason)
		    ->fix = "open the address and see what it says";
	else if (s->status != HEADSCALE_SOURCE_LOADED || s->http_status == 0)
		return;
	else if (s->http_status != 200)
		rule_found(run, at,
		    "%s answers with status %u: headscale does not look at it "
		    "and takes what comes with it for a map",
		    s->name, s->http_status)
		    ->fix = "correct the address";
	else if (s->load.map.region_count == 0)
		rule_found(run, at,
		    "%s holds no region: headscale takes that for an empty "
		    "map",
		    s->name)
		    ->fix = "correct the address";
}

static void
url_answer(struct rule_run *run)
{
	const struct headscale_sources *all = &run->effective->sources;

	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].kind == HEADSCALE_SOURCE_URL &&
		    all->v[i].is_asked)
			judge_answer(run, &all->v[i]);
}

/* --- several sources --- */

static void
order_surprise(struct rule_run *run)
{
	const struct effective *e = run->effective;

	for (size_t i = 0; i < e->region_count; i++) {
		const struct effective_region *r = &e->regions[i];
		const struct headscale_source *s = &e->sources.v[r->source];
		const struct headscale_source *by = &e->sources.v[r->by];

		if ((r->fate != EFFECTIVE_REPLACED &&
			r->fate != EFFECTIVE_REMOVED) ||
		    by->kind == HEADSCALE_SOURCE_EMBEDDED)
			continue;
		rule_found(run,
		    by->node != NULL ? by->node->start
				     : setting_at(run, &e->config->paths.from),
		    "region %lld is in %s and in %s: headscale %s takes the "
		    "last of them%s",
		    (long long)r->region->key, s->name, by->name,
		    e->config->version->name,
		    r->fate == EFFECTIVE_REMOVED ? ", a null, and removes it"
						 : " as a whole");
	}
}

/* --- MagicDNS --- */

static bool
has_magic_dns(const struct rule_run *run)
{
	struct viper v = headscale_config_viper(setting_config(run));
	struct viper_value value = viper_find(&v, "dns.magic_dns");
	bool on;

	/* on by default */
	return value.source == VIPER_UNSET ||
	    (viper_cast_bool(&value, run->effective->arena, &on) && on);
}

static bool
is_in_domain(struct slice host, struct slice domain)
{
	size_t n = domain.n;

	if (host.n < n || n == 0 ||
	    !slice_eq(slice_of(host.p + host.n - n, n), domain))
		return false;
	return host.n == n || host.p[host.n - n - 1] == '.';
}

static void
judge_magic_dns(struct rule_run *run, const struct effective_region *r)
{
	const struct headscale_config *c = setting_config(run);
	const struct headscale_source *s =
	    &run->effective->sources.v[r->source];

	for (size_t i = 0; i < r->region->node_count; i++) {
		const struct derpmap_node *n = r->region->nodes[i];

		if (n->is_nil || n->ipv4.v.n > 0 || n->ipv6.v.n > 0 ||
		    !is_in_domain(n->host_name.v, c->base_domain.v))
			continue;
		rule_found(run,
		    s->node != NULL ? s->node->start
				    : setting_at(run, &c->base_domain.from),
		    "%s has a relay named %.*s, which is in dns.base_domain: "
		    "connected clients ask MagicDNS for it and get no address",
		    s->name, RULE_SHOWN(n->host_name.v))
		    ->fix = "add ipv4 or ipv6 to the node, or give it a name "
			    "outside";
	}
}

/* headscale itself checks the host of server_url, so the embedded region is
 * not looked at. */
static void
magic_dns(struct rule_run *run)
{
	const struct effective *e = run->effective;

	if (setting_config(run)->base_domain.v.n == 0 || !has_magic_dns(run))
		return;
	for (size_t i = 0; i < e->kept_count; i++)
		if (e->sources.v[e->kept[i]->source].kind !=
		    HEADSCALE_SOURCE_EMBEDDED)
			judge_magic_dns(run, e->kept[i]);
}

/* --- refresh --- */

static bool
is_number(const struct rule_run *run, const struct viper_value *from)
{
	return viper_cast_is_number(from, run->effective->arena);
}

static void
frequency_number(struct rule_run *run)
{
	const struct headscale_int *f = &setting_config(run)->update_frequency;

	if (setting_is_given(&f->from) && f->v > 0 && is_number(run, &f->from))
		rule_found(run, setting_at(run, &f->from),
		    "a number without a unit counts nanoseconds: headscale "
		    "would refresh the map every %.3g s",
		    (double)f->v / 1e9)
		    ->fix = "write a unit: 3h";
}

static void
frequency_unit(struct rule_run *run)
{
	const struct headscale_int *f = &setting_config(run)->update_frequency;

	if (setting_is_given(&f->from) && f->v == 0)
		rule_found(run, setting_at(run, &f->from),
		    "'%.*s' %s: the map is never refreshed",
		    RULE_SHOWN(setting_text(&f->from)),
		    f->fits ? "is zero" : "is not a duration for headscale")
		    ->fix = "use hours, minutes and seconds: 24h";
}

static void
frequency_negative(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);

	if (c->update_frequency.v < 0)
		rule_found(run, setting_at(run, &c->update_frequency.from),
		    "a negative time%s",
		    c->auto_update_enabled.v
			? " crashes headscale at its start"
			: ": headscale would crash with auto_update_enabled")
		    ->fix = "use a positive time: 3h";
}

static void
frequency_range(struct rule_run *run)
{
	const struct headscale_int *f = &setting_config(run)->update_frequency;

	if (!setting_is_given(&f->from) || f->v <= 0 ||
	    is_number(run, &f->from))
		return;
	if (f->v < MINUTE_NS)
		rule_found(run, setting_at(run, &f->from),
		    "refreshing more than once a minute sends the map to all "
		    "clients each time, changed or not");
	else if (f->v > DAY_NS)
		rule_found(run, setting_at(run, &f->from),
		    "less than one refresh a day: a changed map reaches "
		    "clients late");
}

static void
auto_update_absent(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);

	if (!setting_is_given(&c->auto_update_enabled.from) && c->is_read &&
	    (c->urls.v.n > 0 || c->paths.v.n > 0))
		rule_found(run, setting_at(run, &c->auto_update_enabled.from),
		    "derp.auto_update_enabled is not set and false by default: "
		    "changed maps are read at the next start only");
}

static bool
has_multi_node_region(const struct effective *e)
{
	for (size_t i = 0; i < e->kept_count; i++)
		if (e->kept[i]->region->node_count > 1)
			return true;
	return false;
}

static void
static_refresh(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);

	if (c->auto_update_enabled.v && c->update_frequency.v > 0 &&
	    c->urls.v.n == 0 && has_multi_node_region(run->effective))
		rule_found(run, setting_at(run, &c->auto_update_enabled.from),
		    "each refresh shuffles the nodes of a region, which "
		    "reconnects its clients, and files change rarely")
		    ->fix = "turn it off, and restart headscale after a change";
}

#define CONFIG_GO "headscale hscontrol/types/config.go"
#define VIPER_GO "spf13/viper 1.21 and spf13/cast 1.10, measured"

/* DIFFERS: boot-dependency is information, because with a good connection
 * Tailscale's own map is what most people want. */
static const struct rule rules[] = {
	{ "H01", "no-source", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = no_source }, "no source of regions",
	    "headscale does not start without a region.",
	    "headscale hscontrol/app.go" },
	{ "H02", "url-is-path", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = url_is_path }, "a file in derp.urls",
	    "Files belong in derp.paths; headscale does not start.",
	    "headscale issue 1500" },
	{ "H03", "url-scheme", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = url_scheme }, "a URL that headscale cannot fetch",
	    "Only http and https; a malformed URL is skipped, or crashes "
	    "headscale before 0.29.",
	    CONFIG_GO },
	{ "H04", "url-http", SEVERITY_WARNING, RULE_CONFIG,
	    { .config = url_http }, "a map that is fetched without TLS",
	    "Whoever is on the way can give all clients other relays.",
	    RULE_MERGE },
	{ "H05", "url-answer", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = url_answer }, "a URL of derp.urls that gives no map",
	    "headscale ignores the status: an error page in JSON is an empty "
	    "map, which a refresh hands to all clients; what is not JSON "
	    "keeps it from starting. Only --online can tell.",
	    RULE_MERGE "; headscale issue 2694" },
	{ "H06", "path-unreadable", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = path_unreadable },
	    "a file of derp.paths that cannot be loaded",
	    "headscale does not start; 0.26 goes on without it and those "
	    "after it.",
	    RULE_MERGE },
	{ "H07", "path-relative", SEVERITY_WARNING, RULE_CONFIG,
	    { .config = path_relative }, "a relative path in derp.paths",
	    "It is relative to the directory that headscale was started in.",
	    RULE_MERGE },
	{ "H08", "path-list-string", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = list_string }, "commas in a list that is a text",
	    "Such a list is cut at blanks only.", VIPER_GO },
	{ "H11", "freq-number", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = frequency_number }, "a time without a unit",
	    "It counts nanoseconds.", VIPER_GO },
	{ "H12", "freq-unit", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = frequency_unit },
	    "update_frequency is zero or not a duration",
	    "The map is never refreshed. There are no days and weeks.",
	    VIPER_GO },
	{ "H13", "freq-negative", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = frequency_negative }, "a negative update_frequency",
	    "It crashes headscale.", "headscale hscontrol/app.go" },
	{ "H14", "freq-range", SEVERITY_WARNING, RULE_CONFIG,
	    { .config = frequency_range },
	    "refreshed more than once a minute or less than once a day",
	    "Every refresh sends the map to all clients.",
	    "headscale hscontrol/app.go" },
	{ "H15", "autoupdate-absent", SEVERITY_INFO, RULE_CONFIG,
	    { .config = auto_update_absent }, "auto_update_enabled is not set",
	    "It is false by default: maps are read at start only.", CONFIG_GO },
	{ "H16", "static-refresh", SEVERITY_INFO, RULE_CONFIG,
	    { .config = static_refresh },
	    "files with several nodes in a region are refreshed",
	    "Each refresh reconnects the clients of that region.", RULE_MERGE },
	{ "H30", "boot-dependency", SEVERITY_INFO, RULE_CONFIG,
	    { .config = boot_dependency }, "headscale needs a URL to start",
	    "Any URL that cannot be loaded keeps it from starting (0.27 and "
	    "later).",
	    RULE_MERGE },
	{ "H31", "order-surprise", SEVERITY_WARNING, RULE_CONFIG,
	    { .config = order_surprise }, "a region in several sources",
	    "The last source wins; 0.26 reads paths before URLs, later "
	    "versions URLs before paths.",
	    RULE_MERGE },
	{ "N15", "hostname-in-magicdns", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = magic_dns },
	    "a relay's name inside dns.base_domain, without an address",
	    "Connected clients ask MagicDNS for it, which does not know it. "
	    "Only --headscale-config can tell.",
	    "headscale hscontrol/types/config.go, isSafeServerURL" },
};

const struct rule_group rules_source = { rules,
	sizeof rules / sizeof rules[0] };
