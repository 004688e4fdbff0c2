/* rules_parse: judgements about how values are written: numbers, words, shapes,
 * and what is not there at all. */
#include "rule_groups.h"

#include "duplicates.h"
#include "num.h"
#include "placeholder.h"

#include <math.h>
#include <string.h>

/* --- diagnostics of the decoder --- */

/* Something that another rule asks to replace, whatever it should be. */
static bool
is_placeholder(const struct derpmap_diagnostic *d)
{
	return d->node != NULL && d->node->kind == DOC_SCALAR &&
	    placeholder_is_mark(d->node->text);
}

/* Finds with the decoder's own sentence, and a fix. */
static void
found_as_reported(struct rule_run *run, const struct derpmap_diagnostic *d,
    enum derpmap_diagnostic_kind kind, const char *fix)
{
	if (d->kind == kind && !is_placeholder(d))
		rule_found(run, d->at, "%s", d->text)->fix = fix;
}

static bool
is_quoted(const struct derpmap_diagnostic *r)
{
	return r->node != NULL && r->node->kind == DOC_SCALAR &&
	    r->node->style != DOC_PLAIN;
}

static void
region_key(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	bool quoted_digits = false;
	uint64_t number;

	if (run->load->dialect == DIALECT_HEADSCALE && is_quoted(d))
		quoted_digits =
		    num_parse_decimal(d->node->text, UINT64_MAX, &number) == 0;
	found_as_reported(run, d, DERPMAP_BAD_KEY,
	    quoted_digits ? "remove the quotes" : NULL);
}

static void
quoted_number(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	found_as_reported(run, d, DERPMAP_QUOTED_INT, "remove the quotes");
	if (is_quoted(d))
		found_as_reported(
		    run, d, DERPMAP_BAD_FLOAT, "remove the quotes");
}

static void
bad_bool(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	found_as_reported(run, d, DERPMAP_BAD_BOOL, "write true or false");
}

static void
dup_key(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	found_as_reported(run, d, DERPMAP_DUP_KEY, "keep one of the two");
	found_as_reported(run, d, DERPMAP_REPEATED_KEY, "keep one of the two");
}

static void
dup_region_spelling(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	found_as_reported(run, d, DERPMAP_SAME_REGION, "keep one of the two");
}

/* Whether a key and its value were read as one text: regionid:900. */
static bool
is_glued(const struct derpmap_diagnostic *d)
{
	struct slice head, tail;

	return d->node != NULL && d->node->kind == DOC_SCALAR &&
	    d->node->style == DOC_PLAIN &&
	    slice_cut(d->node->text, ':', &head, &tail) &&
	    (derpmap_field_meant(DERPMAP_LEVEL_REGION, head) != NULL ||
		derpmap_field_meant(DERPMAP_LEVEL_NODE, head) != NULL);
}

static void
container(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	found_as_reported(run, d, DERPMAP_BAD_SHAPE,
	    is_glued(d) ? "put a space after the colon" : NULL);
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
		break;
	}
	return false;
}

static void
refused(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	if (d->refuses && !has_rule(d) && !is_placeholder(d))
		rule_found(run, d->at, "%s", d->text);
}

/* --- by what way values came about --- */

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
	struct slice text = written(from);

	if ((from->how & DERPMAP_OCTAL) != 0)
		rule_found(run, derpmap_origin_pos(from),
		    "%s %.*s has a leading zero: headscale reads it as octal, "
		    "another number",
		    field != NULL ? field->yaml : "region key",
		    RULE_SHOWN(text))
		    ->fix = "drop the zero";
}

static void
odd_int(struct rule_run *run, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	struct slice text = written(from);
	bool cut = (from->how & DERPMAP_TRUNCATED) != 0;

	if ((from->how & (DERPMAP_ODD_INT | DERPMAP_TRUNCATED)) == 0 ||
	    (from->how & DERPMAP_OCTAL) != 0)
		return;
	rule_found(run, derpmap_origin_pos(from), "%s is written as %.*s%s",
	    field != NULL ? field->yaml : "region key", RULE_SHOWN(text),
	    cut ? ", and headscale cuts off what does not fit an integer"
		: ", which not every program reads as that number")
	    ->fix = "write a plain decimal number";
}

static void
odd_bool(struct rule_run *run, const struct derpmap_field *field,
    const struct derpmap_origin *from)
{
	if (field != NULL && (from->how & DERPMAP_ODD_BOOL) != 0)
		rule_found(run, derpmap_origin_pos(from),
		    "%s is written as a word of YAML 1.1, which newer tools "
		    "read as text",
		    field->yaml)
		    ->fix = "write true or false";
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
	struct slice text = written(from);

	if (field != NULL && (from->how & DERPMAP_COERCED) != 0 &&
	    !is_plain_number(text))
		rule_found(run, derpmap_origin_pos(from),
		    "%s %.*s is text for headscale, but a number, a bool or a "
		    "date for other tools",
		    field->yaml, RULE_SHOWN(text))
		    ->fix = "put it in quotes";
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

/* --- regions and nodes that are not there --- */

static void
nil_node(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;

	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++) {
			const struct derpmap_node *n = m->regions[i]->nodes[j];

			if (n->is_nil)
				rule_found(run, derpmap_origin_pos(&n->from),
				    "an empty list element becomes a nil node, "
				    "on which clients crash")
				    ->fix = "remove the dash";
		}
}

/* A null region is how a later source drops a region of an earlier one. */
static void
found_null_region(struct rule_run *run, const struct derpmap_region *region)
{
	struct doc_pos at = derpmap_origin_pos(&region->from);
	const long long key = (long long)region->key;

	if (run->load->kind.kind == FILEKIND_POLICY)
		rule_found_as(run, SEVERITY_INFO, at,
		    "region %lld is null: Tailscale leaves its own region of "
		    "that number out",
		    key);
	else
		rule_note(rule_found(run, at,
		    "region %lld is null, which drops it from the sources "
		    "before this one in headscale 0.27 to 0.29; up to 0.26 "
		    "clients are sent the null, and old ones crash; later "
		    "ones ignore it and keep the region",
		    key));
}

static void
null_region(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;

	for (size_t i = 0; i < m->region_count; i++)
		if (m->regions[i]->is_nil)
			found_null_region(run, m->regions[i]);
}

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

/* Whether the file is one in which there should be regions. */
static bool
has_place_for_regions(const struct load *load)
{
	switch (load->kind.kind) {
	case FILEKIND_MAP:
	case FILEKIND_WRAPPED:
	case FILEKIND_VALUES:
	case FILEKIND_FRAGMENT:
		return true;
	case FILEKIND_CONFIGMAP:
		return load->kind.map != NULL;
	case FILEKIND_POLICY:
		return load->map.omit_default_regions.v;
	case FILEKIND_NODE:
	case FILEKIND_CONFIG:
	case FILEKIND_TEMPLATE:
	case FILEKIND_HTML:
		break;
	}
	return false;
}

static void
empty_map(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;

	/* another rule has it, or there is nothing to have regions; null ones
	 * are for dropping those of other sources, and so is a policy that
	 * keeps Tailscale's */
	if (!rule_sees_all(run) || m->region_count > 0 ||
	    !has_place_for_regions(run->load))
		return;
	rule_found(run, derpmap_origin_pos(&m->regions_from),
	    "there is no region in this map: headscale does not start when it "
	    "has no other, and at a refresh clients lose all relays");
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
	    { .diagnostic = region_key }, "a region's key is not a number",
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
	{ "P20", "empty-map", SEVERITY_ERROR, RULE_ANY, { .map = empty_map },
	    "no region in the map",
	    "Headscale does not start with an empty map, and when one comes "
	    "at a refresh clients lose all relays.",
	    RULE_MERGE "; headscale issues 1982, 201" },
	{ "P21", "nil-node", SEVERITY_ERROR, RULE_ANY, { .map = nil_node },
	    "an empty list element for a node",
	    "Headscale forwards it, and clients crash on it.", RULE_NETCHECK },
	{ "P22", "null-region", SEVERITY_INFO, RULE_ANY, { .map = null_region },
	    "a region that is null",
	    "The documented way to drop a region of an earlier source, which "
	    "works in headscale 0.27 to 0.29 and in policy files. Up to 0.26 "
	    "headscale sends the null to clients, and old ones crash; after "
	    "0.29 it is ignored. DIFFERS from a warning: it is what the "
	    "manual says.",
	    RULE_MERGE "; headscale issue 2450, tailscale issue 14752" },
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
