/* diff: see diff.h. */
#include "diff.h"

#include "diff_nodes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The changes of one region while they are found. */
struct comparison {
	struct diff_region *r;
	struct diff_change *changes; /* room for all that is possible */
	size_t count;
};

static struct diff_change *
add_change(struct comparison *c, enum diff_kind kind)
{
	struct diff_change *change = &c->changes[c->count++];

	*change = (struct diff_change){ .kind = kind };
	return change;
}

/* Two NaN are the same text in two maps, though not equal to C. */
static bool
same_float(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static bool
same_value(const struct derpmap_field *f, const void *old, const void *new)
{
	const char *a = (const char *)old + f->offset;
	const char *b = (const char *)new + f->offset;

	switch (f->type) {
	case DERPMAP_TEXT:
		return slice_eq(
		    ((const struct derpmap_text *)(const void *)a)->v,
		    ((const struct derpmap_text *)(const void *)b)->v);
	case DERPMAP_INT:
		return ((const struct derpmap_int *)(const void *)a)->v ==
		    ((const struct derpmap_int *)(const void *)b)->v;
	case DERPMAP_FLOAT:
		return same_float(
		    ((const struct derpmap_float *)(const void *)a)->v,
		    ((const struct derpmap_float *)(const void *)b)->v);
	case DERPMAP_BOOL:
		return ((const struct derpmap_bool *)(const void *)a)->v ==
		    ((const struct derpmap_bool *)(const void *)b)->v;
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		break;
	}
	return true;
}

/* Whether a field has to do with which region clients find best: what they
 * measure, where, and for which region it counts. */
static bool
decides_home(const struct derpmap_field *f)
{
	static const char *const names[] = { "regionid", "avoid",
		"nomeasurenohome", "name", "hostname", "ipv4", "ipv6",
		"stunport", "stunonly", "derpport", "stuntestip" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(f->yaml, names[i]) == 0)
			return true;
	return false;
}

/* Compares the fields of a region, or of a node. */
static void
compare_fields(struct comparison *c, enum derpmap_level level, const void *old,
    const void *new, const struct diff_change *of)
{
	struct derpmap_fields fields = derpmap_fields(level);

	for (size_t i = 0; i < fields.n; i++) {
		struct diff_change *change;

		if (same_value(&fields.v[i], old, new))
			continue;
		change = add_change(c, DIFF_CHANGED);
		*change = *of;
		change->kind = DIFF_CHANGED;
		change->field = &fields.v[i];
		change->old_owner = old;
		change->new_owner = new;
		if (decides_home(&fields.v[i]))
			c->r->effects |= DIFF_HOME;
	}
}

/* Compares the nodes that are in both lists. */
static void
compare_pairs(struct comparison *c, const struct diff_node *old,
    const struct diff_node *new, size_t count)
{
	size_t last = 0;
	bool is_order = false, any = false;

	for (size_t i = 0; i < count; i++) {
		struct diff_change of = { .new_node = new[i].node, .index = i };

		if (new[i].other == DIFF_NODES_NONE)
			continue;
		is_order |= any && new[i].other < last;
		last = new[i].other;
		any = true;
		of.old_node = old[last].node;
		if (!of.new_node->is_nil)
			compare_fields(c, DERPMAP_LEVEL_NODE, of.old_node,
			    of.new_node, &of);
	}
	if (is_order)
		add_change(c, DIFF_CHANGED)->is_order = true;
}

/* Reports the nodes that are in one list only. */
static void
add_single(struct comparison *c, const struct diff_node *nodes, size_t count,
    enum diff_kind kind)
{
	for (size_t i = 0; i < count; i++) {
		struct diff_change *change;

		if (nodes[i].other != DIFF_NODES_NONE)
			continue;
		change = add_change(c, kind);
		change->index = i;
		if (kind == DIFF_ADDED)
			change->new_node = nodes[i].node;
		else
			change->old_node = nodes[i].node;
		c->r->effects |= DIFF_HOME;
	}
}

static int
compare_nodes(struct diff *d, struct comparison *c)
{
	const struct derpmap_region *from = c->r->old, *to = c->r->new;
	struct diff_node *old, *new;

	old = arena_alloc(d->arena, from->node_count + 1, sizeof *old);
	new = arena_alloc(d->arena, to->node_count + 1, sizeof *new);
	if (old == NULL || new == NULL ||
	    diff_nodes_pair(old, from, new, to, d->arena) == -1)
		return -1;
	add_single(c, old, from->node_count, DIFF_REMOVED);
	add_single(c, new, to->node_count, DIFF_ADDED);
	compare_pairs(c, old, new, to->node_count);
	if (from->node_count == 0 && to->node_count == 0 &&
	    from->nodes_nil != to->nodes_nil)
		add_change(c, DIFF_CHANGED)->is_no_list = true;
	return 0;
}

/* How many changes two regions can have at most. */
static size_t
changes_max(const struct derpmap_region *old, const struct derpmap_region *new)
{
	size_t fields = derpmap_fields(DERPMAP_LEVEL_NODE).n + 1;

	return (old->node_count + new->node_count) * fields +
	    derpmap_fields(DERPMAP_LEVEL_REGION).n + 2;
}

/* Compares a region that is in both. -1: memory is short. */
static int
compare_regions(struct diff *d, struct diff_region *r)
{
	const struct diff_change of = { .field = NULL };
	struct comparison c = { .r = r };
	int result;

	c.changes =
	    reallocarray(NULL, changes_max(r->old, r->new), sizeof *c.changes);
	if (c.changes == NULL)
		return -1;
	compare_fields(&c, DERPMAP_LEVEL_REGION, r->old, r->new, &of);
	result = compare_nodes(d, &c);
	if (result == 0 && c.count > 0) {
		r->effects |= DIFF_RECONNECT;
		r->change_count = c.count;
		r->changes = arena_alloc(d->arena, c.count, sizeof *r->changes);
		if (r->changes != NULL)
			memcpy(r->changes, c.changes,
			    c.count * sizeof *r->changes);
		else
			result = -1;
	}
	free(c.changes);
	return result;
}

/* Compares what two maps have under one id; either may be NULL. */
static int
compare_id(struct diff *d, int64_t id, const struct derpmap_region *old,
    const struct derpmap_region *new)
{
	struct diff_region *r = &d->regions[d->region_count];

	if (old != NULL && old->is_nil)
		old = NULL;
	if (new != NULL &&new->is_nil)
		new = NULL;
	if (old == NULL && new == NULL)
		return 0;
	*r = (struct diff_region){ .id = id, .old = old, .new = new };
	if (old != NULL && new != NULL) {
		r->kind = DIFF_CHANGED;
		if (compare_regions(d, r) == -1)
			return -1;
		if (r->change_count == 0) {
			d->same++;
			return 0;
		}
	} else {
		r->kind = old == NULL ? DIFF_ADDED : DIFF_REMOVED;
		r->effects =
		    old == NULL ? DIFF_HOME : DIFF_RECONNECT | DIFF_HOME;
	}
	d->effects |= r->effects;
	d->region_count++;
	return 0;
}

/* Both lists of regions are ascending. */
static int
compare_maps(
    struct diff *d, const struct derpmap *old, const struct derpmap *new)
{
	size_t i = 0, j = 0;

	while (i < old->region_count || j < new->region_count) {
		const struct derpmap_region *a =
		    i < old->region_count ? old->regions[i] : NULL;
		const struct derpmap_region *b =
		    j < new->region_count ? new->regions[j] : NULL;

		if (a != NULL && b != NULL && a->key != b->key) {
			if (a->key < b->key)
				b = NULL;
			else
				a = NULL;
		}
		if (compare_id(d, a != NULL ? a->key : b->key, a, b) == -1)
			return -1;
		i += a != NULL;
		j += b != NULL;
	}
	return 0;
}

/* Clients ignore a score that is not positive. */
static double
score_of(const struct derpmap_score *s)
{
	return s != NULL && s->score.v > 0 ? s->score.v : 1;
}

/* Both lists of scores are ascending. */
static void
compare_scores(
    struct diff *d, const struct derpmap *old, const struct derpmap *new)
{
	size_t i = 0, j = 0;

	while (i < old->score_count || j < new->score_count) {
		const struct derpmap_score *a =
		    i < old->score_count ? &old->scores[i] : NULL;
		const struct derpmap_score *b =
		    j < new->score_count ? &new->scores[j] : NULL;

		if (a != NULL && b != NULL && a->region != b->region) {
			if (a->region < b->region)
				b = NULL;
			else
				a = NULL;
		}
		if (score_of(a) != score_of(b))
			d->scores[d->score_count++] = (struct diff_score){
				a != NULL ? a->region : b->region,
				score_of(a),
				score_of(b),
			};
		i += a != NULL;
		j += b != NULL;
	}
	d->scores_stay = d->score_count > 0 && new->home_nil;
	if (d->score_count > 0 && !d->scores_stay)
		d->effects |= DIFF_HOME;
}

static void
compare_default_regions(
    struct diff *d, const struct derpmap *old, const struct derpmap *new)
{
	d->omits_default_old = old->omit_default_regions.v;
	d->omits_default_new = new->omit_default_regions.v;
	if (d->omits_default_new && !d->omits_default_old)
		d->effects |= DIFF_RECONNECT | DIFF_HOME;
	else if (d->omits_default_old && !d->omits_default_new)
		d->effects |= DIFF_HOME;
}

int
diff_make(struct diff *d, const struct derpmap *old, const struct derpmap *new)
{
	*d = (struct diff){ .arena = arena_new(DOC_ARENA_MAX) };
	if (d->arena == NULL)
		return -1;
	d->regions = arena_alloc(d->arena,
	    old->region_count + new->region_count + 1, sizeof *d->regions);
	d->scores = arena_alloc(d->arena,
	    old->score_count + new->score_count + 1, sizeof *d->scores);
	if (d->regions == NULL || d->scores == NULL ||
	    compare_maps(d, old, new) == -1) {
		diff_clear(d);
		return -1;
	}
	compare_scores(d, old, new);
	compare_default_regions(d, old, new);
	return 0;
}

bool
diff_any(const struct diff *d)
{
	return d->region_count > 0 || d->score_count > 0 ||
	    d->omits_default_old != d->omits_default_new;
}

size_t
diff_count(const struct diff *d, enum diff_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < d->region_count; i++)
		count += d->regions[i].kind == kind;
	return count;
}

void
diff_clear(struct diff *d)
{
	arena_free(d->arena);
	d->arena = NULL;
}
