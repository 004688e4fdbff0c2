/*
 * verify_command: a node list that a program prints: `headscale nodes list -o
 * json`, `tailscale status --json`.
 */
#include "num.h"
#include "verify_document.h"
#include "verify_program.h"
#include "verify_source.h"

#include <stdlib.h>

#define REFRESH_MS 60000
#define TIMEOUT_MS 30000
#define TIMEOUT_MAX_MS 3600000   /* a longer one hides that it hangs */
#define ROOM ((size_t)128 << 10) /* of a read beyond the limit */

struct command_source {
	struct verify_source source; /* first */
	/* immutable */
	struct verify_program program;
	uint64_t timeout_ms;
};

/* Empty output is not an empty list: headscale prints null, tailscale an
 * object. */
static enum verify_listed
parse(struct slice text, struct verify_set *set, struct fail *why)
{
	struct verify_nodes *nodes;
	int rc;

	if (slice_trim(text).n == 0) {
		fail_set(why, "the command printed nothing");
		return VERIFY_LIST_BAD;
	}
	nodes = verify_document_parse(text, why);
	if (nodes == NULL)
		return VERIFY_LIST_BAD;
	rc = verify_nodes_put(nodes, set, why);
	verify_nodes_free(nodes);
	return rc == 0 ? VERIFY_LISTED : VERIFY_LIST_OURS;
}

static enum verify_listed
list(struct verify_source *s, struct verify_listing *listing, struct fail *why)
{
	struct command_source *c = (struct command_source *)s;
	enum verify_listed listed = VERIFY_LIST_STOPPED;
	struct buf text;

	buf_init(&text, VERIFY_DOCUMENT_BYTES_MAX + ROOM);
	switch (verify_program_run(
	    &c->program, c->timeout_ms, listing->stop, &text, why)) {
	case VERIFY_PROGRAM_DONE:
		listed = parse(buf_slice(&text), listing->set, why);
		break;
	case VERIFY_PROGRAM_FAILED:
		listed = VERIFY_LIST_BAD;
		break;
	case VERIFY_PROGRAM_SHORT:
		listed = VERIFY_LIST_OURS;
		break;
	case VERIFY_PROGRAM_STOPPED:
		break;
	}
	buf_clear(&text);
	return listed;
}

static void
close_command(struct verify_source *s)
{
	struct command_source *c = (struct command_source *)s;

	verify_program_clear(&c->program);
	free(c);
}

static int
set_up(struct command_source *c, const struct verify_source_config *config,
    struct fail *why)
{
	const char *timeout = verify_source_option(config, "command-timeout");

	c->timeout_ms = TIMEOUT_MS;
	if (timeout != NULL &&
	    (num_parse_duration_ms(slice_str(timeout), &c->timeout_ms) == -1 ||
		c->timeout_ms == 0))
		return fail_set(why,
		    "command-timeout: \"%s\" is not a time such as 30s",
		    timeout);
	if (c->timeout_ms > TIMEOUT_MAX_MS)
		return fail_set(why,
		    "command-timeout: \"%s\" is longer than an hour", timeout);
	c->source.list_ms = c->timeout_ms;
	return verify_program_parse(&c->program, config->argument, why);
}

static int
check_command(const char *argument, struct fail *why)
{
	struct verify_program program;
	const int rc = verify_program_parse(&program, argument, why);

	verify_program_clear(&program);
	return rc;
}

static struct verify_source *
open_command(const struct verify_source_config *config,
    const struct verify_source_context *context, struct fail *why)
{
	static const struct verify_source_ops ops = {
		.list = list,
		.close = close_command,
	};
	struct command_source *c = calloc(1, sizeof *c);

	(void)context;
	if (c == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	c->source = (struct verify_source){ .ops = &ops, .list_on_miss = true };
	if (set_up(c, config, why) == 0)
		return &c->source;
	close_command(&c->source);
	return NULL;
}

static const struct verify_option options[] = {
	{ "command-timeout", VERIFY_OPTION_TEXT, "DURATION",
	    "kill a command that runs longer; 30s without it, 1h at most",
	    "command-timeout", NULL },
	{ .name = NULL },
};

const struct verify_source_kind verify_command_kind = {
	.name = "command",
	.tool_option = "command",
	.argument_name = "COMMAND",
	.tool_help = "the node list that this program prints, as in "
		     "\"headscale nodes list -o json\" or \"tailscale status "
		     "--json\"; run without a shell",
	.options = options,
	.argument_type = VERIFY_OPTION_WORDS,
	.needs_argument = true,
	.runs_programs = true,
	.outage = VERIFY_OUTAGE_LAST_GOOD,
	.refresh_ms = REFRESH_MS,
	.check = check_command,
	.open = open_command,
};
