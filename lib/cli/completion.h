/*
 * completion: scripts that let a shell complete a program's commands, options
 * and their values, made from its tables.
 *
 * Threads: start-up only.
 */
#ifndef DERPKIT_COMPLETION_H
#define DERPKIT_COMPLETION_H

#include "command.h"

/* The command `completion SHELL`: prints the script for bash, zsh or fish. */
extern const struct command completion_command;

enum completion_result {
	COMPLETION_DONE,
	COMPLETION_NO_SHELL, /* none of that name is known */
	COMPLETION_NO_MEMORY,
};

/* Writes the script of a program that has flags with one dash, prints it with
 * -completion SHELL, and takes a command of the table as its first word. */
enum completion_result completion_put_flags(FILE *to,
    const struct command_program *program, const char *shell,
    const struct opts_option *flags, size_t count);

#endif
