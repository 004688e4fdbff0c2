/* effective_json: see effective_json.h. */
#include "effective_json.h"

#include "json_text.h"

#include <jansson.h>

static json_t *
str_json(const char *text)
{
	return text != NULL ? json_text_new(text) : json_null();
}

/* Steals all values; NULL when one of them is NULL. */
static json_t *
error_json(const struct effective *e)
{
	const struct headscale_error *error = &e->error;
	json_t *o;

	if (e->start != EFFECTIVE_DIES)
		return json_null();
	o = json_pack("{s:o}", "text", str_json(error->text));
	if (o == NULL || error->file == NULL)
		return o;
	if (json_object_set_new(o, "file", str_json(error->file)) == -1 ||
	    json_object_set_new(o, "line", json_integer(error->at.line)) ==
		-1 ||
	    json_object_set_new(o, "column", json_integer(error->at.column)) ==
		-1) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *
source_json(const struct headscale_source *s)
{
	static const char *const statuses[] = {
		[HEADSCALE_SOURCE_LOADED] = "loaded",
		[HEADSCALE_SOURCE_UNKNOWN] = "unknown",
		[HEADSCALE_SOURCE_BROKEN] = "broken",
		[HEADSCALE_SOURCE_SKIPPED] = "skipped",
	};
	bool is_loaded = s->has_load && s->status == HEADSCALE_SOURCE_LOADED;

	return json_pack("{s:s, s:o, s:s, s:o, s:b, s:b}", "kind",
	    headscale_source_kind_name(s->kind), "name", str_json(s->name),
	    "status", statuses[s->status], "reason", str_json(s->reason),
	    "ignored_homeparams", is_loaded && !s->load.map.home_nil,
	    "ignored_omitdefaultregions",
	    is_loaded && s->load.map.omit_default_regions.v);
}

static json_t *
region_json(const struct effective_region *r)
{
	static const char *const fates[] = {
		[EFFECTIVE_KEPT] = "kept",
		[EFFECTIVE_REPLACED] = "replaced",
		[EFFECTIVE_REMOVED] = "removed",
		[EFFECTIVE_NULL] = "null",
	};
	bool has_by =
	    r->fate == EFFECTIVE_REPLACED || r->fate == EFFECTIVE_REMOVED;

	return json_pack("{s:I, s:i, s:s, s:o}", "id",
	    (json_int_t)r->region->key, "source", (int)r->source, "fate",
	    fates[r->fate], "by",
	    has_by ? json_integer((json_int_t)r->by) : json_null());
}

static json_t *
sources_json(const struct effective *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->sources.n; i++)
		if (json_array_append_new(
			list, source_json(&e->sources.v[i])) == -1) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* Those that are kept, or those that are not. */
static json_t *
regions_json(const struct effective *e, bool kept)
{
	json_t *list = json_array();
	size_t count = kept ? e->kept_count : e->region_count;

	if (e->start == EFFECTIVE_DIES)
		return list;
	for (size_t i = 0; i < count; i++) {
		const struct effective_region *r =
		    kept ? e->kept[i] : &e->regions[i];

		if (kept != (r->fate == EFFECTIVE_KEPT))
			continue;
		if (json_array_append_new(list, region_json(r)) == -1) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *
map_json(const struct effective *e)
{
	struct slice text = buf_slice(&e->json);

	if (e->start == EFFECTIVE_DIES || e->unsendable != NULL)
		return json_null();
	return json_loadb((const char *)text.p, text.n, JSON_ALLOW_NUL, NULL);
}

int
effective_json(FILE *to, const struct effective *e)
{
	static const char *const starts[] = {
		[EFFECTIVE_STARTS] = "yes",
		[EFFECTIVE_DIES] = "no",
		[EFFECTIVE_DEPENDS] = "depends",
	};
	const struct headscale_config *c = e->config;
	json_t *root = json_pack(
	    "{s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:b, s:f}",
	    "version", c->version->name, "starts", starts[e->start], "error",
	    error_json(e), "complete", e->sources.complete, "sources",
	    sources_json(e), "regions", regions_json(e, true), "dropped",
	    regions_json(e, false), "unsendable", str_json(e->unsendable),
	    "map", map_json(e), "auto_update_enabled", c->auto_update_enabled.v,
	    "update_frequency_seconds", (double)c->update_frequency.v / 1e9);

	if (root == NULL)
		return -1;
	json_dumpf(root, to, JSON_INDENT(2));
	fputc('\n', to);
	json_decref(root);
	return 0;
}
