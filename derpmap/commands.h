/*
 * commands: the subcommands of derpmap, one file each: cmd_NAME.c.
 *
 * Each gets argc and argv from its own name on, prints results on standard
 * output and everything else on standard error, and returns the exit status:
 * 0 done or clean, 1 findings, 2 unusable input or usage. The table is in
 * main.c.
 */
#ifndef DERPKIT_COMMANDS_H
#define DERPKIT_COMMANDS_H

#include "opts.h"

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FINDINGS = 1,
	EXIT_UNUSABLE = 2,
};

int cmd_convert(int argc, char **argv);
int cmd_generate(int argc, char **argv);
int cmd_lint(int argc, char **argv);

/* What a subcommand says of itself. */
struct command_help {
	const char *usage;    /* "derpmap convert [options] FILE" */
	const char *text;     /* paragraphs, each line with its LF */
	const char *examples; /* likewise, indented */
};

/*
 * Parses the options of a subcommand (words and options in any order). -1: go
 * on, o->words has the rest. Otherwise the exit status: help was asked for and
 * is on standard output, or usage was wrong and is on standard error.
 */
int command_parse(
    struct opts *o, const struct command_help *help, int argc, char **argv);

/* Says what is wrong with the usage; the exit status. */
__attribute__((format(printf, 2, 3))) int command_misuse(
    const struct command_help *help, const char *fmt, ...);

#endif
