/* rules_parse: judgements about how values are written: numbers, words, shapes,
 * and what is not there at all. */
#include "rules.h"

#include "duplicates.h"
#include "num.h"

#include <math.h>
#include <string.h>

#define SHOWN_MAX 64 /* bytes of a value in a message */

static int
shown(struct slice text)
{
	return text.n > SHOWN_MAX ? SHOWN_MAX : (int)text.n;
}

/* --- remarks of the decoder --- */

/* Finds with the decoder's own sentence, and a fix. */
static void
each_as_remarked(struct lint *l, enum derpmap_remark_kind kind, const char *fix)
{
	const struct derpmap_remark *r;

	for (r = l->load->map.remarks; r != NULL; r = r->next)
		if (r->kind == kind)
			lint_found(l, r->at, "%s", r->text)->fix = fix;
}

static bool
is_quoted(const struct derpmap_remark *r)
{
	return r->node != NULL && r->node->kind == DOC_SCALAR &&
	    r->node->style != DOC_PLAIN;
}

static void
region_key(struct lint *l, const struct derpmap_remark *r)
{
	uint64_t number;
	struct finding *f = lint_found(l, r->at, "%s", r->text);

	if (l->load->dialect == DIALECT_HEADSCALE && is_quoted(r) &&
	    num_parse_decimal(r->node->text, UINT64_MAX, &number) == 0)
		f->fix = "remove the quotes";
}

void
rules_region_key_quoted(struct lint *l)
{
	lint_each_remark(l, DERPMAP_BAD_KEY, region_key);
}

static void
quoted_float(struct lint *l, const struct derpmap_remark *r)
{
	if (is_quoted(r))
		lint_found(l, r->at, "%s", r->text)->fix = "remove the quotes";
}

void
rules_quoted_number(struct lint *l)
{
	each_as_remarked(l, DERPMAP_QUOTED_INT, "remove the quotes");
	lint_each_remark(l, DERPMAP_BAD_FLOAT, quoted_float);
}

void
rules_bad_bool(struct lint *l)
{
	each_as_remarked(l, DERPMAP_BAD_BOOL, "write true or false");
}

void
rules_dup_key(struct lint *l)
{
	each_as_remarked(l, DERPMAP_DUP_KEY, "keep one of the two");
	each_as_remarked(l, DERPMAP_REPEATED_KEY, "keep one of the two");
}

void
rules_dup_region_spelling(struct lint *l)
{
	each_as_remarked(l, DERPMAP_SAME_REGION, "keep one of the two");
}

void
rules_container(struct lint *l)
{
	each_as_remarked(l, DERPMAP_BAD_SHAPE, NULL);
}

void
rules_panic(struct lint *l)
{
	each_as_remarked(
	    l, DERPMAP_PANIC, "do not use << beside a list or mapping as key");
}

/* Whether a rule of its own finds such a refusal. */
static bool
has_rule(const struct derpmap_remark *r)
{
	switch (r->kind) {
	case DERPMAP_DUP_KEY:
	case DERPMAP_BAD_KEY:
	case DERPMAP_QUOTED_INT:
	case DERPMAP_BAD_BOOL:
	case DERPMAP_BAD_SHAPE:
	case DERPMAP_PANIC:
		return true;
	case DERPMAP_BAD_FLOAT:
		return is_quoted(r);
	case DERPMAP_BAD_INT:
	case DERPMAP_BAD_TEXT:
	case DERPMAP_BAD_TAG:
	case DERPMAP_BAD_BINARY:
	case DERPMAP_BAD_MERGE:
	case DERPMAP_BAD_ALIAS:
	case DERPMAP_UNKNOWN_KEY:
	case DERPMAP_SAME_REGION:
	case DERPMAP_NULL_KEY:
	case DERPMAP_REPEATED_KEY:
	case DERPMAP_MERGE_KEY:
		break;
	}
	return false;
}

void
rules_refused(struct lint *l)
{
	const struct derpmap_remark *r;

	for (r = l->load->map.remarks; r != NULL; r = r->next)
		if (r->refuses && !has_rule(r))
			lint_found(l, r->at, "%s", r->text);
}

/* --- by what way values came about --- */

typedef void origin_fn(struct lint *l, const struct derpmap_field *field,
    const struct derpmap_origin *from);

static void
each_field_of(
    struct lint *l, enum derpmap_level level, const void *of, origin_fn *visit)
{
	struct derpmap_fields fields = derpmap_fields(level);

	for (size_t i = 0; i < fields.n; i++) {
		const struct derpmap_field *f = &fields.v[i];
		const char *p = (const char *)of + f->offset;

		switch (f->type) {
		case DERPMAP_TEXT:
			visit(l, f, &((const struct derpmap_text *)p)->from);
			break;
		case DERPMAP_INT:
			visit(l, f, &((const struct derpmap_int *)p)->from);
			break;
		case DERPMAP_FLOAT:
			visit(l, f, &((const struct derpmap_float *)p)->from);
			break;
		case DERPMAP_BOOL:
			visit(l, f, &((const struct derpmap_bool *)p)->from);
			break;
		case DERPMAP_NODES:
		case DERPMAP_REGIONS:
		case DERPMAP_HOME:
		case DERPMAP_SCORES:
			break;
		}
	}
}

/* Visits every value of the map, region keys included (field NULL). */
static void
each_origin(struct lint *l, origin_fn *visit)
{
	const struct derpmap *m = &l->load->map;

	each_field_of(l, DERPMAP_LEVEL_MAP, m, visit);
	for (size_t i = 0; i < m->region_count; i++) {
		const struct derpmap_region *r = m->regions[i];
		struct derpmap_origin key = { .key = r->from.key,
			.value = r->from.key,
			.how = r->from.how };

		visit(l, NULL, &key);
		if (r->is_nil)
			continue;
		each_field_of(l, DERPMAP_LEVEL_REGION, r, visit);
		for (size_t j = 0; j < r->node_count; j++)
			if (!r->nodes[j]->is_nil)
				each_field_of(
				    l, DERPMAP_LEVEL_NODE, r->nodes[j], visit);
	}
}

static struct slice
written(const struct derpmap_origin *from)
{
	const struct doc_node *n =
	    from->value != NULL ? doc_resolve(from->value) : NULL;

	return n != NULL && n->kind == DOC_SCALAR ? n->text : slice_str("");
}

static void
octal_int(struct lint *l, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	struct slice text = written(from);

	if ((from->how & DERPMAP_OCTAL) != 0)
		lint_found(l, derpmap_origin_pos(from),
		    "%s %.*s has a leading zero: headscale reads it as octal, "
		    "another number",
		    field != NULL ? field->yaml : "region key", shown(text),
		    (const char *)text.p)
		    ->fix = "drop the zero";
}

void
rules_octal_int(struct lint *l)
{
	each_origin(l, octal_int);
}

static void
odd_int(struct lint *l, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	struct slice text = written(from);
	bool cut = (from->how & DERPMAP_TRUNCATED) != 0;

	if ((from->how & (DERPMAP_ODD_INT | DERPMAP_TRUNCATED)) == 0 ||
	    (from->how & DERPMAP_OCTAL) != 0)
		return;
	lint_found(l, derpmap_origin_pos(from), "%s is written as %.*s%s",
	    field != NULL ? field->yaml : "region key", shown(text),
	    (const char *)text.p,
	    cut ? ", and headscale cuts off what does not fit an integer"
		: ", which not every program reads as that number")
	    ->fix = "write a plain decimal number";
}

void
rules_odd_int(struct lint *l)
{
	each_origin(l, odd_int);
}

static void
odd_bool(struct lint *l, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	if (field != NULL && (from->how & DERPMAP_ODD_BOOL) != 0)
		lint_found(l, derpmap_origin_pos(from),
		    "%s is written as a word of YAML 1.1, which newer tools "
		    "take for text",
		    field->yaml)
		    ->fix = "write true or false";
}

void
rules_odd_bool(struct lint *l)
{
	each_origin(l, odd_bool);
}

static void
string_coerced(struct lint *l, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	struct slice text = written(from);

	if (field != NULL && (from->how & DERPMAP_COERCED) != 0)
		lint_found(l, derpmap_origin_pos(from),
		    "%s %.*s is text for headscale, but a number, a bool or a "
		    "date for other tools",
		    field->yaml, shown(text), (const char *)text.p)
		    ->fix = "put it in quotes";
}

void
rules_string_coerced(struct lint *l)
{
	each_origin(l, string_coerced);
}

static void
surprising(struct lint *l, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	if (field != NULL && (from->how & DERPMAP_BINARY) != 0)
		lint_found(l, derpmap_origin_pos(from),
		    "%s is decoded from base64, which few readers do",
		    field->yaml);
}

void
rules_legal_surprising(struct lint *l)
{
	each_origin(l, surprising);
	each_as_remarked(l, DERPMAP_MERGE_KEY, NULL);
}

/* --- regions and nodes that are not there --- */

void
rules_nil_node(struct lint *l)
{
	const struct derpmap *m = &l->load->map;

	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++) {
			const struct derpmap_node *n = m->regions[i]->nodes[j];

			if (n->is_nil)
				lint_found(l, derpmap_origin_pos(&n->from),
				    "an empty list element becomes a nil node, "
				    "on which clients crash")
				    ->fix = "remove the dash";
		}
}

void
rules_null_region(struct lint *l)
{
	const struct derpmap *m = &l->load->map;

	for (size_t i = 0; i < m->region_count; i++)
		if (m->regions[i]->is_nil)
			lint_found(l, derpmap_origin_pos(&m->regions[i]->from),
			    "region %lld is null: headscale up to 0.26 sends "
			    "that to clients, 0.27 to 0.29 remove the region, "
			    "later ones ignore it",
			    (long long)m->regions[i]->key)
			    ->fix = "remove it, and leave the region out of "
				    "its source";
}

static void
alias_twin(struct lint *l, const void *first, const void *later)
{
	const struct derpmap_region *a = first, *b = later;

	lint_found(l, derpmap_origin_pos(&b->from),
	    "regions %lld and %lld are the same by an alias, ids and node "
	    "names included",
	    (long long)a->key, (long long)b->key);
}

void
rules_alias_shared(struct lint *l)
{
	const struct derpmap *m = &l->load->map;
	struct lint_twins twins = { .n = 0 };

	for (size_t i = 0; i < m->region_count; i++) {
		const struct derpmap_region *r = m->regions[i];

		/* a node of the document is told by its place */
		if (!r->is_nil && r->from.value != NULL)
			lint_twins_add(l, &twins, slice_str(""),
			    (int64_t)doc_resolve(r->from.value)->start.offset,
			    r);
	}
	lint_twins_visit(l, &twins, alias_twin);
}

void
rules_empty_map(struct lint *l)
{
	const struct derpmap *m = &l->load->map;

	if (!lint_whole(l))
		return; /* another rule has it */
	for (size_t i = 0; i < m->region_count; i++)
		if (!m->regions[i]->is_nil)
			return;
	lint_found(l, derpmap_origin_pos(&m->regions_from),
	    "there is no region in this map: headscale does not start when it "
	    "has no other, and at a refresh clients lose all relays");
}

static void
not_finite(struct lint *l, const struct derpmap_float *f)
{
	if (!isfinite(f->v))
		lint_found(l, derpmap_origin_pos(&f->from),
		    "headscale loads a number that is not finite, and then "
		    "cannot send a map to any client");
}

void
rules_not_finite(struct lint *l)
{
	const struct derpmap *m = &l->load->map;

	for (size_t i = 0; i < m->region_count; i++)
		if (!m->regions[i]->is_nil) {
			not_finite(l, &m->regions[i]->latitude);
			not_finite(l, &m->regions[i]->longitude);
		}
}
