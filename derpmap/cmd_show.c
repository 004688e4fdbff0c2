/* cmd_show: a map for people to look at. */
#include "colour.h"
#include "commands.h"
#include "map_input.h"
#include "map_output.h"
#include "map_table.h"

#include <unistd.h>

enum format { FORMAT_TEXT, FORMAT_JSON };

struct arguments {
	struct opts_choice from, format, colour;
	bool tree;
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
print(const struct command_call *call, const struct load *l)
{
	const struct arguments *a = call->values;
	const struct map_output json = {
		.form = MAP_OUTPUT_JSON,
		.source = l->file,
	};
	bool colour =
	    colour_wanted((enum colour_when)a->colour.n, STDOUT_FILENO);
	int result;

	if (a->format.n == FORMAT_JSON)
		return map_output_write(call, &json, &l->map);
	result = a->tree ? map_table_tree(stdout, &l->map, colour)
			 : map_table_print(stdout, &l->map, colour);
	return result == 0 ? command_flush(call)
			   : command_fail(call, "not enough memory");
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
	struct load l;
	int status;

	if (call->word_count != 1)
		return command_misuse(
		    call, "give one FILE, or - for standard input");
	if (a->tree && a->format.n == FORMAT_JSON)
		return command_misuse(call, "--tree is text only");
	if (!load_max_is_valid(a->max_size))
		return command_misuse(
		    call, "--max-size is 1 to %zu", DOC_TEXT_MAX >> 20);
	status = map_input_open(&l, call, call->words[0], &how);
	if (status != COMMAND_DONE)
		return status;
	status = print(call, &l);
	load_close(&l);
	return status;
}

#define AT(member) offsetof(struct arguments, member)

static const struct opts_row options[] = {
	{ "tree", OPTS_BOOL, AT(tree), NULL,
	    "show every field that is set, below its region and node" },
	{ "from", OPTS_CHOICE, AT(from), "form", "what FILE is" },
	{ "format", OPTS_CHOICE, AT(format), "name", "form of the output" },
	{ "color", OPTS_CHOICE, AT(colour), "when", "colour the headings" },
	{ "max-size", OPTS_DECIMAL, AT(max_size), "MiB",
	    "reject larger files; at most 128" },
};

static const struct arguments defaults = {
	.from = { .name = load_form_name, .n = LOAD_DETECT },
	.format = { .name = format_name },
	.colour = { .name = colour_name },
	.max_size = LOAD_TEXT_MAX >> 20,
};

const struct command cmd_show = {
	.name = "show",
	.summary = "a map as a table or a tree",
	.arguments = "[options] FILE",
	.text =
	    "Shows the map as a table, one line a node, with the ports that\n"
	    "clients use where the map does not say: 443 for DERP and 3478\n"
	    "for STUN. (DNS) stands for an address that clients ask DNS for.\n"
	    "Notes: pinned (the certificate's hash is in the map), certname\n"
	    "(another name is verified), stun-only, port80 (answers captive\n"
	    "portal checks), INSECURE (TLS is not verified), stuntestip.\n"
	    "With --format json it is the JSON map, in canonical form.\n"
	    "FILE is read as with derpmap convert; - is standard input.\n",
	.examples = "  derpmap show derp.yaml\n"
		    "  tailscale debug derp-map | derpmap show --tree -\n"
		    "  derpmap show --format json policy.hujson\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.run = run,
};
