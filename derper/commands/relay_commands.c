/* relay_commands: see relay_commands.h. */
#include "relay_commands.h"

#include "fetch.h"
#include "spelling.h"

#include <assert.h>
#include <string.h>

static int
start(struct fail *why)
{
	if (fetch_global_init() == -1)
		return fail_set(why, "libcurl does not start");
	return 0;
}

/* Those of this layer. */
static const struct command *const commands[] = { &cmd_close, &cmd_drain,
	&cmd_reload, &cmd_status };

#define HERE (sizeof commands / sizeof commands[0])

static_assert(HERE + 1 == RELAY_COMMANDS, "doctor is the other one");

bool
relay_commands_has(const struct command *doctor, const char *word)
{
	struct spelling near = spelling_of(slice_str(word));

	if (word[0] == '-')
		return false;
	for (size_t i = 0; i < HERE; i++)
		spelling_consider(&near, commands[i]->name);
	spelling_consider(&near, doctor->name);
	return spelling_best(&near) != NULL || strcmp(word, "help") == 0;
}

void
relay_commands_init(struct relay_commands *c, const struct command *doctor)
{
	c->program = (struct command_program){
		.name = "derper",
		.text = "Without a command derper is a relay; derper -h lists "
			"its flags. These look at\none, or ask one that is "
			"running, on its control socket.\n",
		.examples = "  derper doctor\n"
			    "  derper status --watch\n"
			    "  derper drain --within 5m\n",
		.commands = c->table,
		.command_count = RELAY_COMMANDS,
		.start = start,
	};
	for (size_t i = 0; i < HERE; i++)
		c->table[i] = *commands[i];
	c->table[HERE] = *doctor;
}

int
relay_commands_main(const struct command *doctor, int argc, char **argv)
{
	struct relay_commands c;

	relay_commands_init(&c, doctor);
	return command_main(&c.program, argc, argv);
}
