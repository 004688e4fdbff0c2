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

/* Writes the script of a program that has flags only, with one dash, which
 * prints it with -completion SHELL. -1: no shell of that name is known. */
int completion_put_flags(FILE *to, const char *program, const char *shell,
    const struct opts_option *flags, size_t count);

#endif
