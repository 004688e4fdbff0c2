/* effective_merge: see effective_merge.h. */
#include "effective_merge.h"

#include <assert.h>
#include <string.h>

int
effective_merge_init(struct effective_merge *m, struct arena *a,
    enum headscale_null null_region, size_t max)
{
	*m = (struct effective_merge){
		.null_region = null_region,
		.max = max,
		.regions = arena_alloc(a, max + 1, sizeof *m->regions),
	};
	entries_init(&m->in_force);
	return m->regions != NULL ? 0 : -1;
}

/* Puts a region in and tells the one that was there. -1: memory is short. */
static int
add_region(struct effective_merge *m, struct effective_region *r)
{
	const struct entry *there = entries_find(&m->in_force, r->region->key);
	struct effective_region *earlier = there != NULL ? there->value : NULL;
	bool removes =
	    r->region->is_nil && m->null_region == HEADSCALE_NULL_REMOVES;

	if (r->region->is_nil && m->null_region != HEADSCALE_NULL_SENT)
		r->fate = EFFECTIVE_NULL;
	if (r->region->is_nil && m->null_region == HEADSCALE_NULL_IGNORED)
		return 0;
	if (earlier != NULL && earlier->fate == EFFECTIVE_KEPT) {
		earlier->fate =
		    removes ? EFFECTIVE_REMOVED : EFFECTIVE_REPLACED;
		earlier->by = r->source;
	}
	return entries_put(&m->in_force, r->region->key, r);
}

int
effective_merge_add(struct effective_merge *m, size_t source,
    struct derpmap_region *const *regions, size_t count)
{
	assert(count <= m->max - m->count);
	for (size_t i = 0; i < count; i++) {
		struct effective_region *r = &m->regions[m->count++];

		r->region = regions[i];
		r->source = source;
		if (add_region(m, r) == -1)
			return -1;
	}
	return 0;
}

int
effective_merge_finish(struct effective_merge *m, struct arena *a,
    struct derpmap *map, struct effective_region ***kept)
{
	size_t n = m->in_force.n;

	entries_sort(&m->in_force);
	*map = (struct derpmap){ .home_nil = true };
	*kept = arena_alloc(a, n + 1, sizeof **kept);
	map->regions = arena_alloc(a, n + 1, sizeof *map->regions);
	if (*kept == NULL || map->regions == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct effective_region *r = m->in_force.v[i].value;

		if (r->fate != EFFECTIVE_KEPT)
			continue;
		/* the map only reads its regions */
		memcpy(&map->regions[map->region_count], &r->region,
		    sizeof r->region);
		(*kept)[map->region_count++] = r;
	}
	return 0;
}

void
effective_merge_clear(struct effective_merge *m)
{
	entries_clear(&m->in_force);
}
