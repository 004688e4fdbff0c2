/* map_input: see map_input.h. */
#include "map_input.h"

#include "infile.h"
#include "quote.h"
#include "syntax_hint.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TOLD_MAX 50      /* keys that are told one by one */
#define REFUSAL_MAX 2048 /* bytes of a reason, escaped */

void
map_input_report(const struct load *l, struct doc_pos at, const char *text)
{
	char clean[REFUSAL_MAX];
	struct writer w = writer_of(clean, sizeof clean);

	quote_put(&w, slice_str(text));
	fprintf(stderr, "%s:%u:%u: %.*s\n", infile_name(l->file), at.line,
	    at.column, (int)w.n, clean);
}

/* What the reading program rejects; with as_meant only what has no meaning. */
static int
report_refusal(const struct load *l, bool as_meant)
{
	const struct derpmap_diagnostic *r;
	struct syntax_hint hint;

	if (l->doc.error != DOC_OK && as_meant &&
	    l->dialect == DIALECT_HEADSCALE &&
	    syntax_hint_find(&hint, l->arena, l->text, &l->doc))
		map_input_report(l, hint.at, hint.text);
	else if (l->doc.error != DOC_OK)
		map_input_report(l, l->doc.error_at, l->doc.error_text);
	for (r = l->map.diagnostics; r != NULL; r = r->next)
		if (r->refuses && !(as_meant && r->is_meant))
			map_input_report(l, r->at, r->text);
	return COMMAND_UNUSABLE;
}

/* Things of one kind that are told one by one, TOLD_MAX of them. */
struct told {
	const struct load *load;
	size_t count;
};

__attribute__((format(printf, 3, 4))) static void
tell(struct told *told, struct doc_pos at, const char *fmt, ...)
{
	char text[REFUSAL_MAX];
	va_list args;

	if (told->count++ >= TOLD_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	map_input_report(told->load, at, text);
}

static void
tell_rest(const struct told *told)
{
	if (told->count > TOLD_MAX)
		fprintf(stderr, "%s: and %zu more\n",
		    infile_name(told->load->file), told->count - TOLD_MAX);
}

/* Keys that are dropped, and values that are read as they were meant. */
static void
report_diagnostics(const struct load *l)
{
	struct told told = { .load = l };
	const struct derpmap_diagnostic *r;

	for (r = l->map.diagnostics; r != NULL; r = r->next)
		if (r->kind == DERPMAP_UNKNOWN_KEY || r->is_meant)
			tell(&told, r->at, "%s%s", r->text,
			    r->is_meant ? "; read as it was meant" : "");
	tell_rest(&told);
}

/* Tells of a number that is not the one that is written. */
static void
tell_number(struct told *told, const char *name,
    const struct derpmap_origin *from, int64_t n)
{
	const struct doc_node *value =
	    from->value != NULL ? doc_resolve(from->value) : NULL;
	char quoted[QUOTE_TEXT];

	if (value == NULL || value->kind != DOC_SCALAR ||
	    (from->how & (DERPMAP_OCTAL | DERPMAP_TRUNCATED)) == 0)
		return;
	tell(told, derpmap_origin_pos(from), "%s %s is %" PRId64 " for %s%s",
	    name, quote_text(quoted, value->text), n,
	    told->load->dialect == DIALECT_JSON ? "Go" : "headscale",
	    (from->how & DERPMAP_OCTAL) != 0
		? ", which reads numbers with a leading zero as octal"
		: ", which cuts off what does not fit");
}

static void
tell_fields(struct told *told, enum derpmap_level level, const void *owner)
{
	const struct derpmap_fields fields = derpmap_fields(level);

	for (size_t i = 0; i < fields.n; i++) {
		const struct derpmap_int *n =
		    (const void *)((const char *)owner + fields.v[i].offset);

		if (fields.v[i].type == DERPMAP_INT)
			tell_number(told, fields.v[i].yaml, &n->from, n->v);
	}
}

/* Numbers in a spelling that gives another number: the map has what the program
 * makes of it. */
static void
report_numbers(const struct load *l)
{
	struct told told = { .load = l };

	for (size_t i = 0; i < l->map.region_count; i++) {
		const struct derpmap_region *r = l->map.regions[i];
		const struct derpmap_origin key = { .key = r->from.key,
			.value = r->from.key,
			.how = r->from.how };

		tell_number(&told, "region key", &key, r->key);
		if (r->is_nil)
			continue;
		tell_fields(&told, DERPMAP_LEVEL_REGION, r);
		for (size_t j = 0; j < r->node_count; j++)
			if (!r->nodes[j]->is_nil)
				tell_fields(
				    &told, DERPMAP_LEVEL_NODE, r->nodes[j]);
	}
	tell_rest(&told);
}

static void
report_ignored_text(const struct load *l)
{
	const struct doc_note *note;

	note = doc_note_find(&l->doc, DOC_NOTE_SECOND_DOCUMENT);
	if (note != NULL)
		map_input_report(l, note->at,
		    "only the first document is read, as headscale does");
	note = doc_note_find(&l->doc, DOC_NOTE_IGNORED_TEXT);
	if (note != NULL)
		map_input_report(l, note->at,
		    "what follows is not part of the map; headscale ignores "
		    "it silently");
}

void
map_input_report_for_headscale(const struct load *l)
{
	const struct derpmap *m = &l->map;

	if (!m->home_nil)
		fprintf(stderr, "%s: headscale will ignore homeparams\n",
		    infile_name(l->file));
	if (m->omit_default_regions.v)
		fprintf(stderr,
		    "%s: headscale will ignore omitdefaultregions; empty its "
		    "derp.urls instead\n",
		    infile_name(l->file));
	for (size_t i = 0; i < m->region_count; i++)
		if (m->regions[i]->is_nil) {
			map_input_report(l,
			    derpmap_origin_pos(&m->regions[i]->from),
			    "headscale 0.27 to 0.29 drop a region that is "
			    "null from the sources before this one; up to "
			    "0.26 clients are sent the null, later ones "
			    "ignore it");
			return;
		}
}

/* Sets one missing id to that of the region; tells of one that differs. */
static void
mend_id(struct told *told, const char *what, struct derpmap_int *id,
    int64_t key, struct doc_pos otherwise)
{
	struct doc_pos at = derpmap_origin_pos(&id->from);

	if (at.line == 0)
		at = otherwise;
	if (id->v == key)
		return;
	if (id->v == 0)
		tell(told, at, "%s has no region id: set to %" PRId64, what,
		    key);
	else
		tell(told, at,
		    "%s has region id %" PRId64 " in region %" PRId64
		    ": left as it is, see derpmap lint",
		    what, id->v, key);
	if (id->v == 0)
		id->v = key;
}

/* Clients need the id of a region in three places; people leave two of them
 * out. */
static void
mend_ids(const struct load *l)
{
	struct told told = { .load = l };

	for (size_t i = 0; i < l->map.region_count; i++) {
		struct derpmap_region *r = l->map.regions[i];

		if (r->is_nil)
			continue;
		mend_id(&told, "the region", &r->region_id, r->key,
		    derpmap_origin_pos(&r->from));
		for (size_t j = 0; j < r->node_count; j++)
			if (!r->nodes[j]->is_nil)
				mend_id(&told, "the node",
				    &r->nodes[j]->region_id, r->key,
				    derpmap_origin_pos(&r->nodes[j]->from));
	}
	tell_rest(&told);
}

/* What the file is that no map can be taken from; NULL: a file that has one. */
static const char *
not_a_map(const struct load *l)
{
	switch (l->kind.kind) {
	case FILEKIND_CONFIG:
		return "this is headscale's config.yaml, not a map; its maps "
		       "are in derp.urls and derp.paths (derpmap effective "
		       "shows what they come to)";
	case FILEKIND_NODE:
		return "this is a node alone, not a map; put it into the "
		       "Nodes of a region";
	case FILEKIND_OTHER:
		return "this is not a map, but a file that is beside maps: of "
		       "a CI, of Compose, of Kubernetes, of npm or of derper";
	case FILEKIND_NODE_LIST:
		return "this is a list of a tailnet's nodes, not a map";
	case FILEKIND_TEMPLATE:
		return "this is a template that was not rendered";
	case FILEKIND_HTML:
		return "this is an HTML page, not a map";
	case FILEKIND_POLICY:
		return l->kind.map == NULL ? "this policy file has no derpMap"
					   : NULL;
	case FILEKIND_CONFIGMAP:
		return l->kind.key == NULL
		    ? "no key of this ConfigMap holds a map as a block of text"
		    : NULL;
	case FILEKIND_MAP:
	case FILEKIND_WRAPPED:
	case FILEKIND_VALUES:
	case FILEKIND_FRAGMENT:
		break;
	}
	return NULL;
}

/* What a file without --from was read as. */
static void
report_kind(const struct load *l, bool brief)
{
	static const char *const names[] = {
		[FILEKIND_WRAPPED] = "a map below a key of its own",
		[FILEKIND_VALUES] = "a file with a map in it",
		[FILEKIND_POLICY] = "a Tailscale policy file",
		[FILEKIND_FRAGMENT] = "a fragment of a policy file",
		[FILEKIND_CONFIGMAP] = "a ConfigMap",
		[FILEKIND_HTML] = NULL,
	};
	const char *name = names[l->kind.kind];

	if (name == NULL && brief)
		return;
	if (name == NULL)
		name = l->dialect == DIALECT_JSON ? "a JSON map"
						  : "headscale YAML";
	fprintf(stderr, "%s: read as %s\n", infile_name(l->file), name);
}

/* A file of which the program that reads it is given: nothing is mended. */
static int
check_exactly(const struct load *l)
{
	if (!load_accepted(l))
		return report_refusal(l, false);
	report_ignored_text(l);
	report_diagnostics(l);
	report_numbers(l);
	if (l->map.region_count == 0)
		fprintf(stderr, "%s: there is no region in this map\n",
		    infile_name(l->file));
	return COMMAND_DONE;
}

/* A file of which it is not: it becomes the map that it was meant to be. */
static int
check_as_meant(const struct command_call *call, const struct load *l,
    const struct map_input_how *how)
{
	const char *reason = not_a_map(l);

	if (reason != NULL) {
		map_input_report(l, (struct doc_pos){ 1, 1, 0 }, reason);
		return COMMAND_UNUSABLE;
	}
	report_kind(l, how->brief);
	if (l->doc.root == NULL && l->doc.error == DOC_OK)
		return command_fail(call,
		    "%s: there is nothing in it, not even an empty map",
		    infile_name(l->file));
	if (l->doc.root == NULL || l->map.is_unclear)
		return report_refusal(l, true);
	report_ignored_text(l);
	report_diagnostics(l);
	report_numbers(l);
	if (l->map.region_count == 0)
		return command_fail(call,
		    "%s: there is no region in it, so there is nothing to "
		    "write; derpmap lint tells what is wrong (with --from it "
		    "is an empty map)",
		    infile_name(l->file));
	if (how->mend)
		mend_ids(l);
	return COMMAND_DONE;
}

int
map_input_open(struct load *l, const struct command_call *call,
    const char *file, const struct map_input_how *how)
{
	const struct load_how read = {
		.form = how->from,
		.as_meant = how->from == LOAD_DETECT,
		.text_max = (size_t)how->max_mib << 20,
	};
	struct fail why = { .text = "" };
	int status;

	if (load_open_as(l, file, &read, &why) == -1)
		return command_fail(call, "%s", why.text);
	status =
	    read.as_meant ? check_as_meant(call, l, how) : check_exactly(l);
	if (status != COMMAND_DONE)
		load_close(l);
	return status;
}
