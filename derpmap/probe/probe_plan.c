/* probe_plan: see probe_plan.h. */
#include "probe_plan.h"

#include "num.h"
#include "port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 << 20) /* bytes of all names together */

int
probe_plan_init(struct probe_plan *plan)
{
	*plan = (struct probe_plan){ .arena = arena_new(TEXT_MAX) };
	return plan->arena != NULL ? 0 : -1;
}

void
probe_plan_clear(struct probe_plan *plan)
{
	arena_free(plan->arena);
	free(plan->nodes);
	*plan = (struct probe_plan){ 0 };
}

static struct probe_node *
append(struct probe_plan *plan, struct fail *why)
{
	struct probe_node *nodes;

	if (plan->n == PROBE_NODES_MAX) {
		fail_set(why, "more than %d nodes", PROBE_NODES_MAX);
		return NULL;
	}
	if ((plan->n & (plan->n - 1)) == 0) { /* room for 1, 2, 4 ... */
		nodes = realloc(plan->nodes,
		    (plan->n == 0 ? 1 : 2 * plan->n) * sizeof *nodes);
		if (nodes == NULL) {
			fail_set(why, "out of memory");
			return NULL;
		}
		plan->nodes = nodes;
	}
	plan->nodes[plan->n] = (struct probe_node){ 0 };
	return &plan->nodes[plan->n];
}

/* A copy; false: memory is short. */
static bool
copy(struct arena *a, const char **to, struct slice text)
{
	*to = arena_text(a, (const char *)text.p, text.n);
	return *to != NULL;
}

static struct slice
without_dot(struct slice host)
{
	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	return host;
}

static int
add_node(struct probe_plan *plan, const struct derpmap_region *r,
    const struct derpmap_node *from, struct fail *why)
{
	struct arena *a = plan->arena;
	struct probe_node *n = append(plan, why);

	if (n == NULL)
		return -1;
	n->region = r->key;
	n->derp_port = port_derp(from);
	n->stun_port = port_stun(from);
	n->tls = true;
	n->insecure = from->insecure_for_tests.v;
	n->stun_only = from->stun_only.v;
	n->can_port80 = from->can_port80.v;
	if (!copy(a, &n->region_code, r->region_code.v) ||
	    !copy(a, &n->region_name, r->region_name.v) ||
	    !copy(a, &n->name, from->name.v) ||
	    !copy(a, &n->host, without_dot(from->host_name.v)) ||
	    !copy(a, &n->cert_name, from->cert_name.v) ||
	    !copy(a, &n->ipv4, from->ipv4.v) ||
	    !copy(a, &n->ipv6, from->ipv6.v) ||
	    !copy(a, &n->stun_ip, from->stun_test_ip.v))
		return fail_set(why, "out of memory");
	plan->n++;
	return 0;
}

static bool
region_is(const struct derpmap_region *r, const char *text)
{
	char id[32];

	snprintf(id, sizeof id, "%lld", (long long)r->key);
	return strcmp(id, text) == 0 || slice_is(r->region_code.v, text);
}

static bool
region_is_chosen(
    const struct derpmap_region *r, const struct probe_choice *choice)
{
	for (size_t i = 0; i < choice->region_count; i++)
		if (region_is(r, choice->regions[i]))
			return true;
	return choice->region_count == 0;
}

static bool
node_is_chosen(const struct derpmap_node *n, const struct probe_choice *choice)
{
	for (size_t i = 0; i < choice->node_count; i++)
		if (slice_is(n->name.v, choice->nodes[i]))
			return true;
	return choice->node_count == 0;
}

/* The first choice that nothing in the map fits. */
static int
check_choice(const struct derpmap *map, const struct probe_plan *plan,
    const struct probe_choice *choice, struct fail *why)
{
	for (size_t i = 0; i < choice->region_count; i++) {
		size_t j = 0;

		while (j < map->region_count &&
		    !region_is(map->regions[j], choice->regions[i]))
			j++;
		if (j == map->region_count)
			return fail_set(why, "the map has no region %s",
			    choice->regions[i]);
	}
	for (size_t i = 0; i < choice->node_count; i++) {
		size_t j = 0;

		while (j < plan->n &&
		    strcmp(plan->nodes[j].name, choice->nodes[i]) != 0)
			j++;
		if (j == plan->n)
			return fail_set(why, "the map has no node %s%s",
			    choice->nodes[i],
			    choice->region_count > 0 ? " in these regions"
						     : "");
	}
	return 0;
}

int
probe_plan_add_map(struct probe_plan *plan, const struct derpmap *map,
    const struct probe_choice *choice, struct fail *why)
{
	for (size_t i = 0; i < map->region_count; i++) {
		const struct derpmap_region *r = map->regions[i];

		if (r->is_nil || !region_is_chosen(r, choice))
			continue;
		for (size_t j = 0; j < r->node_count; j++)
			if (!r->nodes[j]->is_nil &&
			    node_is_chosen(r->nodes[j], choice) &&
			    add_node(plan, r, r->nodes[j], why) == -1)
				return -1;
	}
	return check_choice(map, plan, choice, why);
}

/* HOST, HOST:PORT, [IPv6] or [IPv6]:PORT. */
static int
split_authority(struct slice text, struct slice *host, int64_t *port)
{
	struct slice rest;
	uint64_t number;

	if (text.n > 0 && text.p[0] == '[') {
		if (!slice_cut(
			slice_of(text.p + 1, text.n - 1), ']', host, &rest))
			return -1;
		if (rest.n == 0)
			return 0;
		if (rest.p[0] != ':')
			return -1;
		rest = slice_of(rest.p + 1, rest.n - 1);
	} else if (!slice_cut(text, ':', host, &rest)) {
		return 0;
	}
	if (num_parse_decimal(rest, PORT_MAX, &number) == -1 || number == 0)
		return -1;
	*port = (int64_t)number;
	return 0;
}

/* What comes after the host must be nothing that would be ignored. */
static bool
path_is_known(struct slice path)
{
	return path.n == 0 || slice_is(path, "derp") || slice_is(path, "derp/");
}

static bool
host_is_sound(struct slice host)
{
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] <= ' ' || host.p[i] == 0x7f ||
		    strchr("/\\@?#\"<>", host.p[i]) != NULL)
			return false;
	return host.n > 0;
}

int
probe_plan_add_url(struct probe_plan *plan, const char *url,
    struct probe_node **node, struct fail *why)
{
	const struct slice text = slice_str(url);
	const bool tls = slice_starts(text, "https://");
	const size_t skip = strlen(tls ? "https://" : "http://");
	struct slice authority, path, host = { 0 };
	struct probe_node *n = append(plan, why);

	if (n == NULL)
		return -1;
	if (!tls && !slice_starts(text, "http://"))
		return fail_set(why, "%s: not a https:// or http:// URL", url);
	n->derp_port = tls ? PORT_DERP : PORT_HTTP;
	slice_cut(
	    slice_of(text.p + skip, text.n - skip), '/', &authority, &path);
	if (split_authority(authority, &host, &n->derp_port) == -1 ||
	    !host_is_sound(host) || !path_is_known(path))
		return fail_set(
		    why, "%s: not like https://HOST:PORT without more", url);
	n->tls = tls;
	n->stun_port = PORT_STUN;
	n->region_code = n->region_name = "";
	n->cert_name = n->ipv4 = n->ipv6 = n->stun_ip = "";
	if (!copy(plan->arena, &n->host, without_dot(host)) ||
	    !copy(plan->arena, &n->name, authority))
		return fail_set(why, "out of memory");
	plan->n++;
	if (node != NULL)
		*node = n;
	return 0;
}
