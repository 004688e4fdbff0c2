/*
 * decode_yaml: the map as headscale's loader for derp.paths gets it.
 *
 * Follows yaml.v3 3.0.1 decoding into tailcfg.DERPMap step by step where the
 * steps can be seen: which values are looked at at all (those of unknown and
 * null keys are not), in which order (explicit keys, then merged ones), what
 * counts towards the limit on aliases. `stopped` is that library's failf,
 * which ends decoding; a diagnostic that refuses without it is one of the
 * errors that it gathers.
 */
#include "decode_yaml.h"

#include "decode_yaml_value.h"

#include <string.h>

/* Merge keys in each other; yaml.v3 would go on to the end of its stack. */
#define MERGE_DEPTH_MAX 500

static void decode_struct(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *n, void *base);
static void decode_mapping(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *n, struct entries *into, bool is_new);

/* What a merge key merges into: a struct, or the entries of a mapping. */
struct target {
	enum derpmap_level level;
	void *base;           /* of a struct */
	struct entries *into; /* of a mapping; NULL: a struct */
};

/* --- merging --- */

static void
merge_into(struct yaml_decoder *y, const struct target *t,
    const struct doc_node *source)
{
	struct alias alias;
	const struct doc_node *n = decode_yaml_enter(y, source, &alias);

	if (n != NULL && n->kind == DOC_MAPPING) {
		if (t->into != NULL)
			decode_mapping(y, t->level, n, t->into, false);
		else
			decode_struct(y, t->level, n, t->base);
	}
	decode_yaml_leave(y, &alias);
}

static void
bad_merge(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *node)
{
	decode_yaml_stop(y, DERPMAP_BAD_MERGE, level, node,
	    "<< wants a mapping or a list of mappings; headscale refuses the "
	    "file");
}

static bool
is_mergeable(const struct doc_node *node)
{
	return doc_resolve(node)->kind == DOC_MAPPING;
}

/* Collects the keys beside <<, which win over the merged ones. They are
 * decoded once more for that, without a type, so that 900.0 is not 900 here. */
static void
collect_set(struct yaml_decoder *y, const struct target *t,
    const struct doc_node *parent, struct merged *set)
{
	struct derpmap_fields fields = derpmap_fields(t->level);

	for (size_t i = 0; i < parent->count && !y->d->stopped; i++) {
		const struct doc_node *key = parent->items[2 * i], *n;
		struct yaml_value v;
		struct alias alias;

		n = decode_yaml_enter(y, key, &alias);
		if (n != NULL && n->kind != DOC_SCALAR) {
			decode_yaml_stop(y, DERPMAP_PANIC, t->level, key,
			    "a list or mapping as key beside a merge key: "
			    "headscale crashes");
		} else if (n != NULL &&
		    decode_yaml_resolve(y, t->level, n, &v) == 0) {
			if (v.type == YAML_INT && t->into != NULL)
				decoder_put(y->d, &set->keys, v.i, NULL);
			for (size_t f = 0; f < fields.n; f++)
				if (v.type == YAML_TEXT &&
				    slice_is(v.text, fields.v[f].yaml))
					set->fields |= 1U << f;
		}
		decode_yaml_leave(y, &alias);
	}
}

static void
merge_all(struct yaml_decoder *y, const struct target *t,
    const struct doc_node *merge)
{
	if (merge->kind == DOC_SEQUENCE) {
		for (size_t i = 0; i < merge->count && !y->d->stopped; i++) {
			if (!is_mergeable(merge->items[i]))
				bad_merge(y, t->level, merge->items[i]);
			else
				merge_into(y, t, merge->items[i]);
		}
	} else if (!is_mergeable(merge)) {
		bad_merge(y, t->level, merge);
	} else {
		merge_into(y, t, merge);
	}
}

static void
decode_merge(struct yaml_decoder *y, const struct target *t,
    const struct doc_node *parent, const struct doc_node *merge)
{
	struct merged set = { .fields = 0 }, *outer = y->merged;

	decoder_report(y->d, DERPMAP_MERGE_KEY, t->level, merge,
	    "a merge key puts in what is not set beside it");
	if (++y->merge_depth > MERGE_DEPTH_MAX)
		decode_yaml_stop(y, DERPMAP_BAD_MERGE, t->level, merge,
		    "merge keys nested too deeply for derpmap; headscale would "
		    "go on");
	entries_init(&set.keys);
	if (outer == NULL) {
		collect_set(y, t, parent, &set);
		y->merged = &set;
	}
	if (!y->d->stopped)
		merge_all(y, t, merge);
	y->merged = outer;
	y->merge_depth--;
	entries_clear(&set.keys);
}

/* --- regions and nodes --- */

/* Decodes what a pointer to a struct points to. false: nothing was decoded,
 * which is an error. *nil: it was null. */
static bool
decode_pointed(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *value, void *base, bool *nil)
{
	static const char *const names[] = {
		[DERPMAP_LEVEL_HOME] = "homeparams",
		[DERPMAP_LEVEL_REGION] = "a region",
		[DERPMAP_LEVEL_NODE] = "a node",
	};
	struct alias alias;
	const struct doc_node *n = decode_yaml_enter(y, value, &alias);
	struct yaml_value v = { .type = YAML_TEXT };
	bool good = false;

	*nil = false;
	if (n == NULL) {
		decode_yaml_leave(y, &alias);
		return false;
	}
	if (n->kind == DOC_MAPPING && !yaml_scalar_is_null(n)) {
		decode_struct(y, level, n, base);
		good = true;
	} else if (n->kind == DOC_MAPPING) {
		decoder_report(y->d, DERPMAP_BAD_TAG, level, value,
		    "%s tagged !!null; headscale refuses the file",
		    names[level]);
	} else if (n->kind != DOC_SCALAR ||
	    (decode_yaml_resolve(y, level, n, &v) == 0 &&
		v.type != YAML_NULL)) {
		decode_yaml_value_bad_shape(
		    y, level, value, names[level], "a mapping");
	} else {
		good = *nil = !y->d->stopped;
	}
	decode_yaml_leave(y, &alias);
	return good;
}

static unsigned
how_of(const struct doc_node *value)
{
	return value->kind == DOC_ALIAS ? DERPMAP_ALIASED : 0;
}

/* The elements of nodes, the null ones too. */
static void
decode_node_list(struct yaml_decoder *y, const struct doc_node *list,
    struct derpmap_region *region)
{
	struct derpmap_node *node;

	region->nodes_nil = false;
	region->node_count = 0;
	if (list->count == 0)
		return;
	region->nodes = decoder_alloc(y->d, list->count, sizeof *region->nodes);
	for (size_t i = 0; i < list->count && !y->d->stopped; i++) {
		node = decoder_alloc(y->d, 1, sizeof *node);
		if (node == NULL)
			return;
		node->from.value = list->items[i];
		node->from.how = how_of(list->items[i]);
		if (decode_pointed(y, DERPMAP_LEVEL_NODE, list->items[i], node,
			&node->is_nil))
			region->nodes[region->node_count++] = node;
	}
}

/* Whether it is null; any other scalar is reported. */
static bool
is_null_scalar(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *n, const char *what, const char *wanted)
{
	struct yaml_value v;

	if (n->kind == DOC_SCALAR) {
		if (decode_yaml_resolve(y, level, n, &v) == -1)
			return false;
		if (v.type == YAML_NULL)
			return true;
	} else if (n->kind == DOC_MAPPING) {
		/* reported by itself; the shape is wrong all the same */
		decode_yaml_has_duplicates(y, level, n);
	}
	decode_yaml_value_bad_shape(y, level, n, what, wanted);
	return false;
}

static void
decode_nodes(struct yaml_decoder *y, const struct doc_node *value,
    struct derpmap_region *region)
{
	struct alias alias;
	const struct doc_node *n = decode_yaml_enter(y, value, &alias);

	/* of a list that was there in another spelling nothing is left */
	region->nodes_nil = true;
	region->node_count = 0;
	if (n != NULL && n->kind == DOC_SEQUENCE)
		decode_node_list(y, n, region);
	else if (n != NULL)
		is_null_scalar(y, DERPMAP_LEVEL_REGION, n, "nodes", "a list");
	decode_yaml_leave(y, &alias);
}

/* --- mappings with integer keys --- */

static void
put_region(struct yaml_decoder *y, const struct derpmap_int *id,
    const struct doc_node *value, struct entries *into)
{
	struct derpmap_region *region = decoder_alloc(y->d, 1, sizeof *region);

	if (region == NULL)
		return;
	region->key = id->v;
	region->nodes_nil = true;
	region->from.key = id->from.key;
	region->from.value = value;
	region->from.how = how_of(value) | id->from.how;
	if (decode_pointed(
		y, DERPMAP_LEVEL_REGION, value, region, &region->is_nil))
		decoder_put(y->d, into, id->v, region);
}

static void
put_score(struct yaml_decoder *y, const struct derpmap_int *id,
    const struct doc_node *value, struct entries *into, bool is_new)
{
	struct derpmap_score *score = decoder_alloc(y->d, 1, sizeof *score);

	if (score == NULL)
		return;
	score->region = id->v;
	score->score.from.key = id->from.key;
	score->score.from.value = value;
	score->score.from.how = how_of(value) | id->from.how;
	if (decode_yaml_value_score(y, value, &score->score) ||
	    (yaml_scalar_is_null(value) &&
		(is_new || entries_find(into, id->v) == NULL)))
		decoder_put(y->d, into, id->v, score);
}

static void
put_entry(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *key, const struct doc_node *value,
    struct entries *into, bool is_new, struct merged *merged)
{
	struct derpmap_int id = { .from = { .key = key } };

	if (!decode_yaml_value_key(y, level, key, &id))
		return;
	if (merged != NULL) {
		if (entries_find(&merged->keys, id.v) != NULL)
			return;
		decoder_put(y->d, &merged->keys, id.v, NULL);
		id.from.how |= DERPMAP_MERGED;
	} else if (entries_find(into, id.v) != NULL) {
		decoder_report(y->d, DERPMAP_SAME_REGION, level, key,
		    "this key is another spelling of %lld, which is set "
		    "above; the later one wins",
		    (long long)id.v);
	}
	if (level == DERPMAP_LEVEL_REGIONS)
		put_region(y, &id, value, into);
	else
		put_score(y, &id, value, into, is_new);
}

/* is_new: the mapping is not merged into another one. */
static void
decode_mapping(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *n, struct entries *into, bool is_new)
{
	struct target target = { .level = level, .into = into };
	const struct doc_node *merge = NULL;
	struct merged *merged = y->merged;

	if (decode_yaml_has_duplicates(y, level, n))
		return;
	for (size_t i = 0; i < n->count && !y->d->stopped; i++) {
		const struct doc_node *key = n->items[2 * i];
		const struct doc_node *value = n->items[2 * i + 1];

		if (yaml_scalar_is_merge(key)) {
			merge = value;
			continue;
		}
		/* what is inside is not merged any more */
		y->merged = NULL;
		put_entry(y, level, key, value, into, is_new, merged);
		y->merged = merged;
	}
	if (merge != NULL && !y->d->stopped)
		decode_merge(y, &target, n, merge);
}

static void
decode_entries(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *value, struct entries *into, bool *nil)
{
	struct alias alias;
	const struct doc_node *n = decode_yaml_enter(y, value, &alias);

	*nil = true;
	if (n != NULL && n->kind == DOC_MAPPING) {
		*nil = false;
		decode_mapping(y, level, n, into, true);
	} else if (n != NULL) {
		is_null_scalar(y, level, n,
		    level == DERPMAP_LEVEL_REGIONS ? "regions" : "regionscore",
		    "a mapping");
	}
	decode_yaml_leave(y, &alias);
}

/* --- structs --- */

/* The collections among the fields. */
static void
decode_field(struct yaml_decoder *y, enum derpmap_level level,
    const struct derpmap_field *field, struct derpmap_origin from, void *base)
{
	struct derpmap *m = y->d->map;
	struct derpmap_region *region;
	bool nil;

	switch (field->type) {
	case DERPMAP_REGIONS:
		m->regions_from = from;
		decode_entries(y, DERPMAP_LEVEL_REGIONS, from.value,
		    &y->d->regions, &m->regions_nil);
		return;
	case DERPMAP_HOME:
		m->home_from = from;
		if (decode_pointed(y, DERPMAP_LEVEL_HOME, from.value, m, &nil))
			m->home_nil = nil;
		return;
	case DERPMAP_SCORES:
		m->scores_from = from;
		decode_entries(
		    y, DERPMAP_LEVEL_SCORE, from.value, &y->d->scores, &nil);
		return;
	case DERPMAP_NODES:
		region = base;
		region->nodes_from = from;
		decode_nodes(y, from.value, region);
		return;
	case DERPMAP_TEXT:
	case DERPMAP_INT:
	case DERPMAP_FLOAT:
	case DERPMAP_BOOL:
		decode_yaml_value_field(y, level, field, from, base);
		return;
	}
}

/* The fields that one mapping has set: bits. */
struct done {
	uint32_t set;
	uint32_t meant; /* by a key in another spelling */
};

/* Finds the field of a key; fields.n: it is ignored, which is reported. */
static size_t
find_field(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *key, struct slice name, struct done *done)
{
	struct derpmap_fields fields = derpmap_fields(level);
	const struct derpmap_field *meant;
	size_t i = 0;

	while (i < fields.n &&
	    !slice_eq(name, slice_of(fields.v[i].yaml, fields.v[i].yaml_len)))
		i++;
	if (i < fields.n) {
		/* the right spelling wins over another one before it */
		done->set &= ~(done->meant & 1U << i);
		return i;
	}
	meant = derpmap_field_meant(level, name);
	decoder_report_key(y->d, level, key, meant, "headscale ignores '%.*s'",
	    name.n > 60 ? 60 : (int)name.n, (const char *)name.p);
	if (!y->d->as_meant || meant == NULL)
		return fields.n;
	i = (size_t)(meant - fields.v);
	if ((done->set & 1U << i) != 0)
		return fields.n;
	done->meant |= 1U << i;
	return i;
}

/* One key and value of a struct. */
static void
decode_member(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *key, const struct doc_node *value, struct done *done,
    struct merged *merged, void *base)
{
	struct derpmap_fields fields = derpmap_fields(level);
	struct slice name;
	size_t i;

	if (!decode_yaml_value_name(y, level, key, &name))
		return;
	i = find_field(y, level, key, name, done);
	if (i == fields.n)
		return;
	if (merged != NULL) {
		if ((merged->fields & 1U << i) != 0)
			return;
		merged->fields |= 1U << i;
	}
	if ((done->set & 1U << i) != 0) {
		decoder_report(y->d, DERPMAP_DUP_KEY, level, key,
		    "'%s' is set already, by another spelling of this key; "
		    "headscale refuses the file",
		    fields.v[i].yaml);
		return;
	}
	done->set |= 1U << i;
	decode_field(y, level, &fields.v[i],
	    (struct derpmap_origin){ key, value,
		(merged != NULL ? DERPMAP_MERGED : 0) | how_of(value) },
	    base);
}

static void
decode_struct(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *n, void *base)
{
	struct target target = { .level = level, .base = base };
	const struct doc_node *merge = NULL;
	struct merged *merged = y->merged;
	struct done done = { .set = 0 };

	if (decode_yaml_has_duplicates(y, level, n))
		return;
	for (size_t i = 0; i < n->count && !y->d->stopped; i++) {
		const struct doc_node *key = n->items[2 * i];
		const struct doc_node *value = n->items[2 * i + 1];

		if (yaml_scalar_is_merge(key)) {
			merge = value;
			continue;
		}
		y->merged = NULL;
		decode_member(y, level, key, value, &done, merged, base);
		y->merged = merged;
	}
	if (merge != NULL && !y->d->stopped)
		decode_merge(y, &target, n, merge);
}

void
decode_yaml(struct decoder *d, const struct doc_node *root)
{
	/* the document itself is the first thing decoded */
	struct yaml_decoder y = { .d = d, .decodes = 1 };
	struct alias alias;
	const struct doc_node *n = decode_yaml_enter(&y, root, &alias);

	if (n != NULL && n->kind == DOC_MAPPING)
		decode_struct(&y, DERPMAP_LEVEL_MAP, n, d->map);
	else if (n != NULL)
		is_null_scalar(
		    &y, DERPMAP_LEVEL_MAP, n, "the document", "a mapping");
	decode_yaml_leave(&y, &alias);
}
