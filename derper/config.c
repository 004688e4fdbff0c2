/* config: see config.h. */
#include "config.h"

#include "cpu_limit.h"
#include "num.h"
#include "opts.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEV_ADDR ":3340" /* what -dev listens on */

static const struct config defaults = {
	.addr_text = ":443",
	.key_path = "",
	.cert_dir = "",
	.cert_mode = "letsencrypt",
	.hostname = "derp.tailscale.com",
	.home = "",
	.socket = "",
	.verify_url = "",
	.http_port = 80,
	.stun_port = 3478,
	.derp = true,
	.stun = true,
	.verify_url_fail_open = true,
	.keepalive_ms = 600000,
	.user_timeout_ms = 15000,
	.write_timeout_ms = 2000,
	.verify_url_ca = "",
	.tls_records_text = "own",
	.max_connections = 65536,
	.max_per_address = 8192,
	/* both queues full of the largest packets: what upstream can hold */
	.queue_bytes = 2LL * CONFIG_QUEUE_DEPTH * 65573,
	.queue_bytes_total = 256LL << 20,
	.batch_delay_us = 500,
	.drain_timeout_ms = 1000,
	.queue_depth = CONFIG_QUEUE_DEPTH,
};

#define AT(member) offsetof(struct config, member)

/* All flags: the Go derper's first. */
static const struct {
	const char *name;
	enum opts_kind kind;
	size_t at; /* of the value in struct config */
	const char *arg;
	const char *help;
} flags[] = {
	{ "a", OPTS_TEXT, AT(addr_text), "addr",
	    "listen address, [ip]:port; TLS is served on port 443 or "
	    "with -certmode manual, plain HTTP otherwise" },
	{ "c", OPTS_TEXT, AT(key_path), "path", "key file" },
	{ "certdir", OPTS_TEXT, AT(cert_dir), "dir",
	    "folder with HOSTNAME.crt and HOSTNAME.key" },
	{ "certmode", OPTS_TEXT, AT(cert_mode), "mode",
	    "how to get a certificate: manual" },
	{ "derp", OPTS_BOOL, AT(derp), NULL,
	    "relay packets; false leaves STUN and the probe pages" },
	{ "dev", OPTS_BOOL, AT(dev), NULL,
	    "plain HTTP on " DEV_ADDR ", new key each start" },
	{ "home", OPTS_TEXT, AT(home), "what",
	    "home page: empty for the default, blank, or a URL to "
	    "redirect to" },
	{ "hostname", OPTS_TEXT, AT(hostname), "name",
	    "TLS host name, or an IP address" },
	{ "http-port", OPTS_INT, AT(http_port), "port",
	    "plain HTTP port in TLS mode; -1 for none" },
	{ "socket", OPTS_TEXT, AT(socket), "path",
	    "tailscaled socket for -verify-clients" },
	{ "stun", OPTS_BOOL, AT(stun), NULL, "run a STUN server" },
	{ "stun-port", OPTS_INT, AT(stun_port), "port",
	    "UDP port of the STUN server" },
	{ "tcp-keepalive-time", OPTS_DURATION, AT(keepalive_ms), "time",
	    "TCP keep-alive time" },
	{ "tcp-user-timeout", OPTS_DURATION, AT(user_timeout_ms), "time",
	    "TCP user timeout" },
	{ "tcp-write-timeout", OPTS_DURATION, AT(write_timeout_ms), "time",
	    "close a client that acknowledges nothing for four times "
	    "this long while more waits for it; 0 for never" },
	{ "verify-clients", OPTS_BOOL, AT(verify_clients), NULL,
	    "admit only nodes that the local tailscaled knows" },
	{ "verify-client-url", OPTS_TEXT, AT(verify_url), "url",
	    "ask this admission URL about every client" },
	{ "verify-client-url-fail-open", OPTS_BOOL, AT(verify_url_fail_open),
	    NULL, "admit clients while the admission URL is unreachable" },
	{ "version", OPTS_BOOL, AT(show_version), NULL,
	    "print the version and exit" },
	/* not in the Go derper */
	{ "verify-client-url-ca", OPTS_TEXT, AT(verify_url_ca), "file",
	    "PEM roots for the admission URL instead of the system's" },
	{ "tls-records", OPTS_TEXT, AT(tls_records_text), "who",
	    "who seals TLS 1.3 records: own or openssl" },
	{ "loops", OPTS_INT, AT(workers), "n",
	    "number of event loops; 0 for one per CPU" },
	{ "max-connections", OPTS_INT, AT(max_connections), "n",
	    "most connections at a time" },
	{ "max-connections-per-address", OPTS_INT, AT(max_per_address), "n",
	    "most connections from one IP address" },
	{ "queue-bytes", OPTS_INT, AT(queue_bytes), "n",
	    "most bytes queued for one client" },
	{ "queue-bytes-total", OPTS_INT, AT(queue_bytes_total), "n",
	    "most bytes queued for all clients" },
	{ "batch-delay-us", OPTS_INT, AT(batch_delay_us), "n",
	    "at a high rate, coalesce packets of busy clients for this many "
	    "microseconds; 0 for never" },
	{ "drain-timeout", OPTS_DURATION, AT(drain_timeout_ms), "time",
	    "longest wait for output at shutdown (SIGTERM)" },
	/* the Go derper's, still to come */
	{ "accept-connection-burst", OPTS_LATER, 0, NULL, "" },
	{ "accept-connection-limit", OPTS_LATER, 0, NULL, "" },
	{ "ace", OPTS_LATER, 0, NULL, "" },
	{ "acme-eab-key", OPTS_LATER, 0, NULL, "" },
	{ "acme-eab-kid", OPTS_LATER, 0, NULL, "" },
	{ "acme-email", OPTS_LATER, 0, NULL, "" },
	{ "acme-ip-certs", OPTS_LATER, 0, NULL, "" },
	{ "bootstrap-dns-names", OPTS_LATER, 0, NULL, "" },
	{ "mesh-psk-file", OPTS_LATER, 0, NULL, "" },
	{ "mesh-with", OPTS_LATER, 0, NULL, "" },
	{ "rate-config", OPTS_LATER, 0, NULL, "" },
	{ "secrets-cache-dir", OPTS_LATER, 0, NULL, "" },
	{ "secrets-path-prefix", OPTS_LATER, 0, NULL, "" },
	{ "secrets-url", OPTS_LATER, 0, NULL, "" },
	{ "unpublished-bootstrap-dns-names", OPTS_LATER, 0, NULL, "" },
};

#define FLAG_COUNT (sizeof flags / sizeof flags[0])
#define OPTION_COUNT (FLAG_COUNT + VERIFY_KINDS_MAX)

/* The options with *c as the place for their values: the flags, and one for
 * each kind of verify source that has one. Returns their number. */
static size_t
fill_table(struct opts_option table[static OPTION_COUNT], struct config *c)
{
	const struct verify_source_kind *kind;
	size_t n = 0;

	for (; n < FLAG_COUNT; n++)
		table[n] = (struct opts_option){ flags[n].name, flags[n].kind,
			(char *)c + flags[n].at, flags[n].arg, flags[n].help };
	for (size_t i = 0; (kind = verify_kinds_get(i)) != NULL; i++)
		if (kind->relay_option != NULL)
			table[n++] = (struct opts_option){ kind->relay_option,
				OPTS_LIST, &c->verify_sources[i],
				kind->argument_name, kind->relay_help };
	return n;
}

static void
set_cert_dir_default(struct config *c, char *(*env)(const char *name))
{
	const char *cache = env("XDG_CACHE_HOME");
	const char *home = env("HOME");
	const char *const tail = "tailscale/derper-certs";

	if (cache != NULL && cache[0] != '\0')
		snprintf(c->cert_dir_default, sizeof c->cert_dir_default,
		    "%s/%s", cache, tail);
	else if (home != NULL && home[0] != '\0')
		snprintf(c->cert_dir_default, sizeof c->cert_dir_default,
		    "%s/.cache/%s", home, tail);
	else
		c->cert_dir_default[0] = '\0';
	c->cert_dir = c->cert_dir_default;
}

/* The variables of the common container image, as defaults for flags. */
static int
apply_environment(
    const struct opts *opts, char *(*env)(const char *name), struct fail *why)
{
	static const char *const map[][2] = {
		{ "DERP_DOMAIN", "hostname" },
		{ "DERP_CERT_MODE", "certmode" },
		{ "DERP_CERT_DIR", "certdir" },
		{ "DERP_ADDR", "a" },
		{ "DERP_STUN", "stun" },
		{ "DERP_STUN_PORT", "stun-port" },
		{ "DERP_HTTP_PORT", "http-port" },
		{ "DERP_VERIFY_CLIENTS", "verify-clients" },
		{ "DERP_VERIFY_CLIENT_URL", "verify-client-url" },
	};
	struct fail inner = { 0 };
	const char *value;

	for (size_t i = 0; i < sizeof map / sizeof map[0]; i++) {
		value = env(map[i][0]);
		if (value == NULL || value[0] == '\0')
			continue;
		if (opts_set(opts, map[i][1], value, &inner) == -1)
			return fail_set(why, "%s: %s", map[i][0], inner.text);
	}
	return 0;
}

static int
parse_home(struct config *c, struct fail *why)
{
	struct slice home = slice_str(c->home);

	if (home.n == 0)
		c->home_kind = CONFIG_HOME_DEFAULT;
	else if (slice_is(home, "blank"))
		c->home_kind = CONFIG_HOME_BLANK;
	else if ((slice_starts(home, "http://") ||
		     slice_starts(home, "https://")) &&
	    strpbrk(c->home, "\r\n") == NULL)
		c->home_kind = CONFIG_HOME_REDIRECT;
	else
		return fail_set(why, "unknown --home value \"%s\"", c->home);
	return 0;
}

static int
parse_address(struct config *c, struct fail *why)
{
	if (c->dev)
		c->addr_text = DEV_ADDR;
	if (netaddr_parse_listen(&c->addr, slice_str(c->addr_text)) == -1)
		return fail_set(why,
		    "invalid server address: \"%s\" is not [ip]:port",
		    c->addr_text);
	return 0;
}

static int
parse_tls(struct config *c, struct fail *why)
{
	const bool manual = strcmp(c->cert_mode, "manual") == 0;
	struct netaddr ip;

	c->use_tls = c->addr.port == 443 || manual;
	c->hostname_is_ip = netaddr_parse_ip(&ip, slice_str(c->hostname)) == 0;
	if (strcmp(c->tls_records_text, "own") == 0)
		c->tls_records = TLS_RECORDS_NATIVE;
	else if (strcmp(c->tls_records_text, "openssl") == 0)
		c->tls_records = TLS_RECORDS_OPENSSL;
	else
		return fail_set(why,
		    "unknown --tls-records value \"%s\": "
		    "use own or openssl",
		    c->tls_records_text);
	if (!c->use_tls)
		return 0;
	if (strcmp(c->cert_mode, "letsencrypt") == 0 ||
	    strcmp(c->cert_mode, "gcp") == 0)
		return fail_set(why,
		    "-certmode %s is not supported yet; use -certmode manual "
		    "with HOSTNAME.crt and HOSTNAME.key in -certdir",
		    c->cert_mode);
	if (!manual)
		return fail_set(
		    why, "unsupport cert mode: \"%s\"", c->cert_mode);
	if (c->cert_dir[0] == '\0')
		return fail_set(why, "missing required --certdir flag");
	return 0;
}

static int
check_range(
    const char *name, int64_t value, int64_t min, int64_t max, struct fail *why)
{
	if (value >= min && value <= max)
		return 0;
	return fail_set(why, "-%s %lld is not between %lld and %lld", name,
	    (long long)value, (long long)min, (long long)max);
}

static int
parse_numbers(
    struct config *c, char *(*env)(const char *name), struct fail *why)
{
	const char *depth = env("TS_DEBUG_DERP_PER_CLIENT_SEND_QUEUE_DEPTH");
	int64_t n;

	if (c->workers == 0) {
		c->workers = cpu_limit("");
		if (c->workers > CONFIG_WORKERS_MAX)
			c->workers = CONFIG_WORKERS_MAX;
	}
	if (depth != NULL && depth[0] != '\0') {
		if (num_parse_int(slice_str(depth), 1, 65536, &n) == -1)
			return fail_set(why,
			    "TS_DEBUG_DERP_PER_CLIENT_SEND_QUEUE_DEPTH: "
			    "\"%s\" is not a number from 1 to 65536",
			    depth);
		c->queue_depth = (unsigned)n;
	}
	if (check_range("loops", c->workers, 1, CONFIG_WORKERS_MAX, why) ==
		-1 ||
	    check_range("tcp-user-timeout", (int64_t)c->user_timeout_ms, 0,
		INT_MAX, why) == -1 ||
	    check_range("tcp-keepalive-time", (int64_t)c->keepalive_ms, 0,
		INT_MAX, why) == -1 ||
	    check_range("http-port", c->http_port, -1, 65535, why) == -1 ||
	    check_range("stun-port", c->stun_port, 0, 65535, why) == -1 ||
	    check_range(
		"max-connections", c->max_connections, 1, 1 << 22, why) == -1 ||
	    check_range("max-connections-per-address", c->max_per_address, 1,
		1 << 22, why) == -1 ||
	    check_range("queue-bytes", c->queue_bytes, 65573, 1 << 30, why) ==
		-1 ||
	    check_range("queue-bytes-total", c->queue_bytes_total, 65573,
		INT64_C(1) << 40, why) == -1)
		return -1;
	return 0;
}

enum config_result
config_parse(struct config *config, int argc, char **argv,
    char *(*env)(const char *name), struct fail *why)
{
	struct opts_option table[OPTION_COUNT];
	struct opts opts = { .table = table };

	*config = defaults;
	set_cert_dir_default(config, env);
	opts.count = fill_table(table, config);
	if (apply_environment(&opts, env, why) == -1)
		return CONFIG_BAD;
	switch (opts_parse(&opts, argc, argv, why)) {
	case OPTS_HELP:
		return CONFIG_HELP;
	case OPTS_BAD:
		return CONFIG_USAGE;
	case OPTS_OK:
		break;
	}
	if (config->show_version)
		return CONFIG_OK;
	if (parse_address(config, why) == -1 || parse_home(config, why) == -1 ||
	    parse_tls(config, why) == -1 ||
	    parse_numbers(config, env, why) == -1)
		return CONFIG_BAD;
	return CONFIG_OK;
}

void
config_print_usage(void)
{
	struct opts_option table[OPTION_COUNT];
	struct config config = defaults;
	struct opts opts = { .table = table };

	set_cert_dir_default(&config, getenv);
	opts.count = fill_table(table, &config);
	fputs("Usage of derper:\n", stderr);
	opts_print(&opts, stderr);
	fputs("\nExamples:\n"
	      "  derper -hostname 203.0.113.7 -certmode manual -certdir "
	      "/var/lib/derper/certs -verify-nodes /etc/derper/nodes\n"
	      "  derper -hostname derp.example.net -certmode manual -certdir "
	      "/etc/derper/certs -verify-client-url "
	      "https://headscale.example.net/verify "
	      "-verify-client-url-fail-open=false\n"
	      "  derper -dev\n",
	    stderr);
}
