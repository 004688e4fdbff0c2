/* rules_key: judgements about keys that are ignored: misspelled, unknown, or
 * put around the map. */
#include "rule_groups.h"

#include "edit.h"

#include <string.h>

#define BARE_MAX DERPMAP_BARE_MAX
#define NAMES_MAX 16 /* keys that a fix names */

static struct slice
key_text(const struct derpmap_diagnostic *d)
{
	const struct doc_node *n = d->node;

	return n != NULL && n->kind == DOC_SCALAR ? n->text : slice_str("");
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

/* What other programs call a field. */
static const char *
other_name(enum derpmap_level level, const char *key)
{
	static const struct {
		enum derpmap_level level;
		const char *key, *field;
	} names[] = {
		{ DERPMAP_LEVEL_REGION, "id", "regionid" },
		{ DERPMAP_LEVEL_REGION, "code", "regioncode" },
		{ DERPMAP_LEVEL_REGION, "name", "regionname" },
		{ DERPMAP_LEVEL_REGION, "servers", "nodes" },
		{ DERPMAP_LEVEL_NODE, "id", "name" },
		{ DERPMAP_LEVEL_NODE, "host", "hostname" },
		{ DERPMAP_LEVEL_NODE, "domain", "hostname" },
		{ DERPMAP_LEVEL_NODE, "server", "hostname" },
		{ DERPMAP_LEVEL_NODE, "url", "hostname" },
		{ DERPMAP_LEVEL_NODE, "port", "derpport" },
		{ DERPMAP_LEVEL_NODE, "stun", "stunport" },
		{ DERPMAP_LEVEL_NODE, "ipaddr", "ipv4" },
		{ DERPMAP_LEVEL_NODE, "ipaddress", "ipv4" },
		{ DERPMAP_LEVEL_NODE, "address", "ipv4" },
		{ DERPMAP_LEVEL_NODE, "ipv4addr", "ipv4" },
		{ DERPMAP_LEVEL_NODE, "ipv4address", "ipv4" },
		{ DERPMAP_LEVEL_NODE, "ipv6addr", "ipv6" },
		{ DERPMAP_LEVEL_NODE, "ipv6address", "ipv6" },
		{ DERPMAP_LEVEL_NODE, "insecure", "insecurefortests" },
		{ DERPMAP_LEVEL_NODE, "cert", "certname" },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].level == level && strcmp(names[i].key, key) == 0)
			return names[i].field;
	return NULL;
}

/* Whether the field is in the mapping of the key: the program that reads it
 * would refuse a second one. */
static bool
is_beside(const struct rule_run *run, const struct derpmap_diagnostic *d,
    const char *field)
{
	return rule_field_value(run,
		   doc_mapping_of(run->load->doc.root, d->node), field) != NULL;
}

/* The field that is called so elsewhere, or the nearest in spelling, at most
 * two letters off; or NULL. */
static const char *
nearest_field(const struct rule_run *run, const struct derpmap_diagnostic *d)
{
	struct derpmap_fields fields = derpmap_fields(d->level);
	const char *best = NULL, *other;
	size_t least = 3, off;
	char text[BARE_MAX];

	derpmap_bare(text, key_text(d));
	other = other_name(d->level, text);
	if (other != NULL)
		return is_beside(run, d, other) ? NULL
						: rule_field_name(run, other);
	for (size_t i = 0; i < fields.n; i++) {
		off = distance(text, fields.v[i].yaml);
		if (off < least) {
			least = off;
			best = rule_field_name(run, fields.v[i].yaml);
		}
	}
	return best;
}

/* Whether a flow mapping glued key and value together: {regionid:900}. */
static const char *
glued_field(const struct rule_run *run, const struct derpmap_diagnostic *d)
{
	struct slice head, tail;

	const struct derpmap_field *field = NULL;

	if (slice_cut(key_text(d), ':', &head, &tail))
		field = derpmap_field_meant(d->level, head);
	return field != NULL ? rule_field_name(run, field->yaml) : NULL;
}

/* Who reads the file. */
static const char *
reader(const struct rule_run *run)
{
	return run->load->dialect == DIALECT_JSON ? "Go's JSON decoder"
						  : "headscale";
}

/* Whether headscale ignores the field in every spelling, which other rules
 * tell. */
static bool
is_dropped(const struct rule_run *run, const struct derpmap_field *field)
{
	return run->load->dialect == DIALECT_HEADSCALE &&
	    (strcmp(field->yaml, "omitdefaultregions") == 0 ||
		strcmp(field->yaml, "homeparams") == 0);
}

static bool
is_misspelled(const struct rule_run *run, const struct derpmap_diagnostic *d)
{
	return d->kind == DERPMAP_UNKNOWN_KEY && d->meant != NULL &&
	    !is_dropped(run, d->meant);
}

/* What to write: each field once, as long as they fit a line. */
static const char *
right_names(struct rule_run *run, const struct derpmap_diagnostic *first)
{
	const struct derpmap_field *seen[NAMES_MAX];
	char text[NAMES_MAX * 24];
	struct writer w = writer_of(text, sizeof text);
	size_t n = 0, i;

	for (const struct derpmap_diagnostic *d = first; d != NULL;
	     d = d->next) {
		if (!is_misspelled(run, d))
			continue;
		for (i = 0; i < n && strcmp(seen[i]->yaml, d->meant->yaml) != 0;
		     i++)
			;
		if (i < n || n == NAMES_MAX)
			continue;
		seen[n] = d->meant;
		writer_printf(&w, "%s%s", n > 0 ? ", " : "",
		    rule_field_name(run, d->meant->yaml));
		n++;
	}
	return rule_fix(run,
	    "write %.*s, or let derpmap convert --to %s write the map",
	    (int)w.n, text,
	    run->load->dialect == DIALECT_JSON ? "json" : "headscale");
}

/* All of them are one slip: who misspells one key misspells the next. */
static void
key_case(struct rule_run *run)
{
	const struct derpmap_diagnostic *first = NULL, *d;
	size_t more = 0;
	struct finding *f;

	for (d = run->load->map.diagnostics; d != NULL; d = d->next) {
		if (!is_misspelled(run, d))
			continue;
		if (first == NULL)
			first = d;
		else
			more++;
	}
	if (first == NULL)
		return;
	if (more == 0)
		f = rule_found(run, first->at,
		    "`%.*s` is ignored by %s; it reads `%s`",
		    RULE_SHOWN(key_text(first)), reader(run),
		    rule_field_name(run, first->meant->yaml));
	else
		f = rule_found(run, first->at,
		    "`%.*s` and %zu more %s ignored by %s; it reads %s",
		    RULE_SHOWN(key_text(first)), more,
		    more == 1 ? "key are" : "keys are", reader(run),
		    run->load->dialect == DIALECT_JSON
			? "Go's names, without separators"
			: "Go's names in lower case, without separators");
	f->fix = right_names(run, first);
	for (d = first; d != NULL; d = d->next)
		if (is_misspelled(run, d))
			edit_key(run, f, d->node,
			    rule_field_name(run, d->meant->yaml));
}

/* Puts a space after the colon. */
static void
split_glued(struct rule_run *run, struct finding *f, const struct doc_node *key)
{
	const struct slice text = run->load->text;
	struct slice head, tail;
	size_t at;

	slice_cut(key->text, ':', &head, &tail);
	at = key->start.offset + head.n;
	if (key->style == DOC_PLAIN && at < text.n && text.p[at] == ':')
		edit_span(run, f, at + 1, 0, " ");
}

/* Whether something in the node has a name that aliases use. */
static bool
holds_anchor(const struct doc_node *n)
{
	const struct doc_node *const *items =
	    (const struct doc_node *const *)n->items;
	size_t count = n->kind == DOC_MAPPING ? 2 * n->count : n->count;

	if (n->props->anchor != NULL)
		return true;
	/* one level down: what people keep is a list or mapping of such */
	for (size_t i = 0; i < count; i++)
		if (items[i]->props->anchor != NULL)
			return true;
	return false;
}

/* Whether the key is there for what other places take from it by an alias, as
 * Compose files have it: a name that says that it is nothing's own. */
static bool
is_for_aliases(const struct rule_run *run, const struct derpmap_diagnostic *d)
{
	const struct slice key = key_text(d);
	const struct doc_node *value;

	if (run->load->dialect == DIALECT_JSON ||
	    !(slice_starts(key, "x-") || slice_starts(key, ".") ||
		slice_starts(key, "_")))
		return false;
	value = doc_value_of(run->load->doc.root, d->node);
	return value != NULL && holds_anchor(value);
}

/* Whether the key is of a region that is not below regions, of which another
 * rule tells. */
static bool
is_region_at_top(const struct rule_run *run, const struct derpmap_diagnostic *d)
{
	return d->level == DERPMAP_LEVEL_MAP && d->node != NULL &&
	    derpmap_is_region(
		d->node, doc_value_of(run->load->doc.root, d->node));
}

static void
unknown_key(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	struct slice key = key_text(d);
	const char *glued = glued_field(run, d);
	const char *nearest;
	struct finding *f;

	if (d->kind != DERPMAP_UNKNOWN_KEY || d->meant != NULL ||
	    is_for_aliases(run, d) || is_region_at_top(run, d))
		return;
	f = rule_found(run, d->at,
	    "`%.*s` is not a key that %s knows here; it is ignored",
	    RULE_SHOWN(key), reader(run));
	nearest = nearest_field(run, d);
	if (glued != NULL) {
		f->fix =
		    rule_fix(run, "put a space after the colon: `%s: `", glued);
		split_glued(run, f, d->node);
	} else if (nearest != NULL)
		f->fix = rule_fix(run, "did you mean %s?", nearest);
}

static const struct rule rules[] = {
	{ "P01", "yaml-key-case", SEVERITY_ERROR, RULE_ANY,
	    { .file = key_case }, "a known key in another spelling",
	    "Headscale's YAML keys are the Go names in lower case without "
	    "separators; another spelling is ignored without a word. In JSON "
	    "case does not matter, but _ and - do. All of a file are one "
	    "finding, and the values are judged as if the keys were right.",
	    RULE_YAML3 "; headscale issue 1418, pull request 2756" },
	{ "P02", "unknown-key", SEVERITY_WARNING, RULE_ANY,
	    { .diagnostic = unknown_key }, "a key that no reader knows",
	    "It is ignored without a word; often it is misspelled, or a space "
	    "after its colon is missing in { }. Keys that begin with x-, . or "
	    "_ and hold an anchor are fine: aliases use what is in them.",
	    RULE_YAML3 },
};

const struct rule_group rules_key = { rules, sizeof rules / sizeof rules[0] };
