/* cmd_check: asks the engine about node keys, as the relay does. */
#include "colour.h"
#include "interrupt.h"
#include "source_options.h"
#include "verify.h"
#include "verify_commands.h"
#include "verify_nodes.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024 /* of standard input */

/* How a verdict is printed. */
static const struct verdict {
	const char *word;
	const char *colour; /* terminal escape */
	int exit_status;
} verdicts[] = {
	[VERIFY_ALLOW] = { "allow", "\033[32m", COMMAND_DONE },
	[VERIFY_DENY] = { "deny", "\033[31m", COMMAND_FINDINGS },
	[VERIFY_UNKNOWN] = { "unknown", "\033[33m", COMMAND_UNUSABLE },
};

struct arguments {
	struct source_options sources; /* first */
	struct opts_choice format, colour;
};

struct check {
	const struct command_call *call;
	struct verify *verify;       /* owned */
	const struct format *format; /* of the output */
	json_t *answers;             /* borrowed from the root, for json */
	bool colour;
	int exit_status; /* the highest so far */
};

static void
raise_status(struct check *c, int exit_status)
{
	if (exit_status > c->exit_status)
		c->exit_status = exit_status;
}

static void
print_text(struct check *c, const char *key, const struct verify_answer *answer)
{
	const struct verdict *v = &verdicts[answer->verdict];

	printf("%s%-7s%s %s  %s\n", c->colour ? v->colour : "", v->word,
	    c->colour ? "\033[0m" : "", key, answer->reason);
}

static void
add_json(struct check *c, const char *key, const struct verify_answer *answer)
{
	json_t *one = json_pack("{s:s, s:s, s:s, s:b}", "key", key, "verdict",
	    verdicts[answer->verdict].word, "reason", answer->reason,
	    "fail_open", answer->fail_open);

	if (json_array_append_new(c->answers, one) == -1)
		raise_status(c, command_fail(c->call, "not enough memory"));
}

static const struct format {
	const char *name;
	void (*put)(struct check *c, const char *key,
	    const struct verify_answer *answer);
	bool is_json; /* one document, printed at the end */
} formats[] = {
	{ "text", print_text, false },
	{ "json", add_json, true },
};

static const char *
format_name(size_t n)
{
	return n < sizeof formats / sizeof formats[0] ? formats[n].name : NULL;
}

static void
check_key(struct check *c, struct slice text)
{
	struct verify_answer answer = { 0 };
	struct fail why = { 0 };
	struct derp_key key;
	char name[DERP_KEY_TEXT];

	if (verify_nodes_parse_key(text, &key, &why) == -1) {
		raise_status(c, command_fail(c->call, "%s", why.text));
		return;
	}
	derp_key_format(&key, name);
	verify_check(c->verify, &key, NULL, &answer);
	c->format->put(c, name, &answer);
	raise_status(c, verdicts[answer.verdict].exit_status);
}

/* Keys on standard input, one a line. Comments, and a name after the key, are
 * allowed as in a node list. */
static void
check_stdin(struct check *c)
{
	char line[LINE_MAX_BYTES];
	bool any = false;

	while (fgets(line, sizeof line, stdin) != NULL) {
		struct slice text, comment;

		if (strchr(line, '\n') == NULL && !feof(stdin)) {
			raise_status(c,
			    command_fail(c->call,
				"a line of standard input is too long"));
			return;
		}
		slice_cut(slice_str(line), '#', &text, &comment);
		text = slice_trim(text);
		slice_cut(text, ' ', &text, &comment);
		slice_cut(text, '\t', &text, &comment);
		any = any || text.n > 0;
		if (text.n > 0)
			check_key(c, text);
	}
	if (!any)
		raise_status(
		    c, command_fail(c->call, "standard input has no keys"));
}

static void
check_words(struct check *c)
{
	for (int i = 0; i < c->call->word_count; i++)
		if (strcmp(c->call->words[i], "-") == 0)
			check_stdin(c);
		else
			check_key(c, slice_str(c->call->words[i]));
}

static int
check(const struct command_call *call, const struct verify_config *config)
{
	const struct arguments *a = call->values;
	struct check c = {
		.call = call,
		.format = &formats[a->format.n],
		.colour =
		    colour_wanted((enum colour_when)a->colour.n, STDOUT_FILENO),
	};
	struct fail why = { 0 };
	json_t *root;

	c.answers = json_array();
	root = json_pack("{s:o}", "answers", c.answers);
	if (root == NULL)
		return command_fail(call, "not enough memory");
	if (interrupt_begin(config, &why) == 0)
		c.verify = verify_new(config, &why);
	if (c.verify == NULL) {
		json_decref(root);
		return command_fail(call, "%s", why.text);
	}
	check_words(&c);
	verify_free(c.verify);
	if (c.format->is_json && json_dumpf(root, stdout, JSON_INDENT(2)) == 0)
		putchar('\n');
	json_decref(root);
	raise_status(&c, command_flush(call));
	return c.exit_status;
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct verify_config config;
	int status = source_options_read(&a->sources, call, &config);

	if (status != 0)
		return status;
	if (call->word_count == 0)
		status = command_misuse(
		    call, "name a key, or - to read keys from standard input");
	else
		status = check(call, &config);
	verify_config_clear(&config);
	return status;
}

#define AT(member) offsetof(struct arguments, member)

static const struct opts_row options[] = {
	SOURCE_OPTIONS(struct arguments),
	{ "format", OPTS_CHOICE, AT(format), "FORMAT", "" },
	{ "color", OPTS_CHOICE, AT(colour), "WHEN", "colour the verdict" },
};

static const struct arguments defaults = {
	.sources = SOURCE_OPTIONS_DEFAULTS,
	.format = { .name = format_name },
	.colour = { .name = colour_name },
};

const struct command cmd_check = {
	.name = "check",
	.summary = "ask whether node keys may use the relay",
	.arguments = "[options] KEY...",
	.text =
	    "Asks whether the node keys may use the relay: \"nodekey:\" and "
	    "64 hex digits, or\nthe digits alone; - reads keys from standard "
	    "input, one a line. Each source may\nbe given several times. They "
	    "are asked in the order of the options below.\n",
	.notes = "Exit status: 0 all are allowed, 1 one is denied, 2 one is "
		 "unknown, or usage or\ninput was wrong or empty; 2 takes "
		 "precedence over 1.\n",
	.examples =
	    "  derpverify check --url https://headscale.example.com/verify "
	    "nodekey:9f2c...\n"
	    "  derpverify check --socket /var/run/tailscale/tailscaled.sock "
	    "nodekey:9f2c...\n"
	    "  headscale nodes list -o json > nodes.json\n"
	    "  derpverify check --nodes nodes.json nodekey:9f2c...\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.more_options = source_options_of_kinds,
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.words = "",
	.run = run,
};
