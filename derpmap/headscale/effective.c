/* effective: see effective.h. */
#include "effective.h"

#include "embedded_region.h"
#include "encode_map.h"

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
merge_embedded(struct effective *e, struct effective_merge *m)
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
	    : effective_merge_add(m, e->sources.n++, &region, 1);
}

/* --- the result --- */

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
	struct effective_merge m;
	int result;

	if (e->error.text == NULL)
		e->error = e->sources.error;
	result = effective_merge_init(
	    &m, e->arena, e->config->version->null_region, count_regions(e));
	for (size_t i = 0; i < e->sources.n && result == 0; i++)
		if (e->sources.v[i].status == HEADSCALE_SOURCE_LOADED)
			result = effective_merge_add(&m, i,
			    e->sources.v[i].load.map.regions,
			    e->sources.v[i].load.map.region_count);
	if (result == 0)
		result = merge_embedded(e, &m);
	if (result == 0)
		result =
		    effective_merge_finish(&m, e->arena, &e->map, &e->kept);
	e->regions = m.regions;
	e->region_count = m.count;
	e->kept_count = e->map.region_count;
	effective_merge_clear(&m);
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
