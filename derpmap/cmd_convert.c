/*
 * cmd_convert: a map from one textual form to the other. What the reading
 * program would refuse is refused here, with its place and the reason.
 */
#include "commands.h"
#include "encode_map.h"
#include "load.h"
#include "sanitize.h"

#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX ((size_t)256 << 20)

static const struct command_help help = {
	.usage = "derpmap convert [--from FORM] [--to FORM] FILE",
	.text =
	    "Reads a DERP map and writes it in canonical form. FORM is\n"
	    "  headscale  YAML as headscale reads it from derp.paths\n"
	    "  json       a JSON map, as for derp.urls and derpprobe\n"
	    "Without --from the form is recognised, and said; without --to it\n"
	    "becomes the other one. FILE - is standard input. What headscale\n"
	    "or Go's JSON decoder would refuse is refused with its place\n"
	    "and the reason (exit status 2).\n",
	.examples =
	    "  derpmap convert derp.yaml > derp.json\n"
	    "  tailscale debug derp-map | derpmap convert --to headscale -\n"
	    "  derpmap convert --to headscale derp.yaml   # what it came to\n",
};

static int
parse_form(const char *text, enum load_form *form)
{
	if (text == NULL)
		*form = LOAD_DETECT;
	else if (strcmp(text, "headscale") == 0)
		*form = LOAD_HEADSCALE;
	else if (strcmp(text, "json") == 0)
		*form = LOAD_JSON;
	else
		return -1;
	return 0;
}

static const char *
shown_file(const struct load *l)
{
	return strcmp(l->file, "-") == 0 ? "stdin" : l->file;
}

/* One line about a place. Names in it come from the file, so that what could
 * move a terminal's cursor is made visible. */
static void
say_at(const struct load *l, struct doc_pos at, const char *text)
{
	char *clean = sanitize_text(text, true);

	fprintf(stderr, "%s:%u:%u: %s\n", shown_file(l), at.line, at.column,
	    clean != NULL ? clean : "refused");
	free(clean);
}

static int
say_refusal(const struct load *l)
{
	const struct derpmap_diagnostic *r;

	if (l->doc.error != DOC_OK)
		say_at(l, l->doc.error_at, l->doc.error_text);
	for (r = l->map.diagnostics; r != NULL; r = r->next)
		if (r->refuses)
			say_at(l, r->at, r->text);
	return EXIT_UNUSABLE;
}

static void
say_what_is_lost(const struct load *l)
{
	const struct doc_note *note;

	note = doc_note_find(&l->doc, DOC_NOTE_SECOND_DOCUMENT);
	if (note != NULL)
		say_at(l, note->at,
		    "only the first document is read, as headscale does");
	note = doc_note_find(&l->doc, DOC_NOTE_IGNORED_TEXT);
	if (note != NULL)
		say_at(l, note->at,
		    "what follows is not part of the map; headscale drops it "
		    "without a word");
}

static void
say_what_headscale_drops(const struct load *l)
{
	if (!l->map.home_nil)
		fprintf(stderr, "%s: headscale will ignore homeparams\n",
		    shown_file(l));
	if (l->map.omit_default_regions.v)
		fprintf(stderr,
		    "%s: headscale will ignore omitdefaultregions; empty its "
		    "derp.urls instead\n",
		    shown_file(l));
}

static int
write_map(const struct load *l, enum load_form to)
{
	struct fail why = { .text = "" };
	struct slice text;
	struct buf out;
	int status = EXIT_DONE;

	buf_init(&out, OUTPUT_MAX);
	if ((to == LOAD_JSON ? encode_map_json(&out, &l->map, &why)
			     : encode_map_yaml(&out, &l->map, &why)) == -1) {
		fprintf(stderr, "%s:%u:%u: %s\n", shown_file(l), why.line,
		    why.column, why.text);
		status = EXIT_UNUSABLE;
	} else {
		text = buf_slice(&out);
		if (fwrite(text.p, 1, text.n, stdout) != text.n ||
		    fflush(stdout) != 0) {
			perror("derpmap: standard output");
			status = EXIT_UNUSABLE;
		}
	}
	buf_clear(&out);
	return status;
}

static int
convert(const char *file, enum load_form from, enum load_form to)
{
	struct fail why = { .text = "" };
	struct load l;
	int status;

	if (load_open(&l, file, from, &why) == -1) {
		fprintf(stderr, "derpmap: %s\n", why.text);
		return EXIT_UNUSABLE;
	}
	if (l.detected)
		fprintf(stderr, "%s: read as %s\n", shown_file(&l),
		    l.dialect == DIALECT_JSON ? "a JSON map"
					      : "headscale YAML");
	if (to == LOAD_DETECT)
		to = l.dialect == DIALECT_JSON ? LOAD_HEADSCALE : LOAD_JSON;
	if (!load_accepted(&l)) {
		status = say_refusal(&l);
	} else {
		say_what_is_lost(&l);
		if (to == LOAD_HEADSCALE && l.dialect == DIALECT_JSON)
			say_what_headscale_drops(&l);
		status = write_map(&l, to);
	}
	load_close(&l);
	return status;
}

int
cmd_convert(int argc, char **argv)
{
	const char *from_text = NULL, *to_text = NULL;
	const struct opts_option table[] = {
		{ "from", OPTS_TEXT, &from_text, "form",
		    "what FILE is: headscale or json" },
		{ "to", OPTS_TEXT, &to_text, "form",
		    "what to write: headscale or json" },
	};
	struct opts o = { .table = table,
		.count = sizeof table / sizeof table[0] };
	enum load_form from, to;
	int status = command_parse(&o, &help, argc, argv);

	if (status != -1)
		return status;
	if (parse_form(from_text, &from) == -1)
		return command_misuse(
		    &help, "--from is headscale or json, not %s", from_text);
	if (parse_form(to_text, &to) == -1)
		return command_misuse(
		    &help, "--to is headscale or json, not %s", to_text);
	if (o.word_count != 1)
		return command_misuse(&help,
		    "give one FILE, or - for "
		    "standard input");
	return convert(o.words[0], from, to);
}
