/* cmd_list: prints what a node list says, in one form whatever it came in. The
 * text form is a node list again, without the expired keys. */
#include "cmd.h"

#include "clock.h"
#include "opts.h"
#include "verify_file.h"

#include <jansson.h>
#include <stdio.h>

static void
print_usage(const struct opts *o, FILE *to)
{
	fputs("Usage: derpverify list [flags] FILE\n\n"
	      "Prints the node keys of FILE (- is standard input): plain keys, "
	      "the output of\nheadscale nodes list -o json, or headscale's "
	      "REST answer. What it prints as text\nis a node list for derper "
	      "--verify-nodes; expired keys are comments in it.\n\n"
	      "Flags:\n",
	    to);
	opts_print(o, to);
	fputs("\nExit status: 0 printed, 2 no readable node list.\n\n"
	      "Example:\n"
	      "  headscale nodes list -o json | derpverify list - > "
	      "nodes.txt\n",
	    to);
}

static void
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
		rc = json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
	return rc;
}

int
cmd_list(int argc, char **argv)
{
	const char *format = "text";
	const struct opts_option table[] = {
		{ "format", OPTS_TEXT, &format, "FORMAT", "text or json" },
	};
	struct opts o = { table, sizeof table / sizeof table[0],
		.mixed = true };
	struct verify_nodes *list;
	struct fail why = { 0 };
	int json, rc = 0;

	switch (opts_parse(&o, argc, argv, &why)) {
	case OPTS_HELP:
		print_usage(&o, stdout);
		return CMD_OK;
	case OPTS_BAD:
		return cmd_unusable("list: %s", why.text);
	case OPTS_OK:
		break;
	}
	json = cmd_wants_json(format);
	if (json == -1)
		return CMD_UNUSABLE;
	if (o.word_count != 1)
		return cmd_unusable("list: name one file, or - for standard "
				    "input");
	list = verify_file_load(o.words[0], &why);
	if (list == NULL)
		return cmd_unusable("%s", why.text);
	if (json == 1)
		rc = print_json(list, clock_wall_s());
	else
		print_text(list, clock_wall_s());
	verify_nodes_free(list);
	if (rc == -1 || fflush(stdout) == EOF)
		return cmd_unusable("cannot write to standard output");
	return CMD_OK;
}
