/* route_cache: see route_cache.h. A hash table with chains of numbers. */
#include "route_cache.h"

#include <stdlib.h>

#define FIRST_ENTRIES 2

struct route {
	struct derp_key dst;
	struct registry_entry to;
	bool noted;   /* that address is told when our key leaves */
	uint8_t next; /* in its chain, counted from 1; 0: the last */
};

struct route_table {
	uint8_t chains[ROUTE_CACHE_MAX]; /* cap of them; from 1; 0: empty */
	struct route routes[];
};

/* A client that chooses destinations to fill one chain slows down itself. */
static uint8_t *
chain_of(struct route_cache *c, const struct derp_key *dst)
{
	return &c->table->chains[(dst->b[3] ^ dst->b[19]) & (c->cap - 1)];
}

static struct route *
find(struct route_cache *c, const struct derp_key *dst)
{
	struct route *route;

	if (c->count == 0)
		return NULL;
	route = &c->table->routes[c->last];
	if (derp_key_eq(&route->dst, dst))
		return route;
	for (uint8_t i = *chain_of(c, dst); i != 0; i = route->next) {
		route = &c->table->routes[i - 1];
		if (derp_key_eq(&route->dst, dst)) {
			c->last = (uint8_t)(i - 1);
			return route;
		}
	}
	return NULL;
}

/* Puts entry i at the head of its chain. */
static void
link_route(struct route_cache *c, uint8_t i)
{
	struct route *route = &c->table->routes[i];
	uint8_t *chain = chain_of(c, &route->dst);

	route->next = *chain;
	*chain = (uint8_t)(i + 1);
}

static void
unlink_route(struct route_cache *c, uint8_t i)
{
	struct route *routes = c->table->routes;
	uint8_t *at = chain_of(c, &routes[i].dst);

	while (*at != i + 1)
		at = &routes[*at - 1].next;
	*at = routes[i].next;
}

static int
grow(struct route_cache *c)
{
	const uint8_t cap = c->cap > 0 ? c->cap * 2 : FIRST_ENTRIES;
	struct route_table *table =
	    realloc(c->table, sizeof *table + cap * sizeof table->routes[0]);

	if (table == NULL)
		return -1;
	for (size_t i = 0; i < ROUTE_CACHE_MAX; i++)
		table->chains[i] = 0;
	c->table = table;
	c->cap = cap;
	for (uint8_t i = 0; i < c->count; i++)
		link_route(c, i);
	return 0;
}

/* The entry to be replaced. Any: going round would always replace the one that
 * is needed next when destinations come one after the other. */
static uint8_t
victim(struct route_cache *c)
{
	c->random = c->random * UINT32_C(1664525) + UINT32_C(1013904223);
	return (uint8_t)((c->random >> 16) & (c->cap - 1U));
}

/* An entry for dst, which has none; NULL when memory is short. */
static struct route *
add(struct route_cache *c, const struct derp_key *dst)
{
	uint8_t i = c->count;

	if (c->count == c->cap && c->cap < ROUTE_CACHE_MAX && grow(c) == -1 &&
	    c->cap == 0)
		return NULL;
	if (c->count < c->cap) {
		c->count++;
	} else {
		i = victim(c);
		unlink_route(c, i);
	}
	c->table->routes[i] = (struct route){ .dst = *dst };
	link_route(c, i);
	c->last = i;
	return &c->table->routes[i];
}

static enum route_kind
kind_of(const struct registry_entry *to)
{
	return to->link == 0 ? ROUTE_HERE : ROUTE_LINK;
}

/* Asks the registry; route is what is remembered of dst, or NULL. */
static enum route_kind
look_up(struct route_cache *c, struct registry *r,
    const struct registry_member *from, const struct derp_key *dst,
    struct route *route, struct conn_addr *addr)
{
	struct registry_entry to;
	bool noted;

	if (!registry_find(r, dst, &to))
		return ROUTE_NONE;
	*addr = to.addr;
	/* who is at another relay is told by that one */
	noted = to.link != 0 ||
	    (route != NULL && route->noted && route->to.link == 0 &&
		conn_addr_eq(route->to.addr, to.addr));
	/* one that was refused for a limit is not tried with every packet */
	if (!noted)
		noted = registry_note(r, from, &to) != NOTIFY_NO_MEMORY;
	if (!noted)
		to.version = 0;
	if (route == NULL)
		route = add(c, dst);
	if (route != NULL) {
		route->to = to;
		route->noted = noted;
	}
	return kind_of(&to);
}

enum route_kind
route_cache_find(struct route_cache *c, struct registry *r,
    const struct registry_member *from, const struct derp_key *dst,
    struct conn_addr *addr)
{
	struct route *route = find(c, dst);

	if (route == NULL || !registry_is_current(&route->to))
		return look_up(c, r, from, dst, route, addr);
	*addr = route->to.addr;
	return kind_of(&route->to);
}

void
route_cache_clear(struct route_cache *c)
{
	free(c->table);
	*c = (struct route_cache){ .random = c->random };
}
