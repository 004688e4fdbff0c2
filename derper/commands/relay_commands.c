/* relay_commands: see relay_commands.h. */
#include "relay_commands.h"

#include "fetch.h"

#include <string.h>

static int
start(struct fail *why)
{
	if (fetch_global_init() == -1)
		return fail_set(why, "libcurl does not start");
	return 0;
}

static const struct command *const commands[RELAY_COMMANDS] = { &cmd_close,
	&cmd_drain, &cmd_reload, &cmd_status };

bool
relay_commands_has(const char *word)
{
	for (size_t i = 0; i < RELAY_COMMANDS; i++)
		if (strcmp(word, commands[i]->name) == 0)
			return true;
	return strcmp(word, "help") == 0;
}

void
relay_commands_init(struct relay_commands *c)
{
	c->program = (struct command_program){
		.name = "derper",
		.text = "Without a command derper is a relay; derper -h lists "
			"its flags. These ask one that\nis running, on its "
			"control socket.\n",
		.examples = "  derper status --watch\n"
			    "  derper drain --within 5m\n",
		.commands = c->table,
		.command_count = RELAY_COMMANDS,
		.start = start,
	};
	for (size_t i = 0; i < RELAY_COMMANDS; i++)
		c->table[i] = *commands[i];
}

int
relay_commands_main(int argc, char **argv)
{
	struct relay_commands c;

	relay_commands_init(&c);
	return command_main(&c.program, argc, argv);
}
