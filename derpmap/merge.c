/* merge: see merge.h. */
#include "merge.h"

#include "doc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int
out_of_memory(struct fail *why)
{
	return fail_set(why, "not enough memory to merge");
}

static size_t
count_of(const struct merge_source *s)
{
	return s->regions != NULL || s->map == NULL ? s->count
						    : s->map->region_count;
}

static const struct derpmap_region *
region_of(const struct merge_source *s, size_t i)
{
	return s->regions != NULL ? s->regions[i].region : s->map->regions[i];
}

/* Puts the regions of all sources together. -1: memory is short. */
static int
add_all(struct merge *m, struct effective_merge *all,
    const struct merge_config *config)
{
	const struct derpmap_region **regions;
	size_t total = 0;

	for (size_t i = 0; i < config->source_count; i++)
		total += count_of(&config->sources[i]);
	regions = arena_alloc(m->arena, total + 1, sizeof *regions);
	if (regions == NULL ||
	    effective_merge_init(all, m->arena,
		config->version != NULL ? config->version->null_region
					: HEADSCALE_NULL_REMOVES,
		total) == -1)
		return -1;
	for (size_t i = 0; i < config->source_count; i++) {
		const struct merge_source *s = &config->sources[i];
		size_t count = count_of(s);

		for (size_t j = 0; j < count; j++)
			regions[j] = region_of(s, j);
		/* it only reads them */
		if (effective_merge_add(all, i,
			(struct derpmap_region *const *)regions, count) == -1)
			return -1;
	}
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct effective_region *const *x = a, *const *y = b;
	int64_t k = (*x)->region->key, l = (*y)->region->key;

	if (k != l)
		return k < l ? -1 : 1;
	return *x < *y ? -1 : *x > *y; /* in the order of merging */
}

/* What became of the id that the group of regions has. */
static void
judge(struct merge *m, struct effective_region *const *group, size_t count,
    bool is_dropped, struct merge_region *r, size_t *loser_count)
{
	size_t winner = count - 1;

	*r = (struct merge_region){
		.id = group[0]->region->key,
		.first_loser = *loser_count,
		.fate = is_dropped ? MERGE_DROPPED : MERGE_NULL_IGNORED,
	};
	for (size_t i = 0; i < count && !is_dropped; i++) {
		if (group[i]->fate == EFFECTIVE_KEPT) {
			winner = i;
			r->fate = MERGE_KEPT;
		} else if (group[i]->fate == EFFECTIVE_REMOVED &&
		    r->fate != MERGE_KEPT) {
			r->fate = MERGE_REMOVED;
		}
	}
	r->source = group[winner]->source;
	for (size_t i = 0; i < winner && !is_dropped; i++)
		if (!group[i]->region->is_nil)
			m->losers[(*loser_count)++] = group[i]->source;
	r->loser_count = *loser_count - r->first_loser;
	r->null_ignored = r->fate == MERGE_KEPT && winner < count - 1;
}

/* Whether the command line takes the id out. */
static bool
is_dropped(const struct merge_config *config, int64_t id)
{
	bool drop = id_ranges_use(config->drop, id);
	bool only = id_ranges_use(config->only, id);

	return drop || (config->only->n > 0 && !only);
}

/* Remembers an id for the message about nulls. */
static void
add_null(struct writer *nulls, int64_t id)
{
	writer_printf(nulls, "%s%" PRId64, nulls->n > 0 ? "," : "", id);
}

static int
refuse_nulls(const struct merge_config *config, const struct writer *nulls,
    struct fail *why)
{
	const char *more = nulls->failed ? ",..." : "";
	int n = (int)nulls->n;
	const char *ids = (const char *)nulls->p;

	if (config->version != NULL)
		return fail_set(why,
		    "null regions %.*s%s: headscale %s would send them to "
		    "clients, which may crash on that; give --drop %.*s%s",
		    n, ids, more, config->version->name, n, ids, more);
	return fail_set(why,
	    "null regions %.*s%s: versions of headscale read them "
	    "differently; give --drop %.*s%s, or --headscale-version",
	    n, ids, more, n, ids, more);
}

/* Judges all ids; the sorted regions are of all sources. */
static int
judge_all(struct merge *m, struct effective_region **sorted, size_t count,
    const struct merge_config *config, struct fail *why)
{
	char room[100];
	struct writer nulls = writer_of(room, sizeof room);
	size_t loser_count = 0;

	for (size_t i = 0, n; i < count; i += n) {
		int64_t id = sorted[i]->region->key;
		bool dropped = is_dropped(config, id), is_null = false;

		for (n = 0; i + n < count && sorted[i + n]->region->key == id;
		     n++)
			is_null |= sorted[i + n]->region->is_nil &&
			    (config->version == NULL ||
				sorted[i + n]->fate == EFFECTIVE_KEPT);
		if (is_null && !dropped)
			add_null(&nulls, id);
		judge(m, sorted + i, n, dropped, &m->regions[m->region_count++],
		    &loser_count);
	}
	return nulls.n > 0 ? refuse_nulls(config, &nulls, why) : 0;
}

/* Takes out of the map what is dropped. */
static void
take_dropped(struct merge *m)
{
	size_t kept = 0, at = 0;

	for (size_t i = 0; i < m->map.region_count; i++) {
		struct derpmap_region *r = m->map.regions[i];

		while (m->regions[at].id != r->key)
			at++;
		if (m->regions[at].fate != MERGE_DROPPED)
			m->map.regions[kept++] = r;
	}
	m->map.region_count = kept;
}

static int
check_used(const char *option, const struct id_ranges *ids, struct fail *why)
{
	const struct id_range *r = id_ranges_unused(ids);

	if (r == NULL)
		return 0;
	if (r->first == r->last)
		return fail_set(why, "--%s: no source has a region %" PRId64,
		    option, r->first);
	return fail_set(why,
	    "--%s: no source has a region from %" PRId64 " to %" PRId64, option,
	    r->first, r->last);
}

static int
make(struct merge *m, struct effective_merge *all,
    const struct merge_config *config, struct fail *why)
{
	struct effective_region **kept, **sorted;

	if (add_all(m, all, config) == -1 ||
	    effective_merge_finish(all, m->arena, &m->map, &kept) == -1)
		return out_of_memory(why);
	sorted = arena_alloc(m->arena, all->count + 1, sizeof *sorted);
	m->regions = arena_alloc(m->arena, all->count + 1, sizeof *m->regions);
	m->losers = arena_alloc(m->arena, all->count + 1, sizeof *m->losers);
	if (sorted == NULL || m->regions == NULL || m->losers == NULL)
		return out_of_memory(why);
	for (size_t i = 0; i < all->count; i++)
		sorted[i] = &all->regions[i];
	qsort(sorted, all->count, sizeof(struct effective_region *), compare);
	if (judge_all(m, sorted, all->count, config, why) == -1 ||
	    check_used("drop", config->drop, why) == -1 ||
	    check_used("only", config->only, why) == -1)
		return -1;
	take_dropped(m);
	return 0;
}

int
merge_make(struct merge *m, const struct merge_config *config, struct fail *why)
{
	struct effective_merge all;
	int result;

	*m = (struct merge){ .arena = arena_new(DOC_ARENA_MAX) };
	if (m->arena == NULL)
		return out_of_memory(why);
	entries_init(&all.in_force);
	result = make(m, &all, config, why);
	effective_merge_clear(&all);
	if (result == -1)
		merge_clear(m);
	return result;
}

void
merge_clear(struct merge *m)
{
	arena_free(m->arena);
	m->arena = NULL;
}
