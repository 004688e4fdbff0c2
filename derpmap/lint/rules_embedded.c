/* rules_embedded: judgements about derp.server, the embedded DERP server. All
 * but one are silent while it is off. */
#include "rule_groups.h"

#include "compose_ports.h"

#include "embedded_region.h"
#include "go_url.h"
#include "num.h"
#include "setting.h"

#include <string.h>

static bool
is_on(const struct rule_run *run)
{
	return setting_config(run)->enabled.v;
}

/* Whether its region is added to the map. */
static bool
is_added(const struct rule_run *run)
{
	return is_on(run) && setting_config(run)->automatically_add.v;
}

static void
region_zero(struct rule_run *run)
{
	const struct headscale_int *id = &setting_config(run)->region_id;

	if (!is_added(run) || id->v != 0)
		return;
	rule_found(run, setting_at(run, &id->from),
	    "derp.server.region_id is %s, so the embedded region has id 0, "
	    "which clients read as \"no relay\"",
	    !setting_is_given(&id->from) ? "not set"
		: !id->fits              ? "not a number"
					 : "0")
	    ->fix = "set region_id: 999";
}

/* The source that had the region before, or NULL. */
static const struct headscale_source *
replaced_source(const struct effective *e)
{
	for (size_t i = 0; i < e->region_count; i++) {
		const struct effective_region *r = &e->regions[i];

		if (r->fate == EFFECTIVE_REPLACED &&
		    e->sources.v[r->by].kind == HEADSCALE_SOURCE_EMBEDDED)
			return &e->sources.v[r->source];
	}
	return NULL;
}

static void
collision(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);
	const struct headscale_source *s = replaced_source(run->effective);

	if (s != NULL)
		rule_found(run, setting_at(run, &c->region_id.from),
		    "the embedded region replaces region %lld of %s: no client "
		    "gets that one",
		    (long long)c->region_id.v, s->name)
		    ->fix = "give one of them another id";
}

/* --- server_url --- */

static void
server_http(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);

	if (is_added(run) && slice_starts(c->server_url.v, "http://"))
		rule_found(run, setting_at(run, &c->server_url.from),
		    "clients reach the embedded relay by server_url and always "
		    "speak TLS to it: over http they cannot connect")
		    ->fix = "use https";
}

static const char *
unreachable_reason(struct slice host)
{
	struct netaddr ip;

	if (slice_is_nocase(host, "localhost"))
		return "every client looks for the relay on itself";
	if (netaddr_parse_ip(&ip, host) == -1)
		return NULL;
	if (netaddr_in(&ip, ip.is_v4 ? "127.0.0.0/8" : "::1/128"))
		return "every client looks for the relay on itself";
	if (ip.is_v4 &&
	    (netaddr_in(&ip, "10.0.0.0/8") ||
		netaddr_in(&ip, "172.16.0.0/12") ||
		netaddr_in(&ip, "192.168.0.0/16")))
		return "a private address is reached on its own network only";
	if (!ip.is_v4 && netaddr_in(&ip, "fc00::/7"))
		return "a private address is reached on its own network only";
	if (ip.is_v4 && netaddr_in(&ip, "100.64.0.0/10"))
		return "the relay would be reached through itself";
	return NULL;
}

static void
server_host(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);
	struct doc_pos at = setting_at(run, &c->server_url.from);
	struct slice host = setting_server_host(run);
	const char *reason = unreachable_reason(host);
	struct slice name, port;
	struct go_url url;

	if (!is_added(run))
		return;
	if (reason != NULL)
		rule_found(run, at,
		    "the host of the embedded relay is that of server_url, "
		    "%.*s: %s",
		    RULE_SHOWN(host), reason);
	else if (go_url_parse(
		     &url, run->effective->arena, c->server_url.v, NULL) == 0 &&
	    slice_starts(url.host, "[") &&
	    go_url_split_host_port(url.host, &name, &port, NULL) == -1)
		rule_found(run, at,
		    "headscale keeps the brackets of an IPv6 address without "
		    "a port: clients get %.*s as host name and cannot reach "
		    "it",
		    RULE_SHOWN(url.host))
		    ->fix = "write the port too, or use a name";
}

static bool
has_tls(const struct rule_run *run)
{
	struct viper v = headscale_config_viper(setting_config(run));
	struct viper_value cert = viper_find(&v, "tls_cert_path");
	struct viper_value acme = viper_find(&v, "tls_letsencrypt_hostname");

	return setting_text(&cert).n > 0 || setting_text(&acme).n > 0;
}

static void
proxy_upgrade(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);

	if (is_added(run) && slice_starts(c->server_url.v, "https://") &&
	    c->is_read && !has_tls(run))
		rule_found(run, setting_at(run, &c->enabled.from),
		    "headscale has no certificate, so a reverse proxy is in "
		    "front: it must pass `Upgrade: DERP` on, or no client can "
		    "use the relay");
}

/* --- STUN --- */

static void
stun_address(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);
	struct doc_pos at = setting_at(run, &c->stun_listen_addr.from);
	struct slice text = c->stun_listen_addr.v, host, port;
	struct fail why = { .text = "" };
	struct netaddr ip;
	uint64_t n;

	if (!is_on(run))
		return;
	if (text.n == 0)
		rule_found(run, at,
		    "derp.server.stun_listen_addr is not set: headscale does "
		    "not start")
		    ->fix = "set stun_listen_addr: 0.0.0.0:3478";
	else if (!embedded_region_can_listen(text, &why))
		rule_found(run, at,
		    "headscale cannot listen for STUN on '%.*s' (%s) and does "
		    "not start",
		    RULE_SHOWN(text), why.text);
	else if (go_url_split_host_port(text, &host, &port, NULL) == -1)
		return;
	else if (num_parse_decimal(port, UINT16_MAX, &n) == -1)
		rule_found(run, at,
		    "the port of '%.*s' is not a number: headscale puts an "
		    "empty region 0 in place of the embedded one",
		    RULE_SHOWN(text))
		    ->fix = "write the number of the port";
	else if (slice_is(host, "localhost") ||
	    (netaddr_parse_ip(&ip, host) == 0 &&
		netaddr_in(&ip, ip.is_v4 ? "127.0.0.0/8" : "::1/128")))
		rule_found(run, at,
		    "STUN listens on the loopback interface only: no client "
		    "gets an answer")
		    ->fix = "set stun_listen_addr: 0.0.0.0:3478";
}

/* Whether the port of the host that leads to STUN's is the one that clients are
 * told. */
static void
stun_published(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);
	struct slice host, port;
	uint16_t published;
	uint64_t n;

	if (run->compose == NULL || !is_on(run) ||
	    go_url_split_host_port(c->stun_listen_addr.v, &host, &port, NULL) ==
		-1 ||
	    num_parse_decimal(port, UINT16_MAX, &n) == -1)
		return;
	published = compose_ports_udp(run->compose, (uint16_t)n);
	if (published == 0 && run->compose->is_whole)
		rule_found(run, setting_at(run, &c->stun_listen_addr.from),
		    "%s does not publish UDP port %u of the container: no "
		    "client gets an answer from STUN",
		    run->compose->file, (unsigned)n)
		    ->fix = rule_fix(run, "add \"%u:%u/udp\" to ports",
		    (unsigned)n, (unsigned)n);
	else if (published != 0 && published != n)
		rule_found(run, setting_at(run, &c->stun_listen_addr.from),
		    "%s publishes UDP port %u of the container as %u, and "
		    "clients are told %u: they get no answer from STUN",
		    run->compose->file, (unsigned)n, published, (unsigned)n)
		    ->fix = "publish it under its own number";
}

/* --- addresses --- */

static bool
is_documentation(struct slice text)
{
	static const char *const prefixes[] = { "192.0.2.0/24",
		"198.51.100.0/24", "203.0.113.0/24", "1.2.3.4/32" };
	struct netaddr ip;

	if (netaddr_parse_ip(&ip, text) == -1)
		return false;
	if (!ip.is_v4)
		return netaddr_in(&ip, "2001:db8::/32");
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		if (netaddr_in(&ip, prefixes[i]))
			return true;
	return false;
}

static void
judge_documentation(
    struct rule_run *run, const struct headscale_text *text, const char *key)
{
	if (is_added(run) && is_documentation(text->v))
		rule_found(run, setting_at(run, &text->from),
		    "%s is %.*s, an address from headscale's example or from "
		    "documentation: clients cannot reach it",
		    setting_name(&text->from, key), RULE_SHOWN(text->v))
		    ->fix = "write the server's own address, or remove it";
}

static void
documentation_ip(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);

	judge_documentation(run, &c->ipv4, "derp.server.ipv4");
	judge_documentation(run, &c->ipv6, "derp.server.ipv6");
}

/* --- keys and clients --- */

static void
same_key(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);

	if (is_on(run) && c->private_key_path.v.n > 0 &&
	    slice_eq(c->private_key_path.v, c->noise_key_path.v))
		rule_found(run, setting_at(run, &c->private_key_path.from),
		    "derp.server.private_key_path is noise.private_key_path: "
		    "headscale does not start with one key for both")
		    ->fix = "name another file; headscale makes the key";
}

static void
verify_off(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);

	if (is_on(run) && !c->verify_clients.v && c->verify_clients.fits &&
	    setting_is_given(&c->verify_clients.from))
		rule_found(run, setting_at(run, &c->verify_clients.from),
		    "verify_clients is off: anyone may use the relay")
		    ->fix = "set verify_clients: true";
}

/* --- not added automatically --- */

static void
no_paths(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);

	if (is_on(run) && !c->automatically_add.v && c->paths.v.n == 0)
		rule_found(run, setting_at(run, &c->automatically_add.from),
		    "the embedded region is not added and there is no "
		    "derp.paths that could have it: headscale does not start")
		    ->fix = "name a map with the region in derp.paths";
}

static bool
map_has_host(const struct derpmap *m, struct slice host)
{
	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++)
			if (!m->regions[i]->nodes[j]->is_nil &&
			    slice_eq(
				m->regions[i]->nodes[j]->host_name.v, host))
				return true;
	return false;
}

static void
missing_region(struct rule_run *run)
{
	const struct headscale_config *c = setting_config(run);
	struct slice host = setting_server_host(run);

	if (is_on(run) && !c->automatically_add.v && c->paths.v.n > 0 &&
	    run->effective->sources.complete &&
	    !map_has_host(&run->effective->map, host))
		rule_found(run, setting_at(run, &c->automatically_add.from),
		    "the embedded region is not added and no map has a node "
		    "with the host of server_url, %.*s: the server runs and "
		    "no client knows it",
		    RULE_SHOWN(host));
}

#define SERVER_GO "headscale hscontrol/derp/server/derp_server.go"
#define CONFIG_GO "headscale hscontrol/types/config.go"

/* DIFFERS: proxy-upgrade is information, because most proxies are set up
 * right; only `derpmap probe` can tell. */
static const struct rule rules[] = {
	{ "H17", "embedded-region-zero", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = region_zero }, "the embedded region has id 0",
	    "Id 0 is \"no relay\" for clients.", SERVER_GO },
	{ "H18", "embedded-collision", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = collision },
	    "the embedded region has the id of another one",
	    "It is put in last and replaces the other one.",
	    "headscale hscontrol/app.go; headscale issue 2836" },
	{ "H19", "embedded-http", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = server_http }, "the embedded server without TLS",
	    "Clients always speak TLS to relays.", SERVER_GO },
	{ "H20", "embedded-server-url", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = server_host },
	    "an embedded server whose host clients cannot reach",
	    "Its host is that of server_url.", SERVER_GO },
	{ "H21", "embedded-stun-addr", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = stun_address },
	    "a STUN address that does not serve clients",
	    "It must be there, not be loopback, and have a port in digits.",
	    SERVER_GO },
	{ "H22", "embedded-stun-port-remap", SEVERITY_WARNING, RULE_CONFIG,
	    { .config = stun_published },
	    "a STUN port that is published under another number, or not",
	    "Clients are told the port of stun_listen_addr, also where a "
	    "container has it. Only --compose can tell.",
	    "headscale issue 673; tailscale issue 11180" },
	{ "H23", "embedded-doc-ip", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = documentation_ip },
	    "ipv4 or ipv6 is an address from documentation",
	    "The shipped example has such addresses.",
	    "headscale config-example.yaml" },
	{ "H24", "embedded-key-equals-noise", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = same_key }, "one private key for two purposes",
	    "headscale does not start.", "headscale hscontrol/app.go" },
	{ "H25", "embedded-verify-off", SEVERITY_WARNING, RULE_CONFIG,
	    { .config = verify_off }, "an embedded server for everybody",
	    "Without verify_clients anyone may use the relay.", SERVER_GO },
	{ "H26", "embedded-noauto-nopaths", SEVERITY_ERROR, RULE_CONFIG,
	    { .config = no_paths },
	    "the embedded region is not added and cannot be elsewhere",
	    "headscale does not start.", CONFIG_GO },
	{ "H27", "embedded-noauto-missing-region", SEVERITY_WARNING,
	    RULE_CONFIG, { .config = missing_region },
	    "the embedded server is in no map",
	    "It runs and no client knows it.", SERVER_GO },
	{ "H29", "proxy-upgrade", SEVERITY_INFO, RULE_CONFIG,
	    { .config = proxy_upgrade },
	    "an embedded server behind a reverse proxy",
	    "The proxy must pass `Upgrade: DERP` on.",
	    "headscale issues 876 and 491" },
};

const struct rule_group rules_embedded = { rules,
	sizeof rules / sizeof rules[0] };
