/* effective: see effective.h. */
#include "effective.h"

#include "embedded_region.h"
#include "encode_map.h"
#include "entries.h"

#include <string.h>

#define JSON_MAX ((size_t)256 << 20)

static void
die(struct effective *e, const char *text, struct doc_pos at)
{
	if (e->error.text == NULL)
		e->error = (struct headscale_error){
			.text = text != NULL ? text : "not enough memory",
			.file = at.line != 0 ? e->config->file : NULL,
			.at = at,
		};
}

/* --- merging --- */

/* Puts a region in and tells the one that was there. -1: memory is short. */
static int
merge_region(
    struct effective *e, struct entries *all, struct effective_region *r)
{
	enum headscale_null null = e->config->version->null_region;
	const struct entry *there = entries_find(all, r->region->key);
	struct effective_region *earlier = there != NULL ? there->value : NULL;
	bool removes = r->region->is_nil && null == HEADSCALE_NULL_REMOVES;

	if (r->region->is_nil && null != HEADSCALE_NULL_SENT)
		r->fate = EFFECTIVE_NULL;
	if (r->region->is_nil && null == HEADSCALE_NULL_IGNORED)
		return 0;
	if (earlier != NULL && earlier->fate == EFFECTIVE_KEPT) {
		earlier->fate =
		    removes ? EFFECTIVE_REMOVED : EFFECTIVE_REPLACED;
		earlier->by = r->source;
	}
	return entries_put(all, r->region->key, r);
}

static int
merge_source(struct effective *e, struct entries *all, size_t source,
    struct derpmap_region *const *regions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct effective_region *r = &e->regions[e->region_count++];

		r->region = regions[i];
		r->source = source;
		if (merge_region(e, all, r) == -1)
			return -1;
	}
	return 0;
}

static size_t
count_regions(const struct effective *e)
{
	size_t count = 1; /* the embedded one */

	for (size_t i = 0; i < e->sources.n; i++)
		count += e->sources.v[i].has_load
		    ? e->sources.v[i].load.map.region_count
		    : 0;
	return count;
}

/* --- the embedded region --- */

static int
merge_embedded(struct effective *e, struct entries *all)
{
	const struct headscale_config *c = e->config;
	struct headscale_source *s = &e->sources.v[e->sources.n];
	struct doc_pos at = headscale_config_place(&c->stun_listen_addr.from);
	struct fail why = { .text = "" };
	struct derpmap_region *region;

	if (!c->enabled.v)
		return 0;
	if (!embedded_region_can_listen(c->stun_listen_addr.v, &why))
		die(e,
		    arena_printf(e->arena,
			"failed to open STUN listener: listen udp: address "
			"%.*s: %s",
			(int)c->stun_listen_addr.v.n,
			(const char *)c->stun_listen_addr.v.p, why.text),
		    at);
	region = embedded_region(c, e->arena, &why);
	if (region == NULL && c->version->checks_region)
		die(e,
		    arena_printf(e->arena,
			"generating DERP region for embedded server: %s",
			why.text),
		    at);
	if (!c->automatically_add.v)
		return 0;
	*s = (struct headscale_source){
		.kind = HEADSCALE_SOURCE_EMBEDDED,
		.name = "derp.server",
	};
	if (region == NULL) {
		s->reason = arena_printf(e->arena,
		    "headscale cannot make its region (%s) and puts in an "
		    "empty region 0",
		    why.text);
		region = embedded_region_empty(e->arena);
	}
	return region == NULL
	    ? -1
	    : merge_source(e, all, e->sources.n++, &region, 1);
}

/* --- the result --- */

/* Puts what is kept into the map. */
static int
take_kept(struct effective *e, struct entries *all)
{
	entries_sort(all);
	e->kept = arena_alloc(e->arena, all->n + 1, sizeof(void *));
	e->map.regions = arena_alloc(e->arena, all->n + 1, sizeof(void *));
	if (e->kept == NULL || e->map.regions == NULL)
		return -1;
	e->map.home_nil = true;
	for (size_t i = 0; i < all->n; i++) {
		struct effective_region *r = all->v[i].value;

		if (r->fate != EFFECTIVE_KEPT)
			continue;
		/* the map only reads its regions */
		memcpy(&e->map.regions[e->kept_count], &r->region,
		    sizeof r->region);
		e->kept[e->kept_count++] = r;
	}
	e->map.region_count = e->kept_count;
	return 0;
}

static void
check_result(struct effective *e)
{
	const struct headscale_config *c = e->config;

	if (e->map.region_count == 0 && e->sources.complete)
		die(e,
		    "initial DERPMap is empty, Headscale requires at least one "
		    "entry",
		    (struct doc_pos){ .line = 0 });
	if (c->auto_update_enabled.v && c->update_frequency.v < 0)
		die(e, "headscale crashes: derp.update_frequency is negative",
		    headscale_config_place(&c->update_frequency.from));
	e->start = e->error.text != NULL ? EFFECTIVE_DIES
	    : e->sources.complete        ? EFFECTIVE_STARTS
					 : EFFECTIVE_DEPENDS;
}

/* Clients get the map as JSON. */
static void
encode(struct effective *e)
{
	struct fail why = { .text = "" };

	if (encode_map_json(&e->json, &e->map, &why) == -1)
		e->unsendable =
		    arena_text(e->arena, why.text, strlen(why.text));
}

static int
merge_all(struct effective *e)
{
	struct entries all;
	int result = 0;

	if (e->error.text == NULL)
		e->error = e->sources.error;
	entries_init(&all);
	e->regions =
	    arena_alloc(e->arena, count_regions(e), sizeof *e->regions);
	if (e->regions == NULL)
		result = -1;
	for (size_t i = 0; i < e->sources.n && result == 0; i++)
		if (e->sources.v[i].status == HEADSCALE_SOURCE_LOADED)
			result = merge_source(e, &all, i,
			    e->sources.v[i].load.map.regions,
			    e->sources.v[i].load.map.region_count);
	if (result == 0)
		result = merge_embedded(e, &all);
	if (result == 0)
		result = take_kept(e, &all);
	entries_clear(&all);
	return result;
}

int
effective_make(struct effective *e, const struct headscale_config *c,
    const struct headscale_source_urls *urls, struct fail *why)
{
	*e = (struct effective){ .config = c, .error = c->error };
	buf_init(&e->json, JSON_MAX);
	e->arena = arena_new(DOC_ARENA_MAX);
	if (e->arena == NULL ||
	    headscale_sources_load(&e->sources, c, e->arena, urls) == -1 ||
	    merge_all(e) == -1) {
		effective_clear(e);
		return fail_set(why, "%s: not enough memory", c->file);
	}
	check_result(e);
	encode(e);
	return 0;
}

void
effective_clear(struct effective *e)
{
	headscale_sources_clear(&e->sources);
	buf_clear(&e->json);
	arena_free(e->arena);
	e->arena = NULL;
}
