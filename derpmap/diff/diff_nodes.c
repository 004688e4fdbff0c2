/* diff_nodes: see diff_nodes.h. */
#include "diff_nodes.h"

#include <stdlib.h>
#include <string.h>

typedef int compare_fn(const struct diff_node *a, const struct diff_node *b);

static int
compare_texts(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order != 0 ? order : a.n < b.n ? -1 : a.n > b.n;
}

static int
compare_names(const struct diff_node *a, const struct diff_node *b)
{
	if (a->node->is_nil != b->node->is_nil)
		return a->node->is_nil ? -1 : 1;
	return compare_texts(a->node->name.v, b->node->name.v);
}

static int
compare_hosts(const struct diff_node *a, const struct diff_node *b)
{
	int64_t p = a->node->derp_port.v, q = b->node->derp_port.v;

	if (a->node->is_nil != b->node->is_nil)
		return a->node->is_nil ? -1 : 1;
	if (p != q)
		return p < q ? -1 : 1;
	return compare_texts(a->node->host_name.v, b->node->host_name.v);
}

static int
in_order(int order, const struct diff_node *a, const struct diff_node *b)
{
	if (order != 0)
		return order;
	return a->index < b->index ? -1 : a->index > b->index;
}

static int
sort_names(const void *a, const void *b)
{
	const struct diff_node *const *x = a, *const *y = b;

	return in_order(compare_names(*x, *y), *x, *y);
}

static int
sort_hosts(const void *a, const void *b)
{
	const struct diff_node *const *x = a, *const *y = b;

	return in_order(compare_hosts(*x, *y), *x, *y);
}

/* The nodes that have no other one yet, sorted. Names that are empty say
 * nothing. Returns how many. */
static size_t
collect(
    struct diff_node **out, struct diff_node *all, size_t count, bool by_name)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (all[i].other == DIFF_NODES_NONE &&
		    (!by_name || all[i].node->is_nil ||
			all[i].node->name.v.n > 0))
			out[n++] = &all[i];
	qsort(out, n, sizeof(struct diff_node *),
	    by_name ? sort_names : sort_hosts);
	return n;
}

/* Pairs what is equal in two sorted arrays, in their order. */
static void
pair(struct diff_node **a, size_t n, struct diff_node **b, size_t m,
    compare_fn *compare)
{
	for (size_t i = 0, j = 0; i < n && j < m;) {
		int order = compare(a[i], b[j]);

		if (order == 0) {
			a[i]->other = b[j]->index;
			b[j]->other = a[i]->index;
		}
		i += order <= 0;
		j += order >= 0;
	}
}

static void
fill(struct diff_node *all, const struct derpmap_region *r)
{
	for (size_t i = 0; i < r->node_count; i++)
		all[i] = (struct diff_node){ r->nodes[i], i, DIFF_NODES_NONE };
}

int
diff_nodes_pair(struct diff_node *old, const struct derpmap_region *from,
    struct diff_node *new, const struct derpmap_region *to, struct arena *a)
{
	struct diff_node **x = arena_alloc(a, from->node_count + 1, sizeof *x);
	struct diff_node **y = arena_alloc(a, to->node_count + 1, sizeof *y);

	if (x == NULL || y == NULL)
		return -1;
	fill(old, from);
	fill(new, to);
	for (int by_name = 1; by_name >= 0; by_name--) {
		size_t n = collect(x, old, from->node_count, by_name);
		size_t m = collect(y, new, to->node_count, by_name);

		pair(x, n, y, m, by_name ? compare_names : compare_hosts);
	}
	return 0;
}
