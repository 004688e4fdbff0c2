/*
 * commands: the subcommands of derpmap, one file each: cmd_NAME.c. The table is
 * in main.c.
 */
#ifndef DERPKIT_COMMANDS_H
#define DERPKIT_COMMANDS_H

#include "command.h"

extern const struct command cmd_convert, cmd_diff, cmd_effective, cmd_fetch,
    cmd_generate, cmd_lint, cmd_merge, cmd_probe, cmd_show;

#endif
