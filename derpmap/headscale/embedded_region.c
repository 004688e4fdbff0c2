/* embedded_region: see embedded_region.h. */
#include "embedded_region.h"

#include "go_url.h"
#include "num.h"
#include "port.h"

#include <inttypes.h>
#include <netdb.h>
#include <string.h>

/* strconv.Atoi: decimal, with or without a sign. */
static int
parse_decimal(struct slice text, int64_t *out)
{
	bool negative = slice_starts(text, "-");
	uint64_t n;

	if (negative || slice_starts(text, "+"))
		text = slice_of(text.p + 1, text.n - 1);
	if (num_parse_decimal(text, INT64_MAX, &n) == -1)
		return -1;
	*out = negative ? -(int64_t)n : (int64_t)n;
	return 0;
}

/* Host and port that clients are told, out of server_url. */
static int
server_address(const struct headscale_config *c, struct arena *a,
    struct slice *host, int64_t *port, struct fail *why)
{
	struct slice port_text;
	struct go_url url;

	if (go_url_parse(&url, a, c->server_url.v, why) == -1)
		return -1;
	if (go_url_split_host_port(url.host, host, &port_text, NULL) == -1) {
		*host = url.host;
		*port = slice_is(url.scheme, "https") ? PORT_DERP : PORT_HTTP;
		return 0;
	}
	return parse_decimal(port_text, port) == 0
	    ? 0
	    : fail_set(why, "the port of server_url is not a number");
}

static int
stun_port(const struct headscale_config *c, int64_t *port, struct fail *why)
{
	struct slice host, text;

	if (go_url_split_host_port(c->stun_listen_addr.v, &host, &text, why) ==
	    -1)
		return -1;
	return parse_decimal(text, port) == 0
	    ? 0
	    : fail_set(why,
		  "the port of derp.server.stun_listen_addr is not a number");
}

struct derpmap_region *
embedded_region(
    const struct headscale_config *c, struct arena *a, struct fail *why)
{
	struct derpmap_region *region = arena_alloc(a, 1, sizeof *region);
	struct derpmap_node *node = arena_alloc(a, 1, sizeof *node);
	struct derpmap_node **nodes = arena_alloc(a, 1, sizeof *nodes);
	const char *name = arena_printf(a, "%" PRId64, c->region_id.v);

	if (region == NULL || node == NULL || nodes == NULL || name == NULL) {
		fail_set(why, "not enough memory");
		return NULL;
	}
	if (server_address(c, a, &node->host_name.v, &node->derp_port.v, why) ==
		-1 ||
	    stun_port(c, &node->stun_port.v, why) == -1)
		return NULL;
	node->name.v = slice_str(name);
	node->region_id.v = c->region_id.v;
	node->ipv4.v = c->ipv4.v;
	node->ipv6.v = c->ipv6.v;
	region->key = region->region_id.v = c->region_id.v;
	region->region_code.v = c->region_code.v;
	region->region_name.v = c->region_name.v;
	region->nodes = nodes;
	region->nodes[region->node_count++] = node;
	return region;
}

struct derpmap_region *
embedded_region_empty(struct arena *a)
{
	struct derpmap_region *region = arena_alloc(a, 1, sizeof *region);

	if (region != NULL)
		region->nodes_nil = true;
	return region;
}

bool
embedded_region_can_listen(struct slice address, struct fail *why)
{
	struct slice host, port;
	struct servent service, *found = NULL;
	char name[100], buffer[1000];
	int64_t n;

	if (go_url_split_host_port(address, &host, &port, why) == -1)
		return false;
	if (port.n == 0)
		return true;
	if (parse_decimal(port, &n) == 0 && n >= 0 && n <= PORT_MAX)
		return true;
	if (port.n < sizeof name) {
		memcpy(name, port.p, port.n);
		name[port.n] = '\0';
		getservbyname_r(
		    name, "udp", &service, buffer, sizeof buffer, &found);
	}
	if (found == NULL)
		fail_set(why, "unknown port \"%.*s\"",
		    port.n < 100 ? (int)port.n : 100, (const char *)port.p);
	return found != NULL;
}
