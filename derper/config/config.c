/* config: see config.h. */
#include "config.h"

#include "cpu_limit.h"
#include "num.h"
#include "sandbox.h"

#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_HOSTNAME "derp.tailscale.com"

static const struct config defaults = {
	.addr_text = ":443",
	.key_path = "",
	.cert_dir = "",
	.cert_mode = "letsencrypt",
	.hostname = DEFAULT_HOSTNAME,
	.home = "",
	.control_socket = "",
	.completion = "",
	.socket = "",
	.verify_url = "",
	.mesh_psk_file = "",
	.mesh_with = "",
	.secrets_url = "",
	.secrets_path_prefix = "prod/derp",
	.secrets_cache_dir = "",
	.proxy_from_text = "",
	.rate_config = "",
	.bootstrap_names = "",
	.unpublished_names = "",
	.accept_limit = HUGE_VAL,
	.accept_burst = INT64_MAX,
	.http_port = 80,
	.stun_port = 3478,
	.derp = true,
	.stun = true,
	.verify_url_fail_open = true,
	.keepalive_ms = 600000,
	.user_timeout_ms = 15000,
	.write_timeout_ms = 2000,
	.acme = { .email = "",
	    .eab_key_file = "",
	    .eab_kid = "",
	    .eab_key = "",
	    .directory = "",
	    .ca_file = "" },
	.verify_url_ca = "",
	.verify_config = "",
	.log_format = "auto",
	.log_level = "info",
	.tls_records_text = "native",
	.max_connections = 65536,
	.max_per_address = 8192,
	.max_handshakes = 384,
	.max_handshakes_per_address = 288,
	.login_bytes_total = 20LL << 20,
	/* both queues full of the largest packets: what upstream can hold */
	.queue_bytes = 2LL * CONFIG_QUEUE_DEPTH * CONFIG_FRAME_MAX,
	.queue_bytes_total = 256LL << 20,
	.batch_delay_us = 500,
	.drain_timeout_ms = 1000,
	.landlock = SANDBOX_DEFAULT,
	.seccomp = SANDBOX_DEFAULT,
	.keep_capabilities = !SANDBOX_DEFAULT,
	.core_dumps = !SANDBOX_DEFAULT,
	.queue_depth = CONFIG_QUEUE_DEPTH,
};

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

/* The places where upstream looks for a mesh key that nobody names. */
static void
set_mesh_psk_default(struct config *c, char *(*env)(const char *name))
{
	static const char system_place[] = "/home/derp/keys/derp-mesh.key";
	const char *home = env("HOME");

	c->mesh_psk_file = "";
	snprintf(c->mesh_psk_default, sizeof c->mesh_psk_default,
	    "%s/keys/derp-mesh.key", home != NULL ? home : "");
	if (access(system_place, F_OK) == 0)
		c->mesh_psk_file = system_place;
	else if (home != NULL && home[0] != '\0' &&
	    access(c->mesh_psk_default, F_OK) == 0)
		c->mesh_psk_file = c->mesh_psk_default;
}

/* Under systemd with RuntimeDirectory= there is a folder that only we write to,
 * and that is removed when we end. */
static void
set_control_socket_default(struct config *c, char *(*env)(const char *name))
{
	const char *folders = env("RUNTIME_DIRECTORY");
	struct slice first, rest;

	c->control_socket = c->control_socket_default;
	c->control_socket_default[0] = '\0';
	if (folders == NULL || folders[0] == '\0')
		return;
	(void)slice_cut(slice_str(folders), ':', &first, &rest);
	snprintf(c->control_socket_default, sizeof c->control_socket_default,
	    "%.*s/%s", (int)first.n, (const char *)first.p,
	    CONFIG_CONTROL_SOCKET_NAME);
}

void
config_init(struct config *config, char *(*env)(const char *name))
{
	*config = defaults;
	set_cert_dir_default(config, env);
	set_mesh_psk_default(config, env);
	set_control_socket_default(config, env);
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

/* The address of a name, an IPv4 one if it has any, as Go's net.Listen does.
 */
static int
resolve(struct config *c, const char *name, struct fail *why)
{
	const struct addrinfo want = { .ai_socktype = SOCK_STREAM };
	const uint16_t port = c->addr.port;
	struct addrinfo *found, *use;
	struct sockaddr_storage sa = { 0 };
	int rc = getaddrinfo(name, NULL, &want, &found);

	if (rc != 0)
		return fail_set(why, "invalid server address: %s: %s", name,
		    gai_strerror(rc));
	for (use = found; use != NULL && use->ai_family != AF_INET;)
		use = use->ai_next;
	if (use == NULL)
		use = found;
	memcpy(&sa, use->ai_addr, use->ai_addrlen);
	freeaddrinfo(found);
	netaddr_from_sockaddr(&c->addr, &sa);
	c->addr.port = port;
	return 0;
}

/* "name:port". */
static int
parse_name(struct config *c, struct fail *why)
{
	const char *colon = strrchr(c->addr_text, ':');
	char name[256];

	if (colon == NULL || colon == c->addr_text ||
	    (size_t)(colon - c->addr_text) >= sizeof name ||
	    memchr(c->addr_text, ':', (size_t)(colon - c->addr_text)) != NULL ||
	    netaddr_parse_listen(&c->addr, slice_str(colon)) == -1)
		return fail_set(why,
		    "invalid server address: \"%s\" is not [host]:port",
		    c->addr_text);
	snprintf(name, sizeof name, "%.*s", (int)(colon - c->addr_text),
	    c->addr_text);
	return resolve(c, name, why);
}

static int
parse_address(struct config *c, struct fail *why)
{
	if (c->dev)
		c->addr_text = CONFIG_DEV_ADDR;
	if (netaddr_parse_listen(&c->addr, slice_str(c->addr_text)) == 0)
		return 0;
	return parse_name(c, why);
}

bool
config_has_hostname(const struct config *c)
{
	return strcmp(c->hostname, DEFAULT_HOSTNAME) != 0;
}

bool
config_knows_cert_mode(const struct config *c)
{
	return strcmp(c->cert_mode, "manual") == 0 ||
	    strcmp(c->cert_mode, "letsencrypt") == 0 ||
	    strcmp(c->cert_mode, "gcp") == 0;
}

static int
derive_acme(struct config *c, struct fail *why)
{
	return acme_config_derive(&c->acme,
	    &(struct acme_config_host){
		.mode = c->cert_mode,
		.hostname = c->hostname,
		.is_default = !config_has_hostname(c),
		.is_ip = c->hostname_is_ip,
		.has_http_port = c->http_port >= 0,
	    },
	    why);
}

static int
check_manual(const struct config *c, struct fail *why)
{
	if (!c->acme.ip_certs)
		return 0;
	return fail_set(why, "-acme-ip-certs needs -certmode letsencrypt");
}

/* DIFFERS: upstream drops what no file name may have, and serves a name that no
 * client asks for. Quotes, spaces and carriage returns are what docker's
 * --env-file and files from Windows leave around values. */
static bool
is_bare_host(const struct config *c)
{
	for (const char *at = c->hostname; *at != '\0'; at++) {
		const unsigned char byte = (unsigned char)*at;

		/* what is not ASCII may be a name that has yet to be encoded */
		if (byte <= ' ' || byte == 0x7f ||
		    strchr("\"'/\\", byte) != NULL ||
		    (byte == ':' && !c->hostname_is_ip))
			return false;
	}
	return true;
}

static int
parse_tls(struct config *c, struct fail *why)
{
	const bool manual = strcmp(c->cert_mode, "manual") == 0;
	struct netaddr ip;

	/* DIFFERS: upstream has no -acme-directory; whoever gives it wants TLS,
	 * on whatever port a load balancer or a container leads to */
	c->use_tls = c->addr.port == 443 || manual ||
	    (c->acme.directory[0] != '\0' && config_knows_cert_mode(c));
	c->hostname_is_ip = netaddr_parse_ip(&ip, slice_str(c->hostname)) == 0;
	/* "own" is what "native" was called */
	if (strcmp(c->tls_records_text, "native") == 0 ||
	    strcmp(c->tls_records_text, "own") == 0)
		c->tls_records = TLS_RECORDS_NATIVE;
	else if (strcmp(c->tls_records_text, "openssl") == 0)
		c->tls_records = TLS_RECORDS_OPENSSL;
	else
		return fail_set(why,
		    "unknown --tls-records value \"%s\": "
		    "use native or openssl",
		    c->tls_records_text);
	if (!c->use_tls)
		return 0;
	if (!config_knows_cert_mode(c))
		return fail_set(
		    why, "unsupport cert mode: \"%s\"", c->cert_mode);
	if (c->cert_dir[0] == '\0')
		return fail_set(why, "missing required --certdir flag");
	if (!is_bare_host(c))
		return fail_set(why,
		    "-hostname %s: give the name or address alone, without "
		    "scheme, port, path, quotes or spaces",
		    c->hostname);
	return manual ? check_manual(c, why) : derive_acme(c, why);
}

/* Two of our own sockets on one port would share its connections between
 * them, so that every second one speaks the wrong protocol. */
static int
check_ports(const struct config *c, struct fail *why)
{
	if (c->use_tls && c->addr.port != 0 && c->http_port == c->addr.port)
		return fail_set(why,
		    "-http-port %lld is the port of -a %s, where TLS is "
		    "spoken: choose another port, or -1 for none",
		    (long long)c->http_port, c->addr_text);
	return 0;
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
	/* Go's reads as no limit, or as one that lets nothing through */
	if (!(c->accept_limit > 0))
		return fail_set(why,
		    "-accept-connection-limit %g is not above 0",
		    c->accept_limit);
	if (c->max_before_login == 0)
		c->max_before_login = (c->max_connections + 1) / 2;
	if (depth == NULL || depth[0] == '\0')
		return 0;
	if (num_parse_int(slice_str(depth), 1, 65536, &n) == -1)
		return fail_set(why,
		    "TS_DEBUG_DERP_PER_CLIENT_SEND_QUEUE_DEPTH: \"%s\" is not "
		    "a number from 1 to 65536",
		    depth);
	c->queue_depth = (unsigned)n;
	return 0;
}

static int
read_rtt_variable(
    struct config *c, char *(*env)(const char *name), struct fail *why)
{
	const char *value = env("TS_DERP_DISABLE_RTT_STATS");
	bool disabled = false;

	if (value != NULL && value[0] != '\0' &&
	    num_parse_bool(slice_str(value), &disabled) == -1)
		return fail_set(why,
		    "TS_DERP_DISABLE_RTT_STATS: \"%s\" is not a bool", value);
	c->sample_rtt = !disabled;
	return 0;
}

static int
check_secrets(const struct config *c, struct fail *why)
{
	if (c->secrets_url[0] == '\0')
		return 0;
	return fail_set(why,
	    "-secrets-url: fetching the mesh key from a setec server is not "
	    "supported, as few have one: write the key into a file that only "
	    "the relay can read, and name it with -mesh-psk-file");
}

/* "192.0.2.0/24" or "192.0.2.1". */
static int
parse_proxy(struct netaddr_prefix *prefix, struct slice text)
{
	struct netaddr ip;

	if (netaddr_parse_prefix(prefix, text) == 0)
		return 0;
	if (netaddr_parse_ip(&ip, text) == -1)
		return -1;
	*prefix = (struct netaddr_prefix){ .bits = 128, .is_v4 = ip.is_v4 };
	memcpy(prefix->ip, ip.ip, sizeof prefix->ip);
	return 0;
}

static int
parse_proxies(struct config *c, struct fail *why)
{
	struct slice rest = slice_str(c->proxy_from_text), one;

	while (rest.n > 0) {
		(void)slice_cut(rest, ',', &one, &rest);
		one = slice_trim(one);
		if (c->proxy_from_count == CONFIG_PROXIES_MAX)
			return fail_set(why,
			    "-proxy-protocol-from: more than %d prefixes",
			    CONFIG_PROXIES_MAX);
		if (parse_proxy(&c->proxy_from[c->proxy_from_count], one) == -1)
			return fail_set(why,
			    "-proxy-protocol-from: \"%.*s\" is not an IP "
			    "address or prefix, like 192.0.2.0/24",
			    (int)(one.n < 64 ? one.n : 64),
			    (const char *)one.p);
		c->proxy_from_count++;
	}
	return 0;
}

int
config_derive(
    struct config *c, char *(*env)(const char *name), struct fail *why)
{
	if (parse_address(c, why) == -1 || parse_home(c, why) == -1 ||
	    parse_tls(c, why) == -1 || check_ports(c, why) == -1 ||
	    parse_proxies(c, why) == -1 || check_secrets(c, why) == -1 ||
	    read_rtt_variable(c, env, why) == -1)
		return -1;
	return parse_numbers(c, env, why);
}
