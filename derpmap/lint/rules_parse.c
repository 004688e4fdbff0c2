/* rules_parse: judgements about how values are written: numbers, words and
 * shapes. */
#include "rule_groups.h"

#include "duplicates.h"
#include "edit.h"
#include "glued.h"
#include "num.h"
#include "off_port.h"
#include "placeholder.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- diagnostics of the decoder --- */

/* Something that another rule asks to replace, whatever it should be. */
static bool
is_placeholder(const struct derpmap_diagnostic *d)
{
	return d->node != NULL && d->node->kind == DOC_SCALAR &&
	    placeholder_is_mark(d->node->text);
}

/* Finds with the decoder's own sentence, and a fix. NULL: it is not of this
 * kind. */
static struct finding *
found_as_reported(struct rule_run *run, const struct derpmap_diagnostic *d,
    enum derpmap_diagnostic_kind kind, const char *fix)
{
	struct finding *f;

	if (d->kind != kind || is_placeholder(d))
		return NULL;
	f = rule_found(run, d->at, "%s", d->text);
	f->fix = fix;
	return f;
}

static bool
is_quoted(const struct derpmap_diagnostic *r)
{
	return r->node != NULL && r->node->kind == DOC_SCALAR &&
	    r->node->style != DOC_PLAIN;
}

/* Whether JSON and YAML read the text as this number. */
static bool
is_number(struct slice text, bool integer)
{
	struct slice digits = text, fraction;
	uint64_t number;

	if (slice_starts(digits, "-"))
		digits = slice_of(digits.p + 1, digits.n - 1);
	if (!integer && slice_cut(digits, '.', &digits, &fraction) &&
	    num_parse_decimal(fraction, UINT64_MAX, &number) == -1)
		return false;
	return num_parse_decimal(digits, INT64_MAX, &number) == 0 &&
	    (digits.p[0] != '0' || digits.n == 1);
}

/* Writes the value of a quoted number without its quotes. */
static void
unquote(struct rule_run *run, struct finding *f,
    const struct derpmap_diagnostic *d, bool integer)
{
	const struct derpmap_origin value = { .value = d->node };
	const char *text;

	if (f == NULL || !is_quoted(d) || !is_number(d->node->text, integer))
		return;
	text = rule_fix(run, "%.*s", RULE_SHOWN(d->node->text));
	if (text != NULL)
		edit_value(run, f, &value, text);
}

/* Whether the key is of what a region has, one level too far out. */
static bool
is_region_field(const struct derpmap_diagnostic *d)
{
	return d->kind == DERPMAP_BAD_KEY &&
	    d->level == DERPMAP_LEVEL_REGIONS && d->node != NULL &&
	    d->node->kind == DOC_SCALAR &&
	    derpmap_field_meant(DERPMAP_LEVEL_REGION, d->node->text) != NULL;
}

/* All keys of a region that are beside its id: one slip. */
static void
outdented_region(struct rule_run *run)
{
	const struct derpmap_diagnostic *d = run->load->map.diagnostics;

	while (d != NULL && !is_region_field(d))
		d = d->next;
	if (d == NULL)
		return;
	rule_found(run, d->at,
	    "`%.*s` is beside the region ids, and belongs to what a region "
	    "has; %s refuses the file",
	    RULE_SHOWN(d->node->text),
	    run->load->dialect == DIALECT_JSON ? "Go's JSON decoder"
					       : "headscale")
	    ->fix = run->load->dialect == DIALECT_JSON
	    ? "put it, and the keys of the region after it, into the region's "
	      "{ }"
	    : "indent it, and the lines of the region after it, further than "
	      "the region's id";
}

/* The number that the region of a bad key has inside; NULL: none. */
static const char *
id_inside(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	const struct doc_node *region =
	    doc_value_of(run->load->doc.root, d->node);
	const struct doc_node *id =
	    rule_field_value(run, doc_resolve(region), "regionid");
	/* every key of JSON has quotes */
	const char *quote = run->load->dialect == DIALECT_JSON ? "\"" : "";
	uint64_t number;

	if (id == NULL || id->kind != DOC_SCALAR ||
	    num_parse_decimal(id->text, INT64_MAX, &number) == -1)
		return NULL;
	return rule_fix(run, "write %s%" PRIu64 "%s, its %s", quote, number,
	    quote, rule_field_name(run, "regionid"));
}

static void
region_key(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	bool quoted_digits = false;
	struct finding *f;
	uint64_t number;

	if (d->kind != DERPMAP_BAD_KEY || is_region_field(d))
		return;
	if (run->load->dialect == DIALECT_HEADSCALE && is_quoted(d))
		quoted_digits =
		    num_parse_decimal(d->node->text, UINT64_MAX, &number) == 0;
	f = found_as_reported(run, d, DERPMAP_BAD_KEY,
	    quoted_digits ? "remove the quotes" : id_inside(run, d));
	if (quoted_digits)
		unquote(run, f, d, true);
}

static void
quoted_number(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	struct finding *f =
	    found_as_reported(run, d, DERPMAP_QUOTED_INT, "remove the quotes");

	unquote(run, f, d, true);
	/* Go says the same of all text; in YAML it is a number in quotes */
	if (f != NULL && run->load->dialect == DIALECT_JSON &&
	    !(is_quoted(d) && is_number(d->node->text, true)))
		f->fix = "write a number";
	off_port_advise(run, f, d);
	if (is_quoted(d))
		unquote(run,
		    found_as_reported(
			run, d, DERPMAP_BAD_FLOAT, "remove the quotes"),
		    d, false);
}

static void
bad_bool(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	struct finding *f =
	    found_as_reported(run, d, DERPMAP_BAD_BOOL, "write true or false");
	const struct derpmap_origin value = { .value = d->node };

	if (f == NULL || d->node == NULL || d->node->kind != DOC_SCALAR)
		return;
	if (slice_is_nocase(d->node->text, "true") ||
	    slice_is(d->node->text, "1"))
		edit_value(run, f, &value, "true");
	else if (slice_is_nocase(d->node->text, "false") ||
	    slice_is(d->node->text, "0"))
		edit_value(run, f, &value, "false");
}

static bool
is_yaml(const struct rule_run *run)
{
	return run->load->dialect == DIALECT_HEADSCALE;
}

#define SPACE_AFTER_DASH "put a space after the dash that begins each element"

static void
dup_key(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	const char *fix = "keep one of the two";

	if (is_yaml(run) && glued_dash(d->node))
		fix = SPACE_AFTER_DASH;
	else if (is_yaml(run) && d->level == DERPMAP_LEVEL_NODE)
		fix = "keep one of the two, or begin another node with a dash "
		      "before its first key";
	found_as_reported(run, d, DERPMAP_DUP_KEY, fix);
	found_as_reported(run, d, DERPMAP_REPEATED_KEY, "keep one of the two");
}

static void
dup_region_spelling(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	found_as_reported(run, d, DERPMAP_SAME_REGION, "keep one of the two");
}

/* Whether it is a list of what a region has, a key each: by dashes, mostly. */
static bool
holds_region_fields(const struct doc_node *n)
{
	const struct doc_node *first =
	    n->kind == DOC_SEQUENCE && n->count > 0 ? n->items[0] : NULL;

	return first != NULL && first->kind == DOC_MAPPING &&
	    first->count == 1 && first->items[0]->kind == DOC_SCALAR &&
	    derpmap_field_meant(DERPMAP_LEVEL_REGION, first->items[0]->text) !=
	    NULL;
}

/* What to write in place of a list of regions, a list for a region or a mapping
 * of nodes; NULL: it is none of them. */
static const char *
other_shape(const struct rule_run *run, const struct derpmap_diagnostic *d)
{
	const struct doc_node *n =
	    d->node != NULL ? doc_resolve(d->node) : NULL;

	if (n == NULL)
		return NULL;
	if (d->level == DERPMAP_LEVEL_REGIONS && n->kind == DOC_SEQUENCE)
		return is_yaml(run)
		    ? "write each region's id and a colon in place of the dash"
		    : "write { } with each region after its id: {\"900\": "
		      "{...}}";
	if (d->level == DERPMAP_LEVEL_REGION && holds_region_fields(n))
		return is_yaml(run)
		    ? "write the region's keys without a dash before them"
		    : "put all keys of the region into one { }";
	if (d->level == DERPMAP_LEVEL_REGION && n->kind == DOC_MAPPING)
		return is_yaml(run)
		    ? "begin each node with a dash before its first key"
		    : "write [ ] around the nodes";
	return NULL;
}

static void
container(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	const struct doc_node *n = d->node;
	const char *fix = glued_colon(n) ? "put a space after the colon"
					 : other_shape(run, d);

	/* a list whose dashes run into what follows is a mapping */
	if (n != NULL && n->kind == DOC_MAPPING && n->count > 0 &&
	    is_yaml(run) && glued_dash(n->items[0]))
		fix = SPACE_AFTER_DASH;
	found_as_reported(run, d, DERPMAP_BAD_SHAPE, fix);
}

static void
panic(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	found_as_reported(run, d, DERPMAP_PANIC,
	    "do not use << beside a list or mapping as key");
}

/* Whether a rule of its own finds such a refusal. */
static bool
has_rule(const struct derpmap_diagnostic *r)
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
	case DERPMAP_SPLIT_NODE:
		break;
	}
	return false;
}

static void
refused(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	if (d->refuses && !has_rule(d) && !is_placeholder(d))
		off_port_advise(run, rule_found(run, d->at, "%s", d->text), d);
}

/* --- by what way values came about --- */

/* The value that has this origin. */
#define OWNER_OF(origin, type)                                         \
	((const type *)(const void *)((const char *)(origin)-offsetof( \
	    type, from)))

static struct slice
written(const struct derpmap_origin *from)
{
	const struct doc_node *n =
	    from->value != NULL ? doc_resolve(from->value) : NULL;

	return n != NULL && n->kind == DOC_SCALAR ? n->text : slice_str("");
}

static void
octal_int(struct rule_run *run, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	struct finding *f;
	struct slice text;
	char number[24];
	uint64_t n;

	if ((from->how & DERPMAP_OCTAL) == 0)
		return;
	text = written(from);
	f = rule_found(run, derpmap_origin_pos(from),
	    "%s %.*s has a leading zero: headscale reads it as octal, another "
	    "number",
	    field != NULL ? field->yaml : "region key", RULE_SHOWN(text));
	f->fix = "drop the zero";
	/* what is meant is the decimal number */
	if (num_parse_decimal(text, INT64_MAX, &n) == 0) {
		snprintf(number, sizeof number, "%" PRIu64, n);
		edit_value(run, f, from, number);
	}
}

static void
odd_int(struct rule_run *run, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	bool cut = (from->how & DERPMAP_TRUNCATED) != 0;
	struct finding *f;
	struct slice text;
	char number[24];

	if ((from->how & (DERPMAP_ODD_INT | DERPMAP_TRUNCATED)) == 0 ||
	    (from->how & DERPMAP_OCTAL) != 0)
		return;
	text = written(from);
	f = rule_found(run, derpmap_origin_pos(from), "%s is written as %.*s%s",
	    field != NULL ? field->yaml : "region key", RULE_SHOWN(text),
	    cut ? ", and headscale cuts off what does not fit an integer"
		: ", which not every program reads as that number");
	f->fix = "write a plain decimal number";
	if (field != NULL && field->type != DERPMAP_INT)
		return;
	snprintf(number, sizeof number, "%" PRId64,
	    field != NULL ? OWNER_OF(from, struct derpmap_int)->v
			  : run->region->key);
	edit_value(run, f, from, number);
}

static void
odd_bool(struct rule_run *run, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	struct finding *f;

	if (field == NULL || (from->how & DERPMAP_ODD_BOOL) == 0)
		return;
	f = rule_found(run, derpmap_origin_pos(from),
	    "%s is written as a word of YAML 1.1, which newer tools read as "
	    "text",
	    field->yaml);
	f->fix = "write true or false";
	edit_value(run, f, from,
	    OWNER_OF(from, struct derpmap_bool)->v ? "true" : "false");
}

/* A number that comes back as the same text from every tool. */
static bool
is_plain_number(struct slice text)
{
	uint64_t number;

	return num_parse_decimal(text, INT64_MAX, &number) == 0 &&
	    (text.p[0] != '0' || text.n == 1);
}

static void
string_coerced(struct rule_run *run, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	const char *quoted;
	struct finding *f;
	struct slice text;

	if (field == NULL || (from->how & DERPMAP_COERCED) == 0)
		return;
	text = written(from);
	if (is_plain_number(text))
		return;
	f = rule_found(run, derpmap_origin_pos(from),
	    "%s %.*s is text for headscale, but a number, a bool or a date "
	    "for other tools",
	    field->yaml, RULE_SHOWN(text));
	f->fix = "put it in quotes";
	quoted = rule_fix(run, "\"%.*s\"", RULE_SHOWN(text));
	if (text.n < RULE_SHOWN_MAX && quoted != NULL)
		edit_value(run, f, from, quoted);
}

static void
binary(struct rule_run *run, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	if (field != NULL && (from->how & DERPMAP_BINARY) != 0)
		rule_found(run, derpmap_origin_pos(from),
		    "%s is decoded from base64, which few readers do",
		    field->yaml);
}

static void
merge_keys(struct rule_run *run)
{
	const struct derpmap_diagnostic *d;

	for (d = run->load->map.diagnostics; d != NULL; d = d->next)
		found_as_reported(run, d, DERPMAP_MERGE_KEY, NULL);
}

/* --- regions as a whole --- */

static void
same_alias(struct rule_run *run, const void *first, const void *later)
{
	const struct derpmap_region *a = first, *b = later;
	struct finding *f = rule_found(run, derpmap_origin_pos(&b->from),
	    "regions %lld and %lld are the same by an alias, ids and node "
	    "names included",
	    (long long)a->key, (long long)b->key);

	f->related = derpmap_origin_pos(&a->from);
	f->related_text = "the other region is here";
}

static void
alias_shared(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;
	struct duplicates seen = { .n = 0 };

	for (size_t i = 0; i < m->region_count; i++) {
		const struct derpmap_region *r = m->regions[i];

		/* a node of the document is told by its place */
		if (!r->is_nil && r->from.value != NULL)
			duplicates_add(run, &seen, slice_str(""),
			    (int64_t)doc_resolve(r->from.value)->start.offset,
			    r);
	}
	duplicates_visit(run, &seen, same_alias);
}

static void
number_not_finite(struct rule_run *run, const struct derpmap_float *f)
{
	if (!isfinite(f->v))
		rule_found(run, derpmap_origin_pos(&f->from),
		    "headscale loads a number that is not finite, and then "
		    "cannot send a map to any client");
}

static void
not_finite(struct rule_run *run, const struct derpmap_region *r)
{
	number_not_finite(run, &r->latitude);
	number_not_finite(run, &r->longitude);
}

static const struct rule rules[] = {
	{ "P05", "region-key-quoted", SEVERITY_ERROR, RULE_ANY,
	    { .file = outdented_region, .diagnostic = region_key },
	    "a region's key is not a number",
	    "The keys below regions are numbers: bare in YAML, decimal digits "
	    "in quotes in JSON. Anything else is refused.",
	    RULE_YAML3 },
	{ "P06", "quoted-number", SEVERITY_ERROR, RULE_ANY,
	    { .diagnostic = quoted_number }, "a number in quotes",
	    "Ports, ids, scores and coordinates in quotes are text and "
	    "refused.",
	    RULE_YAML3 "; " RULE_GOJSON },
	{ "P07", "octal-int", SEVERITY_ERROR, RULE_YAML, { .field = octal_int },
	    "a leading zero changes the number",
	    "0443 is octal in YAML 1.1 and becomes 291.", RULE_YAML3 },
	{ "P08", "odd-int", SEVERITY_WARNING, RULE_YAML, { .field = odd_int },
	    "a number in an unusual spelling",
	    "Hex, underscores, 0o, exponents and fractions are taken, "
	    "fractions are cut off; other tools read another number or none.",
	    RULE_YAML3 },
	{ "P09", "odd-bool", SEVERITY_WARNING, RULE_YAML, { .field = odd_bool },
	    "yes, no, on, off instead of true and false",
	    "They are booleans of YAML 1.1 and text in YAML 1.2.", RULE_YAML3 },
	{ "P10", "bad-bool", SEVERITY_ERROR, RULE_ANY,
	    { .diagnostic = bad_bool }, "not a boolean",
	    "1, 0 and \"true\" in quotes are refused.",
	    RULE_YAML3 "; " RULE_GOJSON },
	{ "P11", "dup-key", SEVERITY_ERROR, RULE_ANY, { .diagnostic = dup_key },
	    "the same key twice",
	    "Headscale refuses it in YAML; in JSON the later one wins, objects "
	    "and lists are joined.",
	    RULE_YAML3 "; " RULE_GOJSON },
	{ "P12", "dup-region-spelling", SEVERITY_ERROR, RULE_ANY,
	    { .diagnostic = dup_region_spelling }, "two keys for one region",
	    "900 and 0x384 are one number: the later region replaces the "
	    "earlier one without a word.",
	    RULE_YAML3 "; " RULE_GOJSON },
	{ "P24", "region-list", SEVERITY_ERROR, RULE_ANY,
	    { .diagnostic = container },
	    "a list instead of a mapping, or the reverse",
	    "regions is a mapping of ids, nodes is a list; anything else is "
	    "refused.",
	    RULE_YAML3 "; " RULE_GOJSON },
	{ "P25", "alias-shared", SEVERITY_INFO, RULE_YAML,
	    { .map = alias_shared }, "two regions by one alias",
	    "Their ids and node names are the same too.", RULE_YAML3 },
	{ "P26", "legal-surprising", SEVERITY_INFO, RULE_YAML,
	    { .map = merge_keys, .field = binary }, "a merge key or !!binary",
	    "Legal; what it comes to is best seen with derpmap convert.",
	    RULE_YAML3 },
	{ "P27", "string-coerced", SEVERITY_WARNING, RULE_YAML,
	    { .field = string_coerced },
	    "text without quotes that others read as something else",
	    "Headscale takes no, 010 or 2020-01-01 as it is written; other "
	    "tools make it a boolean, a number or a date.",
	    RULE_YAML3 },
	{ "P28", "refused", SEVERITY_ERROR, RULE_ANY, { .diagnostic = refused },
	    "a value that the program refuses",
	    "Headscale (YAML) or Go's JSON decoder refuses the whole file for "
	    "it.",
	    RULE_YAML3 "; " RULE_GOJSON },
	{ "P30", "reader-panics", SEVERITY_ERROR, RULE_YAML,
	    { .diagnostic = panic }, "a document on which headscale crashes",
	    "A merge key beside a list or a mapping as key.", RULE_YAML3 },
	{ "P31", "not-finite", SEVERITY_ERROR, RULE_YAML,
	    { .region = not_finite },
	    "a coordinate that is not a finite number",
	    "It loads, and then no client can be sent a map, because JSON has "
	    "no such number.",
	    RULE_YAML3 "; " RULE_GOJSON },
};

const struct rule_group rules_parse = { rules, sizeof rules / sizeof rules[0] };
