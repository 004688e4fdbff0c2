/*
 * cmd_convert: a map from one textual form to the other. What the reading
 * program would reject is rejected here, with its place and the reason.
 */
#include "commands.h"
#include "encode_map.h"
#include "infile.h"
#include "load.h"
#include "quote.h"

#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX ((size_t)256 << 20)

struct arguments {
	struct opts_choice from, to;
};

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

static int
report_refusal(const struct load *l)
{
	const struct derpmap_diagnostic *r;

	if (l->doc.error != DOC_OK)
		report_at(l, l->doc.error_at, l->doc.error_text);
	for (r = l->map.diagnostics; r != NULL; r = r->next)
		if (r->refuses)
			report_at(l, r->at, r->text);
	return COMMAND_UNUSABLE;
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

static void
report_dropped_fields(const struct load *l)
{
	if (!l->map.home_nil)
		fprintf(stderr, "%s: headscale will ignore homeparams\n",
		    infile_name(l->file));
	if (l->map.omit_default_regions.v)
		fprintf(stderr,
		    "%s: headscale will ignore omitdefaultregions; empty its "
		    "derp.urls instead\n",
		    infile_name(l->file));
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

static int
convert(const struct command_call *call, const char *file)
{
	const struct arguments *a = call->values;
	enum load_form to = (enum load_form)a->to.n;
	struct fail why = { .text = "" };
	struct load l;
	int status;

	if (load_open(&l, file, (enum load_form)a->from.n, &why) == -1)
		return command_fail(call, "%s", why.text);
	if (l.detected)
		fprintf(stderr, "%s: read as %s\n", infile_name(file),
		    l.dialect == DIALECT_JSON ? "a JSON map"
					      : "headscale YAML");
	if (to == LOAD_DETECT)
		to = l.dialect == DIALECT_JSON ? LOAD_HEADSCALE : LOAD_JSON;
	if (!load_accepted(&l)) {
		status = report_refusal(&l);
	} else {
		report_ignored_text(&l);
		if (to == LOAD_HEADSCALE && l.dialect == DIALECT_JSON)
			report_dropped_fields(&l);
		status = write_map(call, &l, to);
	}
	load_close(&l);
	return status;
}

static int
run(const struct command_call *call)
{
	if (call->word_count != 1)
		return command_misuse(
		    call, "give one FILE, or - for standard input");
	return convert(call, call->words[0]);
}

static const struct opts_row options[] = {
	{ "from", OPTS_CHOICE, offsetof(struct arguments, from), "form",
	    "what FILE is" },
	{ "to", OPTS_CHOICE, offsetof(struct arguments, to), "form",
	    "what to write" },
};

static const struct arguments defaults = {
	.from = { .name = load_form_name, .n = LOAD_DETECT },
	.to = { .name = load_form_name, .n = LOAD_DETECT },
};

const struct command cmd_convert = {
	.name = "convert",
	.summary = "headscale YAML to JSON or back, as the programs read it",
	.arguments = "[--from FORM] [--to FORM] FILE",
	.text =
	    "Reads a DERP map and writes it in canonical form. FORM is\n"
	    "  headscale  YAML as headscale reads it from derp.paths\n"
	    "  json       a JSON map, as for derp.urls and derpprobe\n"
	    "Without --from the form is detected and reported; without --to\n"
	    "it becomes the other one. FILE - is standard input. What\n"
	    "headscale or Go's JSON decoder would reject is rejected with\n"
	    "its place and the reason (exit status 2).\n",
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
