/* cmd_drain: a running relay takes no new clients, and ends when all have left.
 */
#include "control.h"
#include "control_client.h"
#include "relay_commands.h"
#include "status_text.h"

#include <inttypes.h>
#include <stdio.h>

#define WITHIN_MS 60000

struct arguments {
	struct control_client_options control; /* first */
	uint64_t within_ms;
	bool wait;
};

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	char path[64], begun[128], text[STATUS_TEXT];
	int rc;

	if (call->word_count > 0)
		return command_misuse(
		    call, "unexpected argument \"%s\"", call->words[0]);
	if (a->within_ms > CONTROL_DRAIN_MS_MAX)
		return command_misuse(call, "--within: more than a day");
	snprintf(path, sizeof path, "/drain?within=%" PRIu64, a->within_ms);
	snprintf(begun, sizeof begun,
	    "draining; the relay ends when its clients have left, in %s at "
	    "most",
	    status_text_duration(text, (a->within_ms + 999) / 1000));
	rc = control_client_order(call, path, begun);
	if (rc == COMMAND_DONE && a->wait)
		control_client_wait_end(call);
	return rc;
}

static const struct opts_row options[] = {
	CONTROL_CLIENT_OPTION,
	{ "within", OPTS_DURATION, offsetof(struct arguments, within_ms),
	    "time", "end after this time at most, with clients or without" },
	{ "wait", OPTS_BOOL, offsetof(struct arguments, wait), NULL,
	    "return when the relay has ended, not before" },
};
static const struct arguments defaults = { .control = { .socket = "" },
	.within_ms = WITHIN_MS };

const struct command cmd_drain = {
	.name = "drain",
	.summary = "have a running relay send its clients away, and end",
	.arguments = "[options]",
	.text =
	    "The relay takes no new connections, sends every client "
	    "Restarting, and closes\nthose that stay, evenly over the time, "
	    "so that they do not all reach another\nrelay at once. It ends "
	    "when none is left. SIGTERM ends it sooner. Exit status:\n0 "
	    "asked, 1 refused, 2 no relay, or wrong usage.\n",
	.examples = "  derper drain --within 5m\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.words = "",
	.run = run,
};
