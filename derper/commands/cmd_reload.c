/* cmd_reload: a running relay reads its files again. */
#include "control_client.h"
#include "relay_commands.h"

static int
run(const struct command_call *call)
{
	if (call->word_count > 0)
		return command_misuse(
		    call, "unexpected argument \"%s\"", call->words[0]);
	return control_client_order(call, "/reload",
	    "reloading; the relay's log tells what came of it");
}

static const struct opts_row options[] = { CONTROL_CLIENT_OPTION };
static const struct control_client_options defaults = { .socket = "" };

const struct command cmd_reload = {
	.name = "reload",
	.summary = "have a running relay read its files again",
	.arguments = "[options]",
	.text = "Certificate, node lists, admission and rate limits are read "
		"again, as on\nSIGHUP. Exit status: 0 asked, 1 refused, 2 no "
		"relay, or wrong usage.\n",
	.examples = "  derper reload\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.words = "",
	.run = run,
};
