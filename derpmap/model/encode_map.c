/* encode_map: see encode_map.h. */
#include "encode_map.h"

#include "json_writer.h"
#include "utf8.h"
#include "yaml_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Either writer; yaml is NULL for JSON. */
struct encoder {
	struct yaml_writer *yaml;
	struct json_writer json;
	struct fail *why;
};

/* --- either form --- */

static void
begin_mapping(struct encoder *e)
{
	if (e->yaml != NULL)
		yaml_writer_begin_mapping(e->yaml);
	else
		json_writer_begin(&e->json, '{');
}

static void
end_mapping(struct encoder *e)
{
	if (e->yaml != NULL)
		yaml_writer_end_mapping(e->yaml);
	else
		json_writer_end(&e->json, '}');
}

static void
begin_list(struct encoder *e)
{
	if (e->yaml != NULL)
		yaml_writer_begin_sequence(e->yaml);
	else
		json_writer_begin(&e->json, '[');
}

static void
end_list(struct encoder *e)
{
	if (e->yaml != NULL)
		yaml_writer_end_sequence(e->yaml);
	else
		json_writer_end(&e->json, ']');
}

static void
put_name(struct encoder *e, const struct derpmap_field *f)
{
	if (e->yaml != NULL)
		yaml_writer_plain(e->yaml, f->yaml);
	else
		json_writer_key(&e->json, f->json);
}

/* A number, true, false or null. */
static void
put_plain(struct encoder *e, const char *text)
{
	if (e->yaml != NULL)
		yaml_writer_plain(e->yaml, text);
	else
		json_writer_plain(&e->json, text);
}

static void
put_id(struct encoder *e, int64_t id)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, id);
	if (e->yaml != NULL)
		yaml_writer_plain(e->yaml, text);
	else
		json_writer_key(&e->json, text);
}

/* --- scalars --- */

static void
put_int(struct encoder *e, int64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, v);
	put_plain(e, text);
}

/* Only !!binary can hold what is not UTF-8; YAML can say it again. */
static void
put_text(struct encoder *e, struct slice text)
{
	if (e->yaml == NULL)
		json_writer_text(&e->json, text);
	else if (utf8_valid(text))
		yaml_writer_text(e->yaml, text);
	else
		yaml_writer_binary(e->yaml, text);
}

static const char *
special_float(double v)
{
	if (isnan(v))
		return ".nan";
	return v > 0 ? ".inf" : "-.inf";
}

/* The shortest decimal that reads back as the same number. In YAML -0 would be
 * an integer, which has no sign there. */
static void
put_finite(struct encoder *e, double v)
{
	char text[32];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	put_plain(e, e->yaml != NULL && v == 0 && signbit(v) ? "-0.0" : text);
}

/* sent says, for the refusal, what headscale does with it. */
static int
put_float(struct encoder *e, const struct derpmap_float *f, const char *name,
    const char *sent)
{
	struct doc_pos at = derpmap_origin_pos(&f->from);

	if (isfinite(f->v))
		put_finite(e, f->v);
	else if (e->yaml != NULL)
		put_plain(e, special_float(f->v));
	else
		return fail_at(e->why, at.line, at.column,
		    "%s is %s; JSON has no such number, %s", name,
		    isnan(f->v) ? "not a number" : "infinite", sent);
	return 0;
}

/* --- fields --- */

static bool
is_zero(const struct derpmap_field *f, const void *at)
{
	switch (f->type) {
	case DERPMAP_TEXT:
		return ((const struct derpmap_text *)at)->v.n == 0;
	case DERPMAP_INT:
		return ((const struct derpmap_int *)at)->v == 0;
	case DERPMAP_FLOAT:
		return ((const struct derpmap_float *)at)->v == 0;
	case DERPMAP_BOOL:
		return !((const struct derpmap_bool *)at)->v;
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		break;
	}
	return false;
}

static int
put_value(struct encoder *e, const struct derpmap_field *f, const void *at)
{
	switch (f->type) {
	case DERPMAP_TEXT:
		put_text(e, ((const struct derpmap_text *)at)->v);
		break;
	case DERPMAP_INT:
		put_int(e, ((const struct derpmap_int *)at)->v);
		break;
	case DERPMAP_FLOAT:
		return put_float(e, at, f->json,
		    "so headscale cannot send this map to any client");
	case DERPMAP_BOOL:
		put_plain(
		    e, ((const struct derpmap_bool *)at)->v ? "true" : "false");
		break;
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		break;
	}
	return 0;
}

/* The simple fields of a struct. */
static int
put_fields(struct encoder *e, enum derpmap_level level, const void *base)
{
	struct derpmap_fields fields = derpmap_fields(level);

	for (size_t i = 0; i < fields.n; i++) {
		const struct derpmap_field *f = &fields.v[i];
		const void *at = (const char *)base + f->offset;

		if (f->type > DERPMAP_BOOL || (f->omit && is_zero(f, at)))
			continue;
		put_name(e, f);
		if (put_value(e, f, at) == -1)
			return -1;
	}
	return 0;
}

static const struct derpmap_field *
find_field(enum derpmap_level level, enum derpmap_type type)
{
	const struct derpmap_field *f = derpmap_fields(level).v;

	while (f->type != type)
		f++;
	return f;
}

/* --- nodes and regions --- */

static int
put_node(struct encoder *e, const struct derpmap_node *node)
{
	if (node->is_nil) {
		put_plain(e, "null");
		return 0;
	}
	begin_mapping(e);
	if (put_fields(e, DERPMAP_LEVEL_NODE, node) == -1)
		return -1;
	end_mapping(e);
	return 0;
}

static int
put_nodes(struct encoder *e, const struct derpmap_region *r)
{
	if (r->node_count == 0 && r->nodes_nil) {
		put_plain(e, "null");
		return 0;
	}
	begin_list(e);
	for (size_t i = 0; i < r->node_count; i++)
		if (put_node(e, r->nodes[i]) == -1)
			return -1;
	end_list(e);
	return 0;
}

static int
put_region(struct encoder *e, const struct derpmap_region *r)
{
	put_id(e, r->key);
	if (r->is_nil) {
		put_plain(e, "null");
		return 0;
	}
	begin_mapping(e);
	if (put_fields(e, DERPMAP_LEVEL_REGION, r) == -1)
		return -1;
	put_name(e, find_field(DERPMAP_LEVEL_REGION, DERPMAP_NODES));
	if (put_nodes(e, r) == -1)
		return -1;
	end_mapping(e);
	return 0;
}

static int
put_regions(struct encoder *e, const struct derpmap *m)
{
	put_name(e, find_field(DERPMAP_LEVEL_MAP, DERPMAP_REGIONS));
	if (m->region_count == 0 && m->regions_nil) {
		put_plain(e, "null");
		return 0;
	}
	begin_mapping(e);
	for (size_t i = 0; i < m->region_count; i++)
		if (put_region(e, m->regions[i]) == -1)
			return -1;
	end_mapping(e);
	return 0;
}

/* --- the map --- */

static int
put_scores(struct encoder *e, const struct derpmap *m)
{
	put_name(e, find_field(DERPMAP_LEVEL_HOME, DERPMAP_SCORES));
	begin_mapping(e);
	for (size_t i = 0; i < m->score_count; i++) {
		put_id(e, m->scores[i].region);
		if (put_float(e, &m->scores[i].score, "a score",
			"and headscale sends no scores") == -1)
			return -1;
	}
	end_mapping(e);
	return 0;
}

static int
put_home(struct encoder *e, const struct derpmap *m)
{
	if (m->home_nil)
		return 0;
	put_name(e, find_field(DERPMAP_LEVEL_MAP, DERPMAP_HOME));
	begin_mapping(e);
	if (m->score_count > 0 && put_scores(e, m) == -1)
		return -1;
	end_mapping(e);
	return 0;
}

static int
put_map(struct encoder *e, const struct derpmap *m)
{
	begin_mapping(e);
	if (put_home(e, m) == -1 || put_regions(e, m) == -1 ||
	    put_fields(e, DERPMAP_LEVEL_MAP, m) == -1)
		return -1;
	end_mapping(e);
	if ((e->yaml != NULL ? yaml_writer_finish(e->yaml)
			     : json_writer_finish(&e->json)) == -1)
		return fail_set(e->why, "not enough memory for the text");
	return 0;
}

int
encode_map_yaml(struct buf *out, const struct derpmap *m, struct fail *why)
{
	struct encoder e = { .yaml = yaml_writer_new(out), .why = why };
	int result;

	if (e.yaml == NULL)
		return fail_set(why, "not enough memory for the text");
	result = put_map(&e, m);
	yaml_writer_free(e.yaml);
	return result;
}

int
encode_map_json(struct buf *out, const struct derpmap *m, struct fail *why)
{
	struct encoder e = { .json = { .out = out }, .why = why };

	return put_map(&e, m);
}
