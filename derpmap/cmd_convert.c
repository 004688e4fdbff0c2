/*
 * cmd_convert: a map from one textual form to another: exactly what a given
 * program reads, or what a file was meant to be.
 */
#include "commands.h"
#include "map_input.h"
#include "map_output.h"

struct arguments {
	struct opts_choice from, to;
	const char *into, *output;
	int64_t max_size; /* MiB */
};

static int
convert(const struct command_call *call, const char *file)
{
	const struct arguments *a = call->values;
	const struct map_input_how how = {
		.from = (enum load_form)a->from.n,
		.max_mib = a->max_size,
		.mend = true,
	};
	struct map_output output = {
		.form = (enum map_output_form)a->to.n,
		.into = a->into,
		.file = a->output,
		.source = file,
	};
	bool exactly = how.from != LOAD_DETECT;
	struct load l;
	int status = map_input_open(&l, call, file, &how);

	if (status != COMMAND_DONE)
		return status;
	if (output.form == MAP_OUTPUT_ANY)
		output.form = l.dialect == DIALECT_JSON ? MAP_OUTPUT_HEADSCALE
							: MAP_OUTPUT_JSON;
	if (output.form == MAP_OUTPUT_HEADSCALE &&
	    (!exactly || l.dialect == DIALECT_JSON))
		map_input_report_for_headscale(&l);
	status = map_output_write(call, &output, &l.map);
	load_close(&l);
	return status;
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	const struct map_output output = {
		.form = (enum map_output_form)a->to.n,
		.into = a->into,
	};
	struct fail why = { .text = "" };

	if (call->word_count != 1)
		return command_misuse(
		    call, "give one FILE, or - for standard input");
	if (!load_max_is_valid(a->max_size))
		return command_misuse(
		    call, "--max-size is 1 to %zu", DOC_TEXT_MAX >> 20);
	if (!map_output_is_valid(&output, &why))
		return command_misuse(call, "%s", why.text);
	return convert(call, call->words[0]);
}

#define AT(member) offsetof(struct arguments, member)

static const struct opts_row options[] = {
	{ "from", OPTS_CHOICE, AT(from), "form", "what FILE is" },
	{ "to", OPTS_CHOICE, AT(to), "form", "what to write" },
	{ "into", OPTS_TEXT, AT(into), "file",
	    "with --to policy: the policy file to put the map into; all else "
	    "in it stays as it is" },
	{ "o", OPTS_TEXT, AT(output), "file",
	    "where to write, instead of standard output" },
	{ "max-size", OPTS_DECIMAL, AT(max_size), "MiB",
	    "reject larger files; at most 128" },
};

static const struct arguments defaults = {
	.from = { .name = load_form_name, .n = LOAD_DETECT },
	.to = { .name = map_output_form_name, .n = MAP_OUTPUT_ANY },
	.max_size = LOAD_TEXT_MAX >> 20,
};

const struct command cmd_convert = {
	.name = "convert",
	.summary = "headscale YAML, JSON or a policy's derpMap to another form",
	.arguments = "[--from FORM] [--to FORM] [options] FILE",
	.text =
	    "Reads a DERP map and writes it in canonical form. FORM is\n"
	    "  headscale  YAML as headscale reads it from derp.paths\n"
	    "  json       a JSON map, as for derp.urls and derpprobe\n"
	    "  policy     (--to only) derpMap of a Tailscale policy file\n"
	    "With --from the map is what that program makes of FILE, and\n"
	    "what it would reject is rejected with its place and the reason\n"
	    "(exit status 2). Without it FILE may also be a Tailscale policy\n"
	    "file, a ConfigMap or Helm values, and it becomes the map that\n"
	    "it was meant to be: keys in another spelling, quoted numbers,\n"
	    "stunport: none, a dash before each key of a node and missing\n"
	    "region ids are mended, and told; a file without a region is\n"
	    "rejected. Without --to it becomes headscale YAML or JSON,\n"
	    "whichever it is not. --into writes the given policy file\n"
	    "with the map in it; its comments and all else stay byte for\n"
	    "byte, and so do OmitDefaultRegions and HomeParams unless FILE\n"
	    "sets them. FILE - is standard input.\n",
	.examples =
	    "  derpmap convert derp.yaml > derp.json\n"
	    "  tailscale debug derp-map | derpmap convert --to headscale -\n"
	    "  derpmap convert --to headscale derp.yaml   # as headscale "
	    "reads it\n"
	    "  derpmap convert --to headscale policy.hujson > derp.yaml\n"
	    "  derpmap convert --to policy --into policy.hujson \\\n"
	    "      -o policy.hujson derp.yaml\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.run = run,
};
