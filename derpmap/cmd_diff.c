/* cmd_diff: what clients do when one map replaces another. */
#include "colour.h"
#include "commands.h"
#include "diff_json.h"
#include "diff_text.h"
#include "map_input.h"

#include <string.h>
#include <unistd.h>

enum format { FORMAT_TEXT, FORMAT_JSON };

struct arguments {
	struct opts_choice from, format, colour;
	int64_t max_size; /* MiB */
};

static const char *
format_name(size_t n)
{
	static const char *const names[] = {
		[FORMAT_TEXT] = "text",
		[FORMAT_JSON] = "json",
	};

	return n < sizeof names / sizeof names[0] ? names[n] : NULL;
}

static int
print(const struct command_call *call, const struct diff *d)
{
	const struct arguments *a = call->values;
	bool colour =
	    colour_wanted((enum colour_when)a->colour.n, STDOUT_FILENO);
	int result = a->format.n == FORMAT_TEXT ? diff_text(stdout, d, colour)
						: diff_json(stdout, d);

	if (result == -1)
		return command_fail(call, "not enough memory");
	if (command_flush(call) != COMMAND_DONE)
		return COMMAND_UNUSABLE;
	return diff_any(d) ? COMMAND_FINDINGS : COMMAND_DONE;
}

static int
diff(const struct command_call *call, const struct load *old,
    const struct load *new)
{
	struct diff d;
	int status;

	if (diff_make(&d, &old->map, &new->map) == -1)
		return command_fail(call, "not enough memory");
	status = print(call, &d);
	diff_clear(&d);
	return status;
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	const struct map_input_how how = {
		.from = (enum load_form)a->from.n,
		.max_mib = a->max_size,
		.brief = true,
	};
	struct load old, new;
	int status;

	if (call->word_count != 2)
		return command_misuse(
		    call, "give two files: the old map and the new one");
	if (strcmp(call->words[0], "-") == 0 &&
	    strcmp(call->words[1], "-") == 0)
		return command_misuse(
		    call, "standard input (-) is named twice");
	if (!load_max_is_valid(a->max_size))
		return command_misuse(
		    call, "--max-size is 1 to %zu", DOC_TEXT_MAX >> 20);
	status = map_input_open(&old, call, call->words[0], &how);
	if (status != COMMAND_DONE)
		return status;
	status = map_input_open(&new, call, call->words[1], &how);
	if (status == COMMAND_DONE) {
		status = diff(call, &old, &new);
		load_close(&new);
	}
	load_close(&old);
	return status;
}

#define AT(member) offsetof(struct arguments, member)

static const struct opts_row options[] = {
	{ "from", OPTS_CHOICE, AT(from), "form", "what the files are" },
	{ "format", OPTS_CHOICE, AT(format), "name", "form of the output" },
	{ "color", OPTS_CHOICE, AT(colour), "when", "colour the changes" },
	{ "max-size", OPTS_DECIMAL, AT(max_size), "MiB",
	    "reject larger files; at most 128" },
};

static const struct arguments defaults = {
	.from = { .name = load_form_name, .n = LOAD_DETECT },
	.format = { .name = format_name },
	.colour = { .name = colour_name },
	.max_size = LOAD_TEXT_MAX >> 20,
};

const struct command cmd_diff = {
	.name = "diff",
	.summary = "what is different between two maps, and what clients do",
	.arguments = "[options] OLD NEW",
	.text =
	    "Compares two maps as clients do who get one after the other;\n"
	    "the files may be of different forms. Regions are compared by\n"
	    "id, their nodes by name, else by host name and port.\n"
	    "Clients compare a region as a whole: whatever differs in it,\n"
	    "its name or the order of its nodes included, closes their\n"
	    "connections to it, and they connect again. Where a change has\n"
	    "to do with what they measure or count, their home region may\n"
	    "come out as another one. Comments, the order of keys and\n"
	    "values that are the default reach no client and are no\n"
	    "difference.\n"
	    "Files are read as with derpmap convert, but missing region ids\n"
	    "are left missing. FILE - is standard input.\n",
	.notes = "Exit status: 0 clients see no difference, 1 they do, 2 a "
		 "file could not\nbe read.\n",
	.examples =
	    "  derpmap diff derp.yaml.bak derp.yaml\n"
	    "  tailscale debug derp-map | derpmap diff - derp.yaml\n"
	    "  derpmap diff --format json old.json new.json | jq .effects\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.run = run,
};
