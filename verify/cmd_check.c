/* cmd_check: asks the engine about node keys, as the relay would. */
#include "cmd.h"

#include "opts.h"
#include "verify.h"
#include "verify_kinds.h"
#include "verify_nodes.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024 /* of standard input */

/* How an answer is shown. */
static const struct shown {
	const char *word;
	const char *colour; /* terminal escape */
	int exit_status;
} shown[] = {
	[VERIFY_ALLOW] = { "allow", "\033[32m", CMD_OK },
	[VERIFY_DENY] = { "deny", "\033[31m", CMD_DENIED },
	[VERIFY_UNKNOWN] = { "unknown", "\033[33m", CMD_UNUSABLE },
};

struct check {
	struct verify *verify; /* owned */
	json_t *answers;       /* owned; NULL: print text */
	bool colour;
	int exit_status; /* the worst so far */
};

static void
print_usage(const struct opts *o, FILE *to)
{
	fputs("Usage: derpverify check [flags] KEY...\n\n"
	      "Asks whether the node keys may use the relay: \"nodekey:\" and "
	      "64 hex digits, or\nthe digits alone; - reads keys from standard "
	      "input, one a line. Several sources\nare asked in the order "
	      "socket, url, nodes, and all must allow.\n\n"
	      "Flags:\n",
	    to);
	opts_print(o, to);
	fputs("\nExit status: 0 all are allowed, 1 one is denied, 2 one could "
	      "not be told\n(unknown), or something here cannot be used; 2 "
	      "goes before 1.\n\n"
	      "Examples:\n"
	      "  derpverify check --url https://headscale.example.com/verify "
	      "nodekey:9f2c...\n"
	      "  derpverify check --socket /var/run/tailscale/tailscaled.sock "
	      "nodekey:9f2c...\n"
	      "  headscale nodes list -o json > nodes.json\n"
	      "  derpverify check --nodes nodes.json nodekey:9f2c...\n",
	    to);
}

static void
note(struct check *c, int exit_status)
{
	if (exit_status > c->exit_status)
		c->exit_status = exit_status;
}

static void
show_text(
    const struct check *c, const char *key, const struct verify_answer *answer)
{
	const struct shown *s = &shown[answer->verdict];

	printf("%s%-7s%s %s  %s\n", c->colour ? s->colour : "", s->word,
	    c->colour ? "\033[0m" : "", key, answer->reason);
}

static void
show_json(struct check *c, const char *key, const struct verify_answer *answer)
{
	json_t *one = json_pack("{s:s, s:s, s:s, s:b}", "key", key, "verdict",
	    shown[answer->verdict].word, "reason", answer->reason, "fail_open",
	    answer->fail_open);

	if (json_array_append_new(c->answers, one) == -1)
		note(c, cmd_unusable("check: out of memory"));
}

static void
check_key(struct check *c, struct slice text)
{
	struct verify_answer answer;
	struct fail why = { 0 };
	struct derp_key key;
	char name[DERP_KEY_TEXT];

	if (verify_nodes_parse_key(text, &key, &why) == -1) {
		note(c, cmd_unusable("check: %s", why.text));
		return;
	}
	derp_key_format(&key, name);
	verify_check(c->verify, &key, NULL, &answer);
	if (c->answers != NULL)
		show_json(c, name, &answer);
	else
		show_text(c, name, &answer);
	note(c, shown[answer.verdict].exit_status);
}

/* Keys on standard input, one a line, with what may stand in a node list
 * besides: comments, and a name behind the key. */
static void
check_stdin(struct check *c)
{
	char line[LINE_MAX_BYTES];

	while (fgets(line, sizeof line, stdin) != NULL) {
		struct slice text, comment;

		if (strchr(line, '\n') == NULL && !feof(stdin)) {
			note(c,
			    cmd_unusable("check: a line of standard input "
					 "is too long"));
			return;
		}
		slice_cut(slice_str(line), '#', &text, &comment);
		text = slice_trim(text);
		slice_cut(text, ' ', &text, &comment);
		slice_cut(text, '\t', &text, &comment);
		if (text.n > 0)
			check_key(c, text);
	}
}

static void
check_words(struct check *c, const struct opts *o)
{
	for (int i = 0; i < o->word_count; i++)
		if (strcmp(o->words[i], "-") == 0)
			check_stdin(c);
		else
			check_key(c, slice_str(o->words[i]));
}

/* Colour is for people: on a terminal, unless they said no (no-color.org). */
static bool
wants_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0');
}

static int
run(const struct verify_config *config, const struct opts *o, bool json)
{
	struct check c = { .colour = wants_colour() };
	struct fail why = { 0 };
	json_t *root = NULL;

	if (json) {
		c.answers = json_array();
		root = json_pack("{s:o}", "answers", c.answers);
		if (root == NULL)
			return cmd_unusable("check: out of memory");
	}
	c.verify = verify_new(config, &why);
	if (c.verify == NULL) {
		json_decref(root);
		return cmd_unusable("%s", why.text);
	}
	check_words(&c, o);
	verify_free(c.verify);
	if (json && json_dumpf(root, stdout, JSON_INDENT(2)) == 0)
		putchar('\n');
	json_decref(root);
	if (fflush(stdout) == EOF || ferror(stdout))
		return cmd_unusable("cannot write to standard output");
	return c.exit_status;
}

/* What the options say. */
struct arguments {
	struct opts_list sources[VERIFY_KINDS_MAX]; /* by kind */
	const char *policy;
	const char *ca_file;
	bool fail_open;
	uint64_t ask_ms;
	const char *format;
};

/* Adds the sources of one kind to the config. */
static int
add_sources(struct verify_config *config, const struct arguments *a,
    const struct verify_source_kind *kind, const struct opts_list *list,
    struct fail *why)
{
	for (size_t i = 0; i < list->n; i++) {
		struct verify_source_config *row =
		    verify_config_add(config, kind->name, list->v[i], why);

		if (row == NULL)
			return -1;
		if (kind->uses_ca_file)
			row->ca_file = a->ca_file;
		if (kind->can_fail_open && a->fail_open)
			row->outage = VERIFY_OUTAGE_OPEN;
	}
	return 0;
}

static int
make_config(
    struct verify_config *config, const struct arguments *a, struct fail *why)
{
	const struct verify_source_kind *kind;

	*config = (struct verify_config){
		.ask_ms = a->ask_ms,
		.context.interactive = true,
	};
	if (verify_config_parse_policy(a->policy, &config->policy) == -1)
		return fail_set(
		    why, "check: -policy is all or any, not \"%s\"", a->policy);
	for (size_t i = 0; (kind = verify_kinds_get(i)) != NULL; i++)
		if (add_sources(config, a, kind, &a->sources[i], why) == -1)
			return -1;
	if (config->source_count == 0)
		return fail_set(why,
		    "check: name a source: -nodes, -socket or "
		    "-url");
	return 0;
}

/* An option for each kind of source, in front of the others. Returns their
 * number. */
static size_t
add_kinds(struct opts_option *table, struct arguments *a)
{
	const struct verify_source_kind *kind;
	size_t n;

	for (n = 0; (kind = verify_kinds_get(n)) != NULL; n++)
		table[n] = (struct opts_option){ kind->tool_option, OPTS_LIST,
			&a->sources[n], kind->argument_name, kind->tool_help };
	return n;
}

int
cmd_check(int argc, char **argv)
{
	struct arguments a = {
		.policy = "all",
		.ask_ms = VERIFY_ASK_MS,
		.format = "text",
	};
	const struct opts_option others[] = {
		{ "policy", OPTS_TEXT, &a.policy, "NAME",
		    "all: every source must allow the key; any: one is "
		    "enough" },
		{ "ca-file", OPTS_TEXT, &a.ca_file, "FILE",
		    "PEM roots for the URL instead of the system's" },
		{ "fail-open", OPTS_BOOL, &a.fail_open, NULL,
		    "allow when the URL cannot be reached, as derper does by "
		    "default" },
		{ "timeout", OPTS_DURATION, &a.ask_ms, "DURATION",
		    "how long one key may take" },
		{ "format", OPTS_TEXT, &a.format, "FORMAT", "text or json" },
	};
	struct opts_option
	    table[VERIFY_KINDS_MAX + sizeof others / sizeof others[0]];
	struct opts o = { .table = table, .mixed = true };
	struct verify_config config;
	struct fail why = { 0 };
	int json;

	o.count = add_kinds(table, &a);
	memcpy(table + o.count, others, sizeof others);
	o.count += sizeof others / sizeof others[0];
	switch (opts_parse(&o, argc, argv, &why)) {
	case OPTS_HELP:
		print_usage(&o, stdout);
		return CMD_OK;
	case OPTS_BAD:
		return cmd_unusable("check: %s", why.text);
	case OPTS_OK:
		break;
	}
	json = cmd_wants_json(a.format);
	if (json == -1)
		return CMD_UNUSABLE;
	if (make_config(&config, &a, &why) == -1)
		return cmd_unusable("%s", why.text);
	if (o.word_count == 0)
		return cmd_unusable("check: name a key, or - to read keys from "
				    "standard input");
	return run(&config, &o, json == 1);
}
