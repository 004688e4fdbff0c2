/*
 * cmd_convert: a map from one textual form to the other: exactly what a given
 * program reads, or what a file was meant to be.
 */
#include "commands.h"
#include "encode_map.h"
#include "infile.h"
#include "load.h"
#include "quote.h"
#include "syntax_hint.h"

#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX ((size_t)256 << 20)

struct arguments {
	struct opts_choice from, to;
	int64_t max_size; /* MiB */
};

#define TOLD_MAX 50      /* keys that are told one by one */
#define REFUSAL_MAX 2048 /* bytes of a reason, escaped */

/* One line about a place. Names in it come from the file, so control characters
 * are made visible. */
static void
report_at(const struct load *l, struct doc_pos at, const char *text)
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
		report_at(l, hint.at, hint.text);
	else if (l->doc.error != DOC_OK)
		report_at(l, l->doc.error_at, l->doc.error_text);
	for (r = l->map.diagnostics; r != NULL; r = r->next)
		if (r->refuses && !(as_meant && r->is_meant))
			report_at(l, r->at, r->text);
	return COMMAND_UNUSABLE;
}

/* Keys that are dropped, and values that are read as they were meant. */
static void
report_diagnostics(const struct load *l)
{
	const struct derpmap_diagnostic *r;
	char text[REFUSAL_MAX];
	size_t told = 0, more = 0;

	for (r = l->map.diagnostics; r != NULL; r = r->next) {
		if (r->kind != DERPMAP_UNKNOWN_KEY && !r->is_meant)
			continue;
		if (told++ >= TOLD_MAX) {
			more++;
			continue;
		}
		snprintf(text, sizeof text, "%s%s", r->text,
		    r->is_meant ? "; converted as it was meant" : "");
		report_at(l, r->at, text);
	}
	if (more > 0)
		fprintf(
		    stderr, "%s: and %zu more\n", infile_name(l->file), more);
}

static void
report_ignored_text(const struct load *l)
{
	const struct doc_note *note;

	note = doc_note_find(&l->doc, DOC_NOTE_SECOND_DOCUMENT);
	if (note != NULL)
		report_at(l, note->at,
		    "only the first document is read, as headscale does");
	note = doc_note_find(&l->doc, DOC_NOTE_IGNORED_TEXT);
	if (note != NULL)
		report_at(l, note->at,
		    "what follows is not part of the map; headscale ignores "
		    "it silently");
}

/* What becomes of the map when headscale reads it. */
static void
report_for_headscale(const struct load *l)
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
			report_at(l, derpmap_origin_pos(&m->regions[i]->from),
			    "headscale 0.27 to 0.29 drop a region that is "
			    "null from the sources before this one; up to "
			    "0.26 clients are sent the null, later ones "
			    "ignore it");
			return;
		}
}

/* Sets one missing id to that of the region; tells of one that differs. */
static void
mend_id(const struct load *l, const char *what, struct derpmap_int *id,
    int64_t key, struct doc_pos otherwise)
{
	struct doc_pos at = derpmap_origin_pos(&id->from);
	char text[200];

	if (id->v == key)
		return;
	if (id->v == 0)
		snprintf(text, sizeof text, "%s has no region id: set to %lld",
		    what, (long long)key);
	else
		snprintf(text, sizeof text,
		    "%s has region id %lld in region %lld: left as it is, "
		    "see derpmap lint",
		    what, (long long)id->v, (long long)key);
	report_at(l, at.line != 0 ? at : otherwise, text);
	if (id->v == 0)
		id->v = key;
}

/* Clients need the id of a region in three places; people leave two of them
 * out. */
static void
mend_ids(const struct load *l)
{
	for (size_t i = 0; i < l->map.region_count; i++) {
		struct derpmap_region *r = l->map.regions[i];

		if (r->is_nil)
			continue;
		mend_id(l, "the region", &r->region_id, r->key,
		    derpmap_origin_pos(&r->from));
		for (size_t j = 0; j < r->node_count; j++)
			if (!r->nodes[j]->is_nil)
				mend_id(l, "the node", &r->nodes[j]->region_id,
				    r->key,
				    derpmap_origin_pos(&r->nodes[j]->from));
	}
}

static int
write_map(
    const struct command_call *call, const struct load *l, enum load_form to)
{
	struct fail why = { .text = "" };
	struct slice text;
	struct buf out;
	int status = COMMAND_DONE;

	buf_init(&out, OUTPUT_MAX);
	if ((to == LOAD_JSON ? encode_map_json(&out, &l->map, &why)
			     : encode_map_yaml(&out, &l->map, &why)) == -1) {
		fprintf(stderr, "%s:%u:%u: %s\n", infile_name(l->file),
		    why.line, why.column, why.text);
		status = COMMAND_UNUSABLE;
	} else {
		text = buf_slice(&out);
		(void)fwrite(text.p, 1, text.n, stdout);
		status = command_flush(call);
	}
	buf_clear(&out);
	return status;
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
report_kind(const struct load *l)
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

	if (name == NULL)
		name = l->dialect == DIALECT_JSON ? "a JSON map"
						  : "headscale YAML";
	fprintf(stderr, "%s: read as %s\n", infile_name(l->file), name);
}

/* A file of which the program that reads it is given: nothing is mended. */
static int
convert_exactly(
    const struct command_call *call, const struct load *l, enum load_form to)
{
	if (!load_accepted(l))
		return report_refusal(l, false);
	report_ignored_text(l);
	report_diagnostics(l);
	if (l->map.region_count == 0)
		fprintf(stderr, "%s: there is no region in this map\n",
		    infile_name(l->file));
	if (to == LOAD_HEADSCALE && l->dialect == DIALECT_JSON)
		report_for_headscale(l);
	return write_map(call, l, to);
}

/* A file of which it is not: it becomes the map that it was meant to be. */
static int
convert_as_meant(
    const struct command_call *call, const struct load *l, enum load_form to)
{
	const char *reason = not_a_map(l);

	if (reason != NULL) {
		report_at(l, (struct doc_pos){ 1, 1, 0 }, reason);
		return COMMAND_UNUSABLE;
	}
	report_kind(l);
	if (l->doc.root == NULL && l->doc.error == DOC_OK)
		return command_fail(call,
		    "%s: there is nothing in it, not even an empty map",
		    infile_name(l->file));
	if (l->doc.root == NULL || l->map.is_unclear)
		return report_refusal(l, true);
	report_ignored_text(l);
	report_diagnostics(l);
	if (l->map.region_count == 0)
		return command_fail(call,
		    "%s: there is no region in it, so there is nothing to "
		    "write; derpmap lint tells what is wrong (with --from an "
		    "empty map is written)",
		    infile_name(l->file));
	mend_ids(l);
	if (to == LOAD_HEADSCALE)
		report_for_headscale(l);
	return write_map(call, l, to);
}

static int
convert(const struct command_call *call, const char *file)
{
	const struct arguments *a = call->values;
	enum load_form from = (enum load_form)a->from.n;
	enum load_form to = (enum load_form)a->to.n;
	const struct load_how how = {
		.form = from,
		.as_meant = from == LOAD_DETECT,
		.text_max = (size_t)a->max_size << 20,
	};
	struct fail why = { .text = "" };
	struct load l;
	int status;

	if (load_open_as(&l, file, &how, &why) == -1)
		return command_fail(call, "%s", why.text);
	if (to == LOAD_DETECT)
		to = l.dialect == DIALECT_JSON ? LOAD_HEADSCALE : LOAD_JSON;
	status = how.as_meant ? convert_as_meant(call, &l, to)
			      : convert_exactly(call, &l, to);
	load_close(&l);
	return status;
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;

	if (call->word_count != 1)
		return command_misuse(
		    call, "give one FILE, or - for standard input");
	if (!load_max_is_valid(a->max_size))
		return command_misuse(
		    call, "--max-size is 1 to %zu", DOC_TEXT_MAX >> 20);
	return convert(call, call->words[0]);
}

static const struct opts_row options[] = {
	{ "from", OPTS_CHOICE, offsetof(struct arguments, from), "form",
	    "what FILE is" },
	{ "to", OPTS_CHOICE, offsetof(struct arguments, to), "form",
	    "what to write" },
	{ "max-size", OPTS_DECIMAL, offsetof(struct arguments, max_size), "MiB",
	    "reject larger files; at most 128" },
};

static const struct arguments defaults = {
	.from = { .name = load_form_name, .n = LOAD_DETECT },
	.to = { .name = load_form_name, .n = LOAD_DETECT },
	.max_size = LOAD_TEXT_MAX >> 20,
};

const struct command cmd_convert = {
	.name = "convert",
	.summary = "headscale YAML to JSON or back, as the programs read it",
	.arguments = "[--from FORM] [--to FORM] FILE",
	.text =
	    "Reads a DERP map and writes it in canonical form. FORM is\n"
	    "  headscale  YAML as headscale reads it from derp.paths\n"
	    "  json       a JSON map, as for derp.urls and derpprobe\n"
	    "With --from the map is what that program makes of FILE, and\n"
	    "what it would reject is rejected with its place and the reason\n"
	    "(exit status 2). Without it FILE may also be a Tailscale policy\n"
	    "file, a ConfigMap or Helm values, and it becomes the map that\n"
	    "it was meant to be: keys in another spelling, quoted numbers\n"
	    "and missing region ids are mended, and told; a file without a\n"
	    "region is rejected. Without --to it becomes the other form.\n"
	    "FILE - is standard input.\n",
	.examples =
	    "  derpmap convert derp.yaml > derp.json\n"
	    "  tailscale debug derp-map | derpmap convert --to headscale -\n"
	    "  derpmap convert --to headscale derp.yaml   # as headscale "
	    "reads it\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.run = run,
};
