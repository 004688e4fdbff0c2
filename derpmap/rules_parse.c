/* rules_parse: judgements about how a map is written: keys, numbers, words. */
#include "rules.h"

#include "lint_twins.h"
#include "num.h"

#include <math.h>
#include <string.h>

/* --- remarks of the decoder --- */

typedef void remark_fn(struct lint *l, const struct derpmap_remark *r);

static void
each_remark(struct lint *l, enum derpmap_remark_kind kind, remark_fn *visit)
{
	const struct derpmap_remark *r;

	for (r = l->load->map.remarks; r != NULL; r = r->next)
		if (r->kind == kind)
			visit(l, r);
}

static struct slice
key_text(const struct derpmap_remark *r)
{
	const struct doc_node *n = r->node;

	return n != NULL && n->kind == DOC_SCALAR ? n->text : slice_str("");
}

#define BARE_MAX 64

/* The key in lower case without _, - and blanks, cut to fit. */
static void
bare(char out[static BARE_MAX], struct slice key)
{
	size_t n = 0;

	for (size_t i = 0; i < key.n && n < BARE_MAX - 1; i++) {
		uint8_t c = key.p[i];

		if (c >= 'A' && c <= 'Z')
			out[n++] = (char)(c - 'A' + 'a');
		else if (c != '_' && c != '-' && c != ' ')
			out[n++] = (char)c;
	}
	out[n] = '\0';
}

/* The field of the level that the key would be but for case, _ and -. */
static const char *
meant_field(const struct lint *l, enum derpmap_level level, struct slice key)
{
	struct derpmap_fields fields = derpmap_fields(level);
	char text[BARE_MAX];

	bare(text, key);
	for (size_t i = 0; i < fields.n; i++)
		if (strcmp(text, fields.v[i].yaml) == 0)
			return lint_name(l, fields.v[i].yaml);
	return NULL;
}

static size_t
min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein distance of two texts shorter than BARE_MAX. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[BARE_MAX], n = strlen(b), corner, above;

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		corner = row[0];
		row[0] = i + 1;
		for (size_t j = 1; j <= n; j++) {
			above = row[j];
			row[j] = min_of(corner + (a[i] != b[j - 1]),
			    min_of(above, row[j - 1]) + 1);
			corner = above;
		}
	}
	return row[n];
}

/* The field nearest in spelling, at most two letters off; or NULL. */
static const char *
nearest_field(const struct lint *l, enum derpmap_level level, struct slice key)
{
	struct derpmap_fields fields = derpmap_fields(level);
	const char *best = NULL;
	size_t least = 3, d;
	char text[BARE_MAX];

	bare(text, key);
	for (size_t i = 0; i < fields.n; i++) {
		d = distance(text, fields.v[i].yaml);
		if (d < least) {
			least = d;
			best = lint_name(l, fields.v[i].yaml);
		}
	}
	return best;
}

/* The value of a key of the mapping; keys stand in the order of the text. */
static const struct doc_node *
value_of(const struct doc_node *mapping, const struct doc_node *key)
{
	size_t low = 0, high = mapping->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct doc_node *n = mapping->items[2 * middle];

		if (n == key)
			return doc_resolve(mapping->items[2 * middle + 1]);
		if (n->start.offset < key->start.offset)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Whether the key is put around a whole map: derp:, derpMap:, DERPMap:. */
static bool
is_wrapper(struct lint *l, const struct derpmap_remark *r)
{
	const struct doc_node *root = doc_resolve(l->load->doc.root);
	const struct doc_node *value;
	char text[BARE_MAX];

	bare(text, key_text(r));
	if (r->level != DERPMAP_LEVEL_MAP || root->kind != DOC_MAPPING ||
	    (strcmp(text, "derp") != 0 && strcmp(text, "derpmap") != 0))
		return false;
	value = value_of(root, r->node);
	if (value == NULL || value->kind != DOC_MAPPING)
		return false;
	for (size_t i = 0; i < value->count; i++) {
		const struct doc_node *key = value->items[2 * i];

		if (key->kind == DOC_SCALAR &&
		    slice_is_nocase(key->text, "regions"))
			return true;
	}
	return false;
}

/* Whether a flow mapping glued key and value together: {regionid:900}. */
static const char *
glued_field(const struct lint *l, const struct derpmap_remark *r)
{
	struct slice head, tail;

	if (!slice_cut(key_text(r), ':', &head, &tail))
		return NULL;
	return meant_field(l, r->level, head);
}

/* Who reads the file. */
static const char *
reader(const struct lint *l)
{
	return l->load->dialect == DIALECT_JSON ? "Go's JSON decoder"
						: "headscale";
}

static void
key_case(struct lint *l, const struct derpmap_remark *r)
{
	const char *meant = meant_field(l, r->level, key_text(r));
	struct slice key = key_text(r);

	if (meant == NULL)
		return;
	lint_found(l, r->at, "`%.*s` is ignored by %s; it reads `%s`",
	    (int)min_of(key.n, BARE_MAX), (const char *)key.p, reader(l), meant)
	    ->fix = lint_fix(l, "write %s", meant);
}

void
rules_key_case(struct lint *l)
{
	each_remark(l, DERPMAP_UNKNOWN_KEY, key_case);
}

static void
unknown_key(struct lint *l, const struct derpmap_remark *r)
{
	struct slice key = key_text(r);
	const char *glued = glued_field(l, r);
	const char *nearest;
	struct finding *f;

	if (meant_field(l, r->level, key) != NULL || is_wrapper(l, r))
		return;
	f = lint_found(l, r->at,
	    "`%.*s` is no key that %s knows here; it is ignored",
	    (int)min_of(key.n, BARE_MAX), (const char *)key.p, reader(l));
	nearest = nearest_field(l, r->level, key);
	if (glued != NULL)
		f->fix =
		    lint_fix(l, "put a space behind the colon: `%s: `", glued);
	else if (nearest != NULL)
		f->fix = lint_fix(l, "did you mean %s?", nearest);
}

void
rules_unknown_key(struct lint *l)
{
	each_remark(l, DERPMAP_UNKNOWN_KEY, unknown_key);
}

static void
wrapped_map(struct lint *l, const struct derpmap_remark *r)
{
	if (is_wrapper(l, r))
		lint_found(l, r->at,
		    "the map is below a key of its own; %s looks for `%s` at "
		    "the top and reads an empty map",
		    reader(l), lint_name(l, "regions"))
		    ->fix = "move what is in it one level up";
}

void
rules_wrapped_map(struct lint *l)
{
	each_remark(l, DERPMAP_UNKNOWN_KEY, wrapped_map);
}

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

	if (l->load->dialect == DIALECT_HEADSCALE &&
	    num_parse_decimal(key_text(r), UINT64_MAX, &number) == 0)
		f->fix = "remove the quotes";
}

void
rules_region_key_quoted(struct lint *l)
{
	each_remark(l, DERPMAP_BAD_KEY, region_key);
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
	each_remark(l, DERPMAP_BAD_FLOAT, quoted_float);
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
		    field != NULL ? field->yaml : "region key",
		    (int)min_of(text.n, BARE_MAX), (const char *)text.p)
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
	    field != NULL ? field->yaml : "region key",
	    (int)min_of(text.n, BARE_MAX), (const char *)text.p,
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
		    field->yaml, (int)min_of(text.n, BARE_MAX),
		    (const char *)text.p)
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
