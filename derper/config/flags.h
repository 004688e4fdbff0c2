/*
 * flags: the table of the relay's flags, from which the command line, the
 * environment, the ranges and the help are made.
 *
 * Flags and their syntax are the Go derper's; what it does not know is listed
 * after them in the help. Each flag has a variable that is its default: DERP_
 * and its name in capitals with _ for -, and some have a second one, as the
 * common container image spells it. Threads: start-up only. Source: tailscale
 * cmd/derper/derper.go.
 */
#ifndef DERPKIT_FLAGS_H
#define DERPKIT_FLAGS_H

#include "command.h"
#include "config.h"
#include "fail.h"

enum flags_result {
	FLAGS_OK,
	FLAGS_HELP,  /* usage was asked for: print it, exit 0 */
	FLAGS_USAGE, /* *why tells what is wrong with the words; exit 2 */
	FLAGS_BAD,   /* *why tells what is wrong with a value; exit 1 */
};

/* Reads environment and arguments into *config. getenv is injected for tests.
 */
enum flags_result flags_parse(struct config *config, int argc, char **argv,
    char *(*env)(const char *name), struct fail *why);

/*
 * Looks for variables that begin with DERP_ and mean nothing to the relay:
 * *next is where in variables (environ) to go on, 0 at first. True with what to
 * tell about one in *text; false when there are no more.
 */
bool flags_next_unknown(char **variables, size_t *next, struct fail *text);

/* Prints the flags by theme with their defaults and variables, and examples, to
 * standard output. -1 and the reason. */
int flags_print_usage(struct fail *why);

/* Prints a script that completes flags and commands, of which `doctor` is one,
 * in that shell to standard output. -1 and the reason. */
int flags_print_completion(
    const char *shell, const struct command *doctor, struct fail *why);

#endif
