/* diff_json: see diff_json.h. */
#include "diff_json.h"

#include "json_text.h"

#include <math.h>

static const char *const kinds[] = {
	[DIFF_ADDED] = "added",
	[DIFF_REMOVED] = "removed",
	[DIFF_CHANGED] = "changed",
};

/* Appends what was made, or drops the list when it was not. Takes both. */
static json_t *
append(json_t *list, json_t *made)
{
	if (json_array_append_new(list, made) == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *
effects_json(unsigned effects)
{
	json_t *list = json_array();

	if (effects & DIFF_RECONNECT)
		list = append(list, json_string("reconnect"));
	if (effects & DIFF_HOME)
		list = append(list, json_string("home"));
	return list;
}

/* JSON has no number that is not finite. */
static json_t *
float_json(double v)
{
	if (isfinite(v))
		return json_real(v);
	return json_string(isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
}

static json_t *
value_json(const struct derpmap_field *f, const void *owner)
{
	const void *at = (const char *)owner + f->offset;

	switch (f->type) {
	case DERPMAP_TEXT:
		return json_text_of(((const struct derpmap_text *)at)->v);
	case DERPMAP_INT:
		return json_integer(((const struct derpmap_int *)at)->v);
	case DERPMAP_FLOAT:
		return float_json(((const struct derpmap_float *)at)->v);
	case DERPMAP_BOOL:
		return json_boolean(((const struct derpmap_bool *)at)->v);
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		break;
	}
	return json_null();
}

/* A whole node: what tells it from others. */
static json_t *
node_json(const struct derpmap_node *n)
{
	if (n == NULL || n->is_nil)
		return json_null();
	return json_pack("{s:o, s:o}", "name", json_text_of(n->name.v),
	    "hostname", json_text_of(n->host_name.v));
}

/* Where it is, in the spelling of headscale's file. */
static json_t *
path_json(const struct diff_change *c)
{
	if (c->is_order || c->is_no_list)
		return json_string("nodes");
	if (c->old_node == NULL && c->new_node == NULL)
		return json_string(c->field->yaml);
	return json_sprintf("nodes[%zu]%s%s", c->index,
	    c->field != NULL ? "." : "",
	    c->field != NULL ? c->field->yaml : "");
}

static json_t *
change_json(const struct diff_change *c)
{
	const char *kind = c->is_order ? "order" : kinds[c->kind];
	json_t *old = c->field != NULL ? value_json(c->field, c->old_owner)
				       : node_json(c->old_node);
	json_t *new = c->field != NULL ? value_json(c->field, c->new_owner)
				       : node_json(c->new_node);

	return json_pack("{s:o, s:s, s:o, s:o}", "path", path_json(c), "change",
	    kind, "old", old, "new", new);
}

static json_t *
region_json(const struct diff_region *r)
{
	const struct derpmap_region *named = r->new != NULL ? r->new : r->old;
	json_t *changes = json_array();

	for (size_t i = 0; i < r->change_count && changes != NULL; i++)
		changes = append(changes, change_json(&r->changes[i]));
	return json_pack("{s:I, s:o, s:s, s:o, s:o}", "id", (json_int_t)r->id,
	    "code", json_text_of(named->region_code.v), "change",
	    kinds[r->kind], "effects", effects_json(r->effects), "changes",
	    changes);
}

static json_t *
regions_json(const struct diff *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->region_count && list != NULL; i++)
		list = append(list, region_json(&d->regions[i]));
	return list;
}

static json_t *
scores_json(const struct diff *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->score_count && list != NULL; i++)
		list = append(list,
		    json_pack("{s:I, s:o, s:o}", "region",
			(json_int_t)d->scores[i].region, "old",
			float_json(d->scores[i].old), "new",
			float_json(d->scores[i].new)));
	return list;
}

static json_t *
default_regions_json(const struct diff *d)
{
	if (d->omits_default_old == d->omits_default_new)
		return json_null();
	return json_pack("{s:b, s:b}", "old", d->omits_default_old, "new",
	    d->omits_default_new);
}

int
diff_json(FILE *to, const struct diff *d)
{
	json_t *root = json_pack("{s:b, s:o, s:I, s:o, s:o, s:b, s:o}",
	    "different", diff_any(d), "effects", effects_json(d->effects),
	    "same", (json_int_t)d->same, "regions", regions_json(d), "scores",
	    scores_json(d), "scores_stay", d->scores_stay, "omitdefaultregions",
	    default_regions_json(d));
	int result;

	if (root == NULL)
		return -1;
	result = json_dumpf(root, to, JSON_INDENT(2));
	fputc('\n', to);
	json_decref(root);
	return result;
}
