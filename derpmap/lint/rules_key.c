/* rules_key: judgements about keys that are ignored: misspelled, unknown, or
 * put around the map. */
#include "rule_groups.h"

#include <string.h>

#define BARE_MAX 64 /* bytes of a key that are looked at or shown */

static struct slice
key_text(const struct derpmap_diagnostic *d)
{
	const struct doc_node *n = d->node;

	return n != NULL && n->kind == DOC_SCALAR ? n->text : slice_str("");
}

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
meant_field(
    const struct rule_run *run, enum derpmap_level level, struct slice key)
{
	struct derpmap_fields fields = derpmap_fields(level);
	char text[BARE_MAX];

	bare(text, key);
	for (size_t i = 0; i < fields.n; i++)
		if (strcmp(text, fields.v[i].yaml) == 0)
			return rule_field_name(run, fields.v[i].yaml);
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
nearest_field(
    const struct rule_run *run, enum derpmap_level level, struct slice key)
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
			best = rule_field_name(run, fields.v[i].yaml);
		}
	}
	return best;
}

/* The value of a key of the mapping; keys are in the order of the text. */
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
is_wrapper(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	const struct doc_node *root = doc_resolve(run->load->doc.root);
	const struct doc_node *value;
	char text[BARE_MAX];

	bare(text, key_text(d));
	if (d->level != DERPMAP_LEVEL_MAP || root->kind != DOC_MAPPING ||
	    (strcmp(text, "derp") != 0 && strcmp(text, "derpmap") != 0))
		return false;
	value = value_of(root, d->node);
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
glued_field(const struct rule_run *run, const struct derpmap_diagnostic *d)
{
	struct slice head, tail;

	if (!slice_cut(key_text(d), ':', &head, &tail))
		return NULL;
	return meant_field(run, d->level, head);
}

/* Who reads the file. */
static const char *
reader(const struct rule_run *run)
{
	return run->load->dialect == DIALECT_JSON ? "Go's JSON decoder"
						  : "headscale";
}

static void
key_case(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	const char *meant = meant_field(run, d->level, key_text(d));
	struct slice key = key_text(d);

	if (d->kind != DERPMAP_UNKNOWN_KEY || meant == NULL)
		return;
	rule_found(run, d->at, "`%.*s` is ignored by %s; it reads `%s`",
	    (int)min_of(key.n, BARE_MAX), (const char *)key.p, reader(run),
	    meant)
	    ->fix = rule_fix(run, "write %s", meant);
}

static void
unknown_key(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	struct slice key = key_text(d);
	const char *glued = glued_field(run, d);
	const char *nearest;
	struct finding *f;

	if (d->kind != DERPMAP_UNKNOWN_KEY ||
	    meant_field(run, d->level, key) != NULL || is_wrapper(run, d))
		return;
	f = rule_found(run, d->at,
	    "`%.*s` is not a key that %s knows here; it is ignored",
	    (int)min_of(key.n, BARE_MAX), (const char *)key.p, reader(run));
	nearest = nearest_field(run, d->level, key);
	if (glued != NULL)
		f->fix =
		    rule_fix(run, "put a space after the colon: `%s: `", glued);
	else if (nearest != NULL)
		f->fix = rule_fix(run, "did you mean %s?", nearest);
}

static void
wrapped_map(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	if (d->kind == DERPMAP_UNKNOWN_KEY && is_wrapper(run, d))
		rule_found(run, d->at,
		    "the map is below a key of its own; %s looks for `%s` at "
		    "the top and reads an empty map",
		    reader(run), rule_field_name(run, "regions"))
		    ->fix = "move what is in it one level up";
}

static const struct rule rules[] = {
	{ "P01", "yaml-key-case", SEVERITY_ERROR, RULE_ANY,
	    { .diagnostic = key_case }, "a known key in another spelling",
	    "Headscale's YAML keys are the Go names in lower case without "
	    "separators; another spelling is ignored without a word. In JSON "
	    "case does not matter, but _ and - do.",
	    RULE_YAML3 "; headscale issue 1418, pull request 2756" },
	{ "P02", "unknown-key", SEVERITY_WARNING, RULE_ANY,
	    { .diagnostic = unknown_key }, "a key that no reader knows",
	    "It is ignored without a word; often it is misspelled, or a space "
	    "after its colon is missing in { }.",
	    RULE_YAML3 },
	{ "P03", "wrapped-map", SEVERITY_ERROR, RULE_ANY,
	    { .diagnostic = wrapped_map },
	    "the map is below derp, derpMap or the like",
	    "The map must begin with regions; otherwise it is empty.",
	    RULE_YAML3 },
};

const struct rule_group rules_key = { rules, sizeof rules / sizeof rules[0] };
