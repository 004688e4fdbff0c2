/* generate: see generate.h. */
#include "generate.h"

#include "cert.h"
#include "hostname.h"
#include "pin.h"
#include "port.h"
#include "utf8.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool
is_documentation(const struct netaddr *a)
{
	/* RFC 5737, RFC 3849 */
	if (!a->is_v4)
		return netaddr_in(a, "2001:db8::/32");
	return netaddr_in(a, "192.0.2.0/24") ||
	    netaddr_in(a, "198.51.100.0/24") || netaddr_in(a, "203.0.113.0/24");
}

/* What to say of a fault, after "--hostname NAME"; NULL: none. */
static const char *
fault_text(enum hostname_fault fault)
{
	switch (fault) {
	case HOSTNAME_EMPTY:
		return " is empty";
	case HOSTNAME_LONG:
		return " is longer than 253 characters";
	case HOSTNAME_LABEL_EMPTY:
	case HOSTNAME_LAST_DOT:
		return ": two dots in a row, or one at an end";
	case HOSTNAME_LABEL_LONG:
		return ": a part is longer than 63 characters";
	case HOSTNAME_LABEL_DASH:
		return ": a part begins or ends with a dash";
	case HOSTNAME_UPPER:
		return ": use lower case; derper compares the name letter by "
		       "letter";
	case HOSTNAME_NOT_ASCII:
		return ": write names outside ASCII in their xn-- form";
	case HOSTNAME_UNDERSCORE:
	case HOSTNAME_CHARACTER:
		break; /* said with the character */
	case HOSTNAME_NUMERIC:
		return " is not an address";
	}
	return NULL;
}

static int
check_hostname(const char *hostname, struct fail *why)
{
	char shown[HOSTNAME_SHOWN];
	struct hostname h;
	const char *fault;

	if (hostname == NULL || hostname[0] == '\0')
		return fail_set(why,
		    "--hostname is needed: the name (or address) clients "
		    "connect to");
	hostname_check(&h, slice_str(hostname));
	if (h.is_address && is_documentation(&h.address))
		return fail_set(why,
		    "--hostname %s is an address for documentation only",
		    hostname);
	hostname_show(
	    shown, h.first == HOSTNAME_UNDERSCORE ? '_' : h.character);
	if (h.first == HOSTNAME_UNDERSCORE || h.first == HOSTNAME_CHARACTER)
		return fail_set(why,
		    "--hostname %s: %s cannot be in a host name; give the "
		    "name alone, without scheme, port and path",
		    hostname, shown);
	fault = fault_text(h.first);
	return fault != NULL ? fail_set(why, "--hostname %s%s", hostname, fault)
			     : 0;
}

static int
check_address(const char *option, const char *text, bool v4, struct fail *why)
{
	struct netaddr ip;

	if (text == NULL || strcmp(text, "none") == 0)
		return 0;
	if (netaddr_parse_ip(&ip, slice_str(text)) == -1 || ip.is_v4 != v4)
		return fail_set(why, "%s %s is not an IPv%c address (nor none)",
		    option, text, v4 ? '4' : '6');
	if (is_documentation(&ip))
		return fail_set(why,
		    "%s %s is an address for documentation only", option, text);
	return 0;
}

/* C0, DEL and C1. */
static bool
has_control(struct slice text)
{
	uint32_t code;

	for (size_t n; text.n > 0; text = slice_of(text.p + n, text.n - n)) {
		n = utf8_next(text, &code);
		if (n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
			return true;
	}
	return false;
}

static int
check_text(const char *option, const char *text, struct fail *why)
{
	if (text != NULL && text[0] == '\0')
		return fail_set(why, "%s is empty", option);
	if (text != NULL && !utf8_valid(slice_str(text)))
		return fail_set(why, "%s is not UTF-8", option);
	if (text != NULL && has_control(slice_str(text)))
		return fail_set(why,
		    "%s has a control character, which terminals that show it "
		    "would obey",
		    option);
	return 0;
}

static int
check_cert_name(const char *text, struct fail *why)
{
	if (text == NULL)
		return 0;
	if (check_text("--cert-name", text, why) == -1)
		return -1;
	if (pin_is_meant(slice_str(text)) && !pin_is_valid(slice_str(text)))
		return fail_set(why,
		    "--cert-name: a pin is " PIN_PREFIX
		    " and 64 digits of lower-case hex, without colons");
	return 0;
}

static int
check_ports(const struct generate_config *c, struct fail *why)
{
	if (!port_is_valid(c->derp_port))
		return fail_set(why, "--derp-port %lld is not a port",
		    (long long)c->derp_port);
	if (c->derp_port == PORT_HTTP)
		return fail_set(
		    why, "--derp-port 80: clients always speak TLS to a relay");
	if (c->stun_port != PORT_STUN_OFF && !port_is_valid(c->stun_port))
		return fail_set(why,
		    "--stun-port %lld is not a port (-1 switches STUN off)",
		    (long long)c->stun_port);
	return 0;
}

static int
check(const struct generate_config *c, struct fail *why)
{
	if (c->region_id < 900 || c->region_id > 999)
		return fail_set(why,
		    "--region-id %lld: 900 to 999 are for relays of one's own; "
		    "others belong to Tailscale's regions",
		    (long long)c->region_id);
	if (check_hostname(c->hostname, why) == -1 ||
	    check_text("--region-code", c->region_code, why) == -1 ||
	    check_text("--region-name", c->region_name, why) == -1 ||
	    check_text("--node-name", c->node_name, why) == -1 ||
	    check_cert_name(c->cert_name, why) == -1 ||
	    check_address("--ipv4", c->ipv4, true, why) == -1 ||
	    check_address("--ipv6", c->ipv6, false, why) == -1 ||
	    check_ports(c, why) == -1)
		return -1;
	if (c->ipv4 != NULL && c->ipv6 != NULL &&
	    strcmp(c->ipv4, "none") == 0 && strcmp(c->ipv6, "none") == 0)
		return fail_set(
		    why, "--ipv4 none and --ipv6 none leave no way to connect");
	if (c->can_port80 && (c->ipv4 == NULL || strcmp(c->ipv4, "none") == 0))
		return fail_set(
		    why, "--can-port80 needs --ipv4: clients ask that address");
	return 0;
}

static struct derpmap_text
text_of(const char *text)
{
	return (
	    struct derpmap_text){ .v = slice_str(text != NULL ? text : "") };
}

static void
fill_node(struct generated *g, const struct generate_config *c)
{
	struct derpmap_node *node = &g->node;
	struct netaddr ip;

	snprintf(g->node_name, sizeof g->node_name, "%llda",
	    (long long)c->region_id);
	node->name =
	    text_of(c->node_name != NULL ? c->node_name : g->node_name);
	node->region_id.v = c->region_id;
	node->host_name = text_of(c->hostname);
	node->cert_name = text_of(c->cert_name);
	node->ipv4 = text_of(c->ipv4);
	node->ipv6 = text_of(c->ipv6);
	/* a relay known by its address has no other: without "none" clients
	 * look for one, and netcheck waits for it */
	if (netaddr_parse_ip(&ip, slice_str(c->hostname)) == 0) {
		if (c->ipv4 == NULL)
			node->ipv4 = text_of(ip.is_v4 ? c->hostname : "none");
		if (c->ipv6 == NULL)
			node->ipv6 = text_of(ip.is_v4 ? "none" : c->hostname);
	}
	node->derp_port.v = c->derp_port == PORT_DERP ? 0 : c->derp_port;
	node->stun_port.v = c->stun_port == PORT_STUN ? 0 : c->stun_port;
	node->can_port80.v = c->can_port80;
}

int
generate_map(
    struct generated *g, const struct generate_config *config, struct fail *why)
{
	*g = (struct generated){ .node_name = "" };
	if (check(config, why) == -1)
		return -1;
	fill_node(g, config);
	g->nodes[0] = &g->node;
	g->regions[0] = &g->region;
	g->region.key = config->region_id;
	g->region.region_id.v = config->region_id;
	g->region.region_code = text_of(config->region_code);
	g->region.region_name = text_of(config->region_name);
	g->region.nodes = g->nodes;
	g->region.node_count = 1;
	g->map.regions = g->regions;
	g->map.region_count = 1;
	g->map.home_nil = true;
	return 0;
}

/* Whether clients can accept the certificate by its pin (tailscale
 * net/tlsdial): alone, in its time, and for the name when that is one. */
static int
check_pinned(const struct cert_info *info, const char *path,
    const char *hostname, int64_t now_s, struct fail *why)
{
	struct netaddr ip;
	bool is_for = true;

	if (info->count != 1)
		return fail_set(why,
		    "%s holds %u certificates: clients accept a pin only when "
		    "the relay sends one",
		    path, info->count);
	if (now_s < info->not_before_s || now_s > info->not_after_s)
		return fail_set(why,
		    "%s is %s: clients reject it, pinned or not; let derper "
		    "make a new one",
		    path,
		    now_s > info->not_after_s ? "expired" : "not valid yet");
	if (netaddr_parse_ip(&ip, slice_str(hostname)) == -1 &&
	    cert_file_is_for(path, hostname, &is_for, why) == -1)
		return -1;
	return is_for
	    ? 0
	    : fail_set(why,
		  "%s is not for %s: clients reject it, pinned or not", path,
		  hostname);
}

/* What clients refuse, or the relay itself, is of no use in a map. The key may
 * be on another host. */
static int
check_served(const struct cert_info *info, const char *cert_file,
    const char *hostname, int64_t now_s, struct fail *why)
{
	const enum cert_age age = cert_age(info, now_s);
	char key_file[PATH_MAX];

	if (age == CERT_EXPIRED || age == CERT_NOT_YET)
		return fail_set(why, "%s is %s: clients reject it; renew it",
		    cert_file,
		    age == CERT_EXPIRED ? "expired" : "not valid yet");
	snprintf(key_file, sizeof key_file, "%.*s.key",
	    (int)(strlen(cert_file) - strlen(".crt")), cert_file);
	if (access(key_file, F_OK) == 0)
		return cert_check_pair(cert_file, key_file, hostname, why);
	return info->self_signed
	    ? 0
	    : cert_check_pair(cert_file, NULL, hostname, why);
}

int
generate_from_derper(const char *certdir, const char *hostname, int64_t now_s,
    char pin[static PIN_TEXT], bool *pinned, struct fail *why)
{
	char stem[HOSTNAME_MAX + 1], path[PATH_MAX];
	struct cert_info info;
	size_t n = 0;

	*pinned = false;
	for (const char *p = hostname; *p != '\0'; p++) {
		bool keep = (*p >= 'a' && *p <= 'z') ||
		    (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
		    *p == '.' || *p == '-';

		if (keep && n == HOSTNAME_MAX)
			return fail_set(why, "--hostname is too long");
		if (keep)
			stem[n++] = *p;
	}
	stem[n] = '\0';
	if ((size_t)snprintf(path, sizeof path, "%s/%s.crt", certdir, stem) >=
	    sizeof path)
		return fail_set(why, "%s: the name is too long", certdir);
	if (cert_load_info(&info, path, why) == -1)
		return -1;
	if (info.self_signed) {
		if (check_pinned(&info, path, hostname, now_s, why) == -1)
			return -1;
		pin_format(pin, info.sha256);
		*pinned = true;
	}
	return check_served(&info, path, hostname, now_s, why);
}
