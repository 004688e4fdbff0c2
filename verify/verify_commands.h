/*
 * verify_commands: the subcommands of derpverify, one file each: cmd_NAME.c.
 * The table is in main.c.
 */
#ifndef DERPKIT_VERIFY_COMMANDS_H
#define DERPKIT_VERIFY_COMMANDS_H

#include "command.h"

extern const struct command cmd_check, cmd_explain, cmd_list, cmd_serve,
    cmd_watch;

#endif
