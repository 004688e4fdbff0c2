/*
 * decode_json: the map as Go's encoding/json gets it.
 *
 * Follows decoding into tailcfg.DERPMap: names without regard to case, later
 * values over earlier ones, objects joined, null without effect on scalars.
 * Errors of type do not stop it, as there; the document is refused at the end.
 */
#include "decode_json.h"

#include "json_fold.h"
#include "port.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 40

static void decode_struct(struct decoder *d, enum derpmap_level level,
    const struct doc_node *n, void *base);

static bool
is_word(const struct doc_node *n, const char *word)
{
	return n->kind == DOC_SCALAR && n->style == DOC_PLAIN &&
	    slice_is(n->text, word);
}

static bool
is_null(const struct doc_node *n)
{
	return is_word(n, "null");
}

static bool
is_string(const struct doc_node *n)
{
	return n->kind == DOC_SCALAR && n->style == DOC_DOUBLE;
}

static bool
is_number(const struct doc_node *n)
{
	return n->kind == DOC_SCALAR && n->style == DOC_PLAIN &&
	    n->text.n > 0 &&
	    (n->text.p[0] == '-' ||
		(n->text.p[0] >= '0' && n->text.p[0] <= '9'));
}

static const char *
kind_name(const struct doc_node *n)
{
	if (n->kind != DOC_SCALAR)
		return n->kind == DOC_MAPPING ? "an object" : "a list";
	if (is_string(n))
		return "the string";
	return is_number(n) ? "the number" : "the word";
}

/* A scalar that is refused and clear all the same. */
static void
refuse_meant(struct decoder *d, enum derpmap_diagnostic_kind kind,
    enum derpmap_level level, const struct doc_node *n, const char *what,
    const char *wanted)
{
	const char *quote = is_string(n) ? "\"" : "";

	decoder_report_meant(d, kind, level, n,
	    "%s must be %s, not %s %s%.*s%s; Go's JSON decoder refuses the "
	    "document",
	    what, wanted, kind_name(n), quote,
	    n->text.n > SHOWN ? SHOWN : (int)n->text.n, (const char *)n->text.p,
	    quote);
}

static void
refuse(struct decoder *d, enum derpmap_diagnostic_kind kind,
    enum derpmap_level level, const struct doc_node *n, const char *what,
    const char *wanted)
{
	const char *quote = is_string(n) ? "\"" : "";
	int shown = n->text.n > SHOWN ? SHOWN : (int)n->text.n;

	if (n->kind != DOC_SCALAR)
		decoder_report(d, kind, level, n,
		    "%s must be %s, not %s; Go's JSON decoder refuses the "
		    "document",
		    what, wanted, kind_name(n));
	else
		decoder_report(d, kind, level, n,
		    "%s must be %s, not %s %s%.*s%s; Go's JSON decoder "
		    "refuses the document",
		    what, wanted, kind_name(n), quote, shown,
		    (const char *)n->text.p, quote);
}

/* --- values --- */

/* strconv.ParseInt in base 10. */
static int
parse_int(struct slice text, int64_t *out)
{
	bool negative = text.n > 0 && text.p[0] == '-';
	uint64_t limit = negative ? (uint64_t)1 << 63 : INT64_MAX, v = 0;
	size_t i = negative || (text.n > 0 && text.p[0] == '+') ? 1 : 0;

	if (i == text.n)
		return -1;
	for (; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9' ||
		    __builtin_mul_overflow(v, 10U, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(text.p[i] - '0'), &v))
			return -1;
	}
	if (v > limit)
		return -1;
	*out = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

/* A JSON number as Go's ParseFloat has it: too big is an error. The text is
 * NUL-terminated in the arena. */
static int
parse_float(const struct doc_node *n, double *out)
{
	*out = strtod((const char *)n->text.p, NULL);
	return isinf(*out) ? -1 : 0;
}

static void
set_int(struct decoder *d, enum derpmap_level level, const char *name,
    const struct doc_node *n, struct derpmap_int *i)
{
	static const char wanted[] = "a whole number that fits 64 bits";
	const enum derpmap_diagnostic_kind kind =
	    is_string(n) ? DERPMAP_QUOTED_INT : DERPMAP_BAD_INT;

	if (is_number(n) && parse_int(n->text, &i->v) == 0)
		return;
	if (d->as_meant && is_string(n) && parse_int(n->text, &i->v) == 0)
		refuse_meant(d, kind, level, n, name, wanted);
	else if (d->as_meant && n->kind == DOC_SCALAR &&
	    strcmp(name, "STUNPort") == 0 && port_is_off_word(n->text)) {
		i->v = PORT_STUN_OFF;
		refuse_meant(d, kind, level, n, name, wanted);
	} else
		refuse(d, kind, level, n, name, wanted);
}

static void
set_bool(struct decoder *d, enum derpmap_level level, const char *name,
    const struct doc_node *n, struct derpmap_bool *b)
{
	if (is_word(n, "true"))
		b->v = true;
	else if (is_word(n, "false"))
		b->v = false;
	else if (d->as_meant && is_string(n) &&
	    (slice_is(n->text, "true") || slice_is(n->text, "false"))) {
		b->v = slice_is(n->text, "true");
		refuse_meant(
		    d, DERPMAP_BAD_BOOL, level, n, name, "true or false");
	} else
		refuse(d, DERPMAP_BAD_BOOL, level, n, name, "true or false");
}

static void
set_origin(struct derpmap_origin *to, struct derpmap_origin from)
{
	if (to->value != NULL)
		from.how |= DERPMAP_REPEATED;
	*to = from;
}

/* A field of a simple type. null changes nothing, not even an earlier value. */
static void
decode_simple(struct decoder *d, enum derpmap_level level,
    const struct derpmap_field *field, struct derpmap_origin from, void *base)
{
	void *at = (char *)base + field->offset;
	const struct doc_node *n = from.value;
	struct derpmap_text *text;
	struct derpmap_float *number;

	if (is_null(n))
		from.how |= DERPMAP_NULL;
	switch (field->type) {
	case DERPMAP_TEXT:
		text = at;
		set_origin(&text->from, from);
		if (is_string(n))
			text->v = n->text;
		else if (!is_null(n))
			refuse(d, DERPMAP_BAD_TEXT, level, n, field->json,
			    "a string");
		return;
	case DERPMAP_INT:
		set_origin(&((struct derpmap_int *)at)->from, from);
		if (!is_null(n))
			set_int(d, level, field->json, n, at);
		return;
	case DERPMAP_FLOAT:
		number = at;
		set_origin(&number->from, from);
		if (!is_null(n) &&
		    !(is_number(n) && parse_float(n, &number->v) == 0))
			refuse(d, DERPMAP_BAD_FLOAT, level, n, field->json,
			    "a number that fits a double");
		return;
	case DERPMAP_BOOL:
		set_origin(&((struct derpmap_bool *)at)->from, from);
		if (!is_null(n))
			set_bool(d, level, field->json, n, at);
		return;
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		return;
	}
}

/* --- nodes --- */

/*
 * Elements are decoded into what the list held before, also into elements that
 * a shorter list in between has cut off; null and [] make a fresh list. The
 * array keeps room for the longest: region->nodes[i] beyond node_count is
 * such a cut-off element.
 */
static void
decode_nodes(struct decoder *d, const struct doc_node *n,
    struct derpmap_region *region, size_t *room)
{
	struct derpmap_node **nodes;

	region->nodes_nil = is_null(n);
	if (is_null(n) || (n->kind == DOC_SEQUENCE && n->count == 0)) {
		region->nodes = NULL;
		region->node_count = *room = 0;
		return;
	}
	if (n->kind != DOC_SEQUENCE) {
		region->nodes_nil = region->nodes == NULL;
		refuse(d, DERPMAP_BAD_SHAPE, DERPMAP_LEVEL_REGION, n, "Nodes",
		    "a list");
		return;
	}
	if (n->count > *room) {
		nodes =
		    decoder_alloc(d, n->count, sizeof(struct derpmap_node *));
		if (nodes == NULL)
			return;
		if (*room > 0)
			memcpy(nodes, region->nodes,
			    *room * sizeof(struct derpmap_node *));
		region->nodes = nodes;
		*room = n->count;
	}
	region->node_count = n->count;
	for (size_t i = 0; i < n->count && !d->stopped; i++) {
		const struct doc_node *item = n->items[i];

		nodes = &region->nodes[i];
		if (*nodes == NULL || (*nodes)->is_nil || is_null(item))
			*nodes = decoder_alloc(d, 1, sizeof **nodes);
		if (*nodes == NULL)
			return;
		(*nodes)->from = (struct derpmap_origin){ .value = item };
		(*nodes)->is_nil = is_null(item);
		if (item->kind == DOC_MAPPING)
			decode_struct(d, DERPMAP_LEVEL_NODE, item, *nodes);
		else if (!is_null(item))
			refuse(d, DERPMAP_BAD_SHAPE, DERPMAP_LEVEL_NODE, item,
			    "a node", "an object");
	}
}

/* --- objects with integer keys --- */

static void *
new_region(
    struct decoder *d, const struct doc_node *key, const struct doc_node *value)
{
	struct derpmap_region *r = decoder_alloc(d, 1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->from = (struct derpmap_origin){ .key = key, .value = value };
	r->nodes_nil = true;
	r->is_nil = is_null(value);
	if (value->kind == DOC_MAPPING)
		decode_struct(d, DERPMAP_LEVEL_REGION, value, r);
	else if (!r->is_nil)
		refuse(d, DERPMAP_BAD_SHAPE, DERPMAP_LEVEL_REGION, value,
		    "a region", "an object");
	return r;
}

static void *
new_score(
    struct decoder *d, const struct doc_node *key, const struct doc_node *value)
{
	struct derpmap_score *s = decoder_alloc(d, 1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->score.from = (struct derpmap_origin){ .key = key, .value = value };
	if (!is_null(value) &&
	    !(is_number(value) && parse_float(value, &s->score.v) == 0))
		refuse(d, DERPMAP_BAD_FLOAT, DERPMAP_LEVEL_SCORE, value,
		    "a score", "a number that fits a double");
	return s;
}

static void
put_entry(struct decoder *d, enum derpmap_level level,
    const struct doc_node *key, const struct doc_node *value,
    struct entries *into)
{
	bool region = level == DERPMAP_LEVEL_REGIONS;
	void *made =
	    region ? new_region(d, key, value) : new_score(d, key, value);
	int64_t id;

	if (made == NULL)
		return;
	if (parse_int(key->text, &id) == -1) {
		decoder_report(d, DERPMAP_BAD_KEY, level, key,
		    "a region's key must be a whole number in quotes, not "
		    "\"%.*s\"; Go's JSON decoder refuses the document",
		    key->text.n > SHOWN ? SHOWN : (int)key->text.n,
		    (const char *)key->text.p);
		return;
	}
	if (entries_find(into, id) != NULL)
		decoder_report(d, DERPMAP_SAME_REGION, level, key,
		    "region %lld is set above already; the later one wins",
		    (long long)id);
	if (region)
		((struct derpmap_region *)made)->key = id;
	else
		((struct derpmap_score *)made)->region = id;
	decoder_put(d, into, id, made);
}

static void
decode_entries(struct decoder *d, enum derpmap_level level,
    const struct doc_node *n, struct entries *into, bool *nil)
{
	if (is_null(n)) {
		entries_clear(into);
		*nil = true;
		return;
	}
	if (n->kind != DOC_MAPPING) {
		refuse(d, DERPMAP_BAD_SHAPE, level, n,
		    level == DERPMAP_LEVEL_REGIONS ? "Regions" : "RegionScore",
		    "an object");
		return;
	}
	*nil = false;
	for (size_t i = 0; i < n->count && !d->stopped; i++)
		put_entry(d, level, n->items[2 * i], n->items[2 * i + 1], into);
}

/* --- objects --- */

static void
decode_home(struct decoder *d, const struct doc_node *n)
{
	struct derpmap *m = d->map;

	if (is_null(n)) {
		entries_clear(&d->scores);
		m->scores_from = (struct derpmap_origin){ .key = NULL };
		m->home_nil = true;
		return;
	}
	m->home_nil = false;
	if (n->kind == DOC_MAPPING)
		decode_struct(d, DERPMAP_LEVEL_HOME, n, m);
	else
		refuse(d, DERPMAP_BAD_SHAPE, DERPMAP_LEVEL_HOME, n,
		    "HomeParams", "an object");
}

/* *room: see decode_nodes; of the region that base is. */
static void
decode_field(struct decoder *d, enum derpmap_level level,
    const struct derpmap_field *field, struct derpmap_origin from, void *base,
    size_t *room)
{
	struct derpmap *m = d->map;
	struct derpmap_region *region = base;
	bool nil;

	switch (field->type) {
	case DERPMAP_REGIONS:
		set_origin(&m->regions_from, from);
		decode_entries(d, DERPMAP_LEVEL_REGIONS, from.value,
		    &d->regions, &m->regions_nil);
		return;
	case DERPMAP_HOME:
		set_origin(&m->home_from, from);
		decode_home(d, from.value);
		return;
	case DERPMAP_SCORES:
		set_origin(&m->scores_from, from);
		decode_entries(
		    d, DERPMAP_LEVEL_SCORE, from.value, &d->scores, &nil);
		return;
	case DERPMAP_NODES:
		set_origin(&region->nodes_from, from);
		decode_nodes(d, from.value, region, room);
		return;
	case DERPMAP_TEXT:
	case DERPMAP_INT:
	case DERPMAP_FLOAT:
	case DERPMAP_BOOL:
		decode_simple(d, level, field, from, base);
		return;
	}
}

/* Finds the field of a key; fields.n: it is ignored, which is reported. done:
 * the fields that the object has set. */
static size_t
find_field(struct decoder *d, enum derpmap_level level,
    const struct doc_node *key, uint32_t done)
{
	struct derpmap_fields fields = derpmap_fields(level);
	const struct derpmap_field *meant;
	size_t f = 0;

	while (f < fields.n && !json_fold_eq(key->text, fields.v[f].json))
		f++;
	if (f < fields.n)
		return f;
	meant = derpmap_field_meant(level, key->text);
	decoder_report_key(d, level, key, meant,
	    "Go's JSON decoder ignores \"%.*s\"",
	    key->text.n > SHOWN ? SHOWN : (int)key->text.n,
	    (const char *)key->text.p);
	if (!d->as_meant || meant == NULL ||
	    (done & 1U << (meant - fields.v)) != 0)
		return fields.n;
	return (size_t)(meant - fields.v);
}

static void
decode_struct(struct decoder *d, enum derpmap_level level,
    const struct doc_node *n, void *base)
{
	struct derpmap_fields fields = derpmap_fields(level);
	uint32_t done = 0;
	size_t room = 0;

	for (size_t i = 0; i < n->count && !d->stopped; i++) {
		const struct doc_node *key = n->items[2 * i];
		struct derpmap_origin from = { .key = key,
			.value = n->items[2 * i + 1] };
		size_t f = find_field(d, level, key, done);

		if (f == fields.n)
			continue;
		if ((done & 1U << f) != 0)
			decoder_report(d, DERPMAP_REPEATED_KEY, level, key,
			    "%s is set twice in one object; the later value "
			    "is used, objects and lists are joined",
			    fields.v[f].json);
		done |= 1U << f;
		decode_field(d, level, &fields.v[f], from, base, &room);
	}
}

void
decode_json(struct decoder *d, const struct doc_node *root)
{
	if (root->kind == DOC_MAPPING)
		decode_struct(d, DERPMAP_LEVEL_MAP, root, d->map);
	else if (!is_null(root))
		refuse(d, DERPMAP_BAD_SHAPE, DERPMAP_LEVEL_MAP, root,
		    "the document", "an object");
}
