/* cmd_list: prints the content of a node list, in one form whatever its format
 * was, or what sources name. The text form is a node list again, without the
 * expired keys. */
#include "clock.h"
#include "interrupt.h"
#include "node_output.h"
#include "source_options.h"
#include "verify.h"
#include "verify_commands.h"
#include "verify_file.h"

#include <jansson.h>
#include <stdio.h>

struct arguments {
	struct source_options sources; /* first */
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
		printf("%s%s%s", key, n->name[0] != '\0' ? " " : "", n->name);
		if (verify_nodes_is_expired(n, now_s) ||
		    n->expires_s == VERIFY_NODES_NEVER)
			putchar('\n');
		else
			printf(" # expires %s\n", time);
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
	bool is_json;
} formats[] = {
	{ "text", print_text, false },
	{ "json", print_json, true },
};

static const char *
format_name(size_t n)
{
	return n < sizeof formats / sizeof formats[0] ? formats[n].name : NULL;
}

/* ---- what sources name */

struct listing {
	int64_t now_s;
	json_t *nodes; /* borrowed; NULL: text */
	bool failed;   /* memory is short */
};

static void
add_node(
    void *ctx, struct verify_member *member, const struct verify_set_node *node)
{
	struct listing *l = ctx;
	const char *source = verify_member_label(member);
	struct verify_member_stats stats;
	double age_s;
	json_t *object;

	verify_member_stats(member, &stats);
	age_s = (double)stats.feed.age_ms / 1000;
	if (l->nodes == NULL) {
		node_output_text(stdout, node, l->now_s);
		printf("; %s, %.0f s ago\n", source, age_s);
		return;
	}
	object = node_output_json(node, l->now_s);
	if (object == NULL ||
	    json_object_set_new(object, "source", json_string(source)) == -1 ||
	    json_object_set_new(object, "age_s", json_real(age_s)) == -1) {
		json_decref(object);
		l->failed = true;
		return;
	}
	if (json_array_append_new(l->nodes, object) == -1)
		l->failed = true;
}

/* Whether the source has told its nodes, as it can and should; says if not. */
static bool
has_listed(const struct command_call *call, struct verify_member *member,
    const struct verify_member_stats *stats)
{
	const char *label = verify_member_label(member);

	if (!stats->keeps_set)
		command_note("%s: can only be asked about one key", label);
	else if (!stats->feed.has_set)
		(void)command_fail(call, "%s: has not listed its nodes", label);
	return stats->keeps_set && stats->feed.has_set;
}

/* Whether the sources have told their nodes; says which have not. Of those in
 * a file, which is written for the relay, some may be ones that only answer. */
static bool
all_listed(
    const struct command_call *call, const struct verify_sources *sources)
{
	const struct arguments *a = call->values;
	const bool from_file =
	    a->sources.config != NULL && a->sources.config[0] != '\0';
	struct verify_member_stats stats;
	size_t listed = 0, excused = 0;

	for (size_t i = 0; i < sources->count; i++) {
		verify_member_stats(sources->list[i], &stats);
		if (has_listed(call, sources->list[i], &stats))
			listed++;
		else if (from_file && !stats.keeps_set)
			excused++;
	}
	return listed > 0 && listed + excused == sources->count;
}

static void
notice(void *ctx, const char *text)
{
	(void)command_fail(ctx, "%s", text);
}

static int
print_sources(const struct command_call *call, const struct verify *v)
{
	const struct arguments *a = call->values;
	struct listing l = { .now_s = clock_wall_s() };
	json_t *root = NULL;

	if (formats[a->format.n].is_json) {
		l.nodes = json_array();
		root = json_pack("{s:o}", "nodes", l.nodes);
		l.failed = root == NULL;
	}
	if (!l.failed)
		verify_sources_each_node(verify_get_sources(v), add_node, &l);
	if (!l.failed && root != NULL) {
		(void)json_dumpf(
		    root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
		putchar('\n');
	}
	json_decref(root);
	if (l.failed)
		return command_fail(call, "not enough memory");
	return command_flush(call);
}

static int
list_config(const struct command_call *call, const struct verify_config *config)
{
	struct fail why = { 0 };
	struct verify *v = NULL;
	int status = COMMAND_UNUSABLE;
	uint64_t wait_ms;

	if (interrupt_begin(config, &why) == 0)
		v = verify_new(config, &why);
	if (v == NULL)
		return command_fail(call, "%s", why.text);
	wait_ms = verify_sources_list_ms(verify_get_sources(v));
	if (wait_ms < config->ask_ms)
		wait_ms = config->ask_ms;
	(void)verify_sources_wait_ready(verify_get_sources(v), wait_ms);
	if (all_listed(call, verify_get_sources(v)))
		status = print_sources(call, v);
	verify_free(v);
	return status;
}

static int
list_sources(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct verify_config config;
	int status = source_options_read(&a->sources, call, &config);

	if (status != 0)
		return status;
	source_options_follow(&a->sources, &config);
	config.context.notice = notice;
	config.context.notice_ctx = (void *)(uintptr_t)call;
	status = list_config(call, &config);
	verify_config_clear(&config);
	return status;
}

/* ---- the command */

static int
list_file(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct verify_nodes *list;
	struct fail why = { 0 };
	int rc;

	list = verify_file_load(call->words[0], a->allow_empty, &why);
	if (list == NULL)
		return command_fail(call, "%s", why.text);
	rc = formats[a->format.n].print(list, clock_wall_s());
	verify_nodes_free(list);
	if (rc == -1)
		return command_fail(call, "not enough memory");
	return command_flush(call);
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	const bool sources = source_options_any(&a->sources);

	if (sources && call->word_count == 0)
		return list_sources(call);
	if (sources || call->word_count != 1)
		return command_misuse(
		    call, "name one file, or - for standard input, or sources");
	return list_file(call);
}

static const struct arguments defaults = {
	.sources = SOURCE_OPTIONS_DEFAULTS,
	.format = { .name = format_name },
};

static const struct opts_row options[] = {
	SOURCE_OPTIONS_OF_ACCESS(struct arguments),
	{ "format", OPTS_CHOICE, offsetof(struct arguments, format), "FORMAT",
	    "" },
	{ "allow-empty", OPTS_BOOL, offsetof(struct arguments, allow_empty),
	    NULL,
	    "an empty standard input is an empty list, not a command before "
	    "the pipe that failed" },
};

const struct command cmd_list = {
	.name = "list",
	.summary = "print the nodes of a node list or of sources",
	.arguments = "[options] [FILE]",
	.text =
	    "Prints the node keys of FILE (- is standard input): plain keys, "
	    "the output of\nheadscale nodes list -o json, or headscale's "
	    "REST answer. What it prints as text\nis a node list for derper "
	    "--verify-nodes; expired keys are comments in it.\n\n"
	    "Without FILE it prints the nodes that the sources name, with "
	    "what they say of each,\nand how long ago they said it. Sources of "
	    "a --config that can only be asked about\none key are left out, "
	    "and told.\n",
	.notes = "Exit status: 0 printed, 2 a node list or a source cannot be "
		 "read.\n",
	.examples = "  headscale nodes list -o json | derpverify list - > "
		    "nodes.txt\n"
		    "  derpverify list --socket "
		    "/run/tailscale/tailscaled.sock --format json\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.more_options = source_options_of_kinds,
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.run = run,
};
