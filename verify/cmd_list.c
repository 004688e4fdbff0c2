/* cmd_list: prints the content of a node list, in one form whatever its format
 * was. The text form is a node list again, without the expired keys. */
#include "clock.h"
#include "verify_commands.h"
#include "verify_file.h"

#include <jansson.h>
#include <stdio.h>

struct arguments {
	struct opts_choice format;
	bool allow_empty;
};

/* -1: memory is short. */
static int
print_text(const struct verify_nodes *list, int64_t now_s)
{
	for (const struct verify_node *n = verify_nodes_first(list); n != NULL;
	     n = n->next) {
		char key[DERP_KEY_TEXT], time[VERIFY_NODES_TIME_TEXT];

		derp_key_format(&n->key, key);
		verify_nodes_format_time(n->expires_s, time);
		if (verify_nodes_is_expired(n, now_s))
			printf("# expired %s: ", time);
		printf("%s%s%s\n", key, n->name[0] != '\0' ? " " : "", n->name);
	}
	return 0;
}

static json_t *
node_json(const struct verify_node *n, int64_t now_s)
{
	char key[DERP_KEY_TEXT], time[VERIFY_NODES_TIME_TEXT];
	const bool expires = n->expires_s != VERIFY_NODES_NEVER;

	derp_key_format(&n->key, key);
	verify_nodes_format_time(n->expires_s, time);
	return json_pack("{s:s, s:s, s:s?, s:b}", "key", key, "name", n->name,
	    "expiry", expires ? time : NULL, "expired",
	    verify_nodes_is_expired(n, now_s));
}

static int
print_json(const struct verify_nodes *list, int64_t now_s)
{
	json_t *nodes = json_array();
	json_t *root = json_pack("{s:o}", "nodes", nodes);
	int rc = root != NULL ? 0 : -1;

	for (const struct verify_node *n = verify_nodes_first(list);
	     n != NULL && rc == 0; n = n->next)
		rc = json_array_append_new(nodes, node_json(n, now_s));
	if (rc == 0)
		(void)json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
	return rc;
}

static const struct {
	const char *name;
	int (*print)(const struct verify_nodes *list, int64_t now_s);
} formats[] = {
	{ "text", print_text },
	{ "json", print_json },
};

static const char *
format_name(size_t n)
{
	return n < sizeof formats / sizeof formats[0] ? formats[n].name : NULL;
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct verify_nodes *list;
	struct fail why = { 0 };
	int rc;

	if (call->word_count != 1)
		return command_misuse(
		    call, "name one file, or - for standard input");
	list = verify_file_load(call->words[0], a->allow_empty, &why);
	if (list == NULL)
		return command_fail(call, "%s", why.text);
	rc = formats[a->format.n].print(list, clock_wall_s());
	verify_nodes_free(list);
	if (rc == -1)
		return command_fail(call, "not enough memory");
	return command_flush(call);
}

static const struct arguments defaults = {
	.format = { .name = format_name },
};

static const struct opts_row options[] = {
	{ "format", OPTS_CHOICE, offsetof(struct arguments, format), "FORMAT",
	    "" },
	{ "allow-empty", OPTS_BOOL, offsetof(struct arguments, allow_empty),
	    NULL,
	    "an empty standard input is an empty list, not a command before "
	    "the pipe that failed" },
};

const struct command cmd_list = {
	.name = "list",
	.summary = "print the keys of a node list",
	.arguments = "[options] FILE",
	.text =
	    "Prints the node keys of FILE (- is standard input): plain keys, "
	    "the output of\nheadscale nodes list -o json, or headscale's "
	    "REST answer. What it prints as text\nis a node list for derper "
	    "--verify-nodes; expired keys are comments in it.\n",
	.notes = "Exit status: 0 printed, 2 the node list cannot be read.\n",
	.examples = "  headscale nodes list -o json | derpverify list - > "
		    "nodes.txt\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.run = run,
};
