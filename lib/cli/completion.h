/*
 * completion: scripts that let a shell complete a program's commands, options
 * and their values, made from its table of commands.
 *
 * Threads: start-up only.
 */
#ifndef DERPKIT_COMPLETION_H
#define DERPKIT_COMPLETION_H

#include "command.h"

/* The command `completion SHELL`: prints the script for bash, zsh or fish. */
extern const struct command completion_command;

#endif
