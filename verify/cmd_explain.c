/* cmd_explain: what each source says about a key, and what the policy makes of
 * it. */
#include "source_options.h"
#include "verify.h"
#include "verify_commands.h"
#include "verify_nodes.h"

#include <inttypes.h>
#include <stdio.h>

struct arguments {
	struct source_options sources; /* first */
};

static const struct {
	const char *word;
	int exit_status;
} verdicts[] = {
	[VERIFY_ALLOW] = { "allow", COMMAND_DONE },
	[VERIFY_DENY] = { "deny", COMMAND_FINDINGS },
	[VERIFY_UNKNOWN] = { "unknown", COMMAND_UNUSABLE },
};

static void
print_source(void *ctx, const struct verify_source *source,
    const struct verify_answer *said, uint64_t took_ms)
{
	(void)ctx;
	printf("%-7s %s%s%s (%" PRIu64 " ms)\n        %s\n",
	    verdicts[said->verdict].word, source->kind->name,
	    source->argument[0] != '\0' ? " " : "", source->argument, took_ms,
	    said->reason);
}

static int
explain(const struct command_call *call, const struct verify_config *config,
    const struct derp_key *key)
{
	const char *policy = verify_config_policy_name(config->policy);
	struct verify_answer answer;
	struct fail why = { 0 };
	struct verify *v = verify_new(config, &why);
	int written;

	if (v == NULL)
		return command_fail(call, "%s", why.text);
	verify_explain(v, key, print_source, NULL, &answer);
	verify_free(v);
	printf("%-7s by policy %s%s\n", verdicts[answer.verdict].word, policy,
	    answer.fail_open ? ", because an outage admits everybody" : "");
	written = command_flush(call);
	return written != COMMAND_DONE ? written
				       : verdicts[answer.verdict].exit_status;
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct verify_config config;
	struct derp_key key;
	struct fail why = { 0 };
	const int misuse = source_options_read(&a->sources, call, &config);

	if (misuse != 0)
		return misuse;
	if (call->word_count != 1)
		return command_misuse(call, "name one key");
	if (verify_nodes_parse_key(slice_str(call->words[0]), &key, &why) == -1)
		return command_misuse(call, "%s", why.text);
	return explain(call, &config, &key);
}

static const struct opts_row options[] = {
	SOURCE_OPTIONS(struct arguments),
};

static const struct arguments defaults = {
	.sources = SOURCE_OPTIONS_DEFAULTS,
};

const struct command cmd_explain = {
	.name = "explain",
	.summary = "tell what each source says about a node key",
	.arguments = "[options] KEY",
	.text =
	    "Asks every source about the node key, also those that the policy "
	    "would not\nneed, and tells what each says, how long it took, and "
	    "what the policy makes of\nit.\n",
	.notes = "Exit status: 0 allowed, 1 denied, 2 unknown, or usage or "
		 "input was wrong.\n",
	.examples =
	    "  derpverify explain --url https://headscale.example.com/verify "
	    "\\\n      --nodes nodes.json nodekey:9f2c...\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.more_options = source_options_of_kinds,
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.words = "",
	.run = run,
};
