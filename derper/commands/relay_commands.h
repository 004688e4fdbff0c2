/*
 * relay_commands: the commands of derper that ask a relay which is running.
 *
 * Threads: the main thread.
 */
#ifndef DERPKIT_RELAY_COMMANDS_H
#define DERPKIT_RELAY_COMMANDS_H

#include "command.h"

#define RELAY_COMMANDS 5

extern const struct command cmd_status, cmd_close, cmd_reload, cmd_drain;

/* Whether the word is a command or "help", or spelled so nearly that
 * relay_commands_main should say so: derper's flags begin with a dash. */
bool relay_commands_has(const struct command *doctor, const char *word);

struct relay_commands {
	struct command_program program;
	struct command table[RELAY_COMMANDS]; /* of the program */
};

/* The program, with the command doctor of the layer above; stays where it is.
 */
void relay_commands_init(
    struct relay_commands *c, const struct command *doctor);

/* Runs the command that argv[1] names; the exit status. */
int relay_commands_main(const struct command *doctor, int argc, char **argv);

#endif
