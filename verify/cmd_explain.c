/* cmd_explain: what each source says about a key, and what the policy makes of
 * it. */
#include "interrupt.h"
#include "source_options.h"
#include "verify.h"
#include "verify_commands.h"
#include "verify_describe.h"
#include "verify_nodes.h"

#include <inttypes.h>
#include <stdio.h>

#define DESCRIPTION_MAX ((size_t)1 << 20)

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
	/* of a deny list without the key */
	[VERIFY_NO_OPINION] = { "-", COMMAND_DONE },
};

/* Where an answer comes from, as words after it. */
static const char *const origins[] = {
	[VERIFY_FROM_QUESTION] = "asked",
	[VERIFY_FROM_SET] = "from memory",
	[VERIFY_FROM_LAST_GOOD] = "from the last good set",
	[VERIFY_FROM_CACHE] = "from the cache",
};

static void
print_source(void *ctx, const struct verify_source *source,
    const struct verify_answer *said, uint64_t took_ms)
{
	(void)ctx;
	printf("%-7s %s%s%s (%s, ", verdicts[said->verdict].word,
	    source->kind->name, source->argument[0] != '\0' ? " " : "",
	    verify_source_shown(source->kind, source->argument).text,
	    origins[said->origin]);
	if (said->age_ms >= 1000)
		printf("true %" PRIu64 " s ago, ", said->age_ms / 1000);
	printf("%" PRIu64 " ms)\n        %s\n", took_ms, said->reason);
}

static int
explain(const struct command_call *call, const struct verify_config *config,
    const struct derp_key *key)
{
	const char *policy = verify_config_policy_name(config->policy);
	struct verify_answer answer = { 0 };
	struct fail why = { 0 };
	struct verify *v = NULL;
	int written;

	if (interrupt_begin(config, &why) == 0)
		v = verify_new(config, &why);
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

/* What the configuration means, whoever asks. */
static int
describe(const struct command_call *call, const struct verify_config *config)
{
	struct buf text;
	int rc;

	buf_init(&text, DESCRIPTION_MAX);
	rc = verify_describe(config, &text);
	if (rc == 0)
		printf("%.*s", (int)buf_len(&text),
		    (const char *)buf_slice(&text).p);
	buf_clear(&text);
	return rc == 0 ? command_flush(call)
		       : command_fail(call, "not enough memory");
}

static int
explain_words(
    const struct command_call *call, const struct verify_config *config)
{
	const struct arguments *a = call->values;
	struct derp_key key;
	struct fail why = { 0 };

	if (call->word_count == 0 && a->sources.config != NULL)
		return describe(call, config);
	if (call->word_count != 1)
		return command_misuse(call, "name one key");
	if (verify_nodes_parse_key(slice_str(call->words[0]), &key, &why) == -1)
		return command_misuse(call, "%s", why.text);
	return explain(call, config, &key);
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct verify_config config;
	int status = source_options_read(&a->sources, call, &config);

	if (status != 0)
		return status;
	status = explain_words(call, &config);
	verify_config_clear(&config);
	return status;
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
	.arguments = "[options] [KEY]",
	.text =
	    "Asks every source about the node key, also those that the policy "
	    "would not\nneed, and tells what each says, how long it took, and "
	    "what the policy makes of\nit.\n",
	.notes = "Exit status: 0 allowed, 1 denied, 2 unknown, or usage or "
		 "input was wrong.\n",
	.examples =
	    "  derpverify explain --config /etc/derper/admission.yaml\n"
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
