/*
 * command: the frame of a program with subcommands.
 *
 * A program is a table of commands; a command is a table of options and a
 * function. Parsing, the help and the messages about wrong usage are made from
 * the tables. Results go to standard output, everything else to standard error.
 *
 * Threads: start-up only.
 */
#ifndef DERPKIT_COMMAND_H
#define DERPKIT_COMMAND_H

#include "opts.h"

enum command_exit {
	COMMAND_DONE = 0,     /* done, or clean */
	COMMAND_FINDINGS = 1, /* findings, or denied */
	COMMAND_UNUSABLE = 2, /* unusable input, or wrong usage */
};

#define COMMAND_OPTIONS_MAX 64

struct command_call;

struct command {
	const char *name;
	const char *summary;   /* one line, for the list of commands */
	const char *arguments; /* "[options] FILE..." */
	/* paragraphs, each line with its LF; notes (or NULL) follow the
	 * options, examples are indented */
	const char *text, *notes, *examples;
	/* options, stored in a struct of values_size bytes (at least 1) that
	 * starts as a copy of defaults */
	const struct opts_row *options;
	size_t option_count;
	const void *defaults;
	size_t values_size;
	/* further options, put before the others into table (room for max), or
	 * NULL. Returns their number. */
	size_t (*more_options)(
	    struct opts_option *table, size_t max, void *values);
	/* what its words can be, with blanks between them, for completion; "":
	 * it has none; NULL: files */
	const char *words;
	/* Returns the exit status. */
	int (*run)(const struct command_call *call);
};

/* One run of a command; borrowed during the run. */
struct command_call {
	const struct command_program *program;
	const struct command *command;
	void *values; /* the struct of the options */
	char **words; /* what is not an option */
	int word_count;
};

struct command_program {
	const char *name;
	const char *version;  /* what --version prints after it, or NULL */
	const char *text;     /* paragraphs, each line with its LF */
	const char *examples; /* likewise, indented */
	const struct command *commands;
	size_t command_count;
	/* Called before a command runs; -1 with *why ends the program. Or
	 * NULL. */
	int (*start)(struct fail *why);
};

/* Fills table (room for COMMAND_OPTIONS_MAX) with all options of the command,
 * for its values. Returns their number. */
size_t command_options(
    const struct command *command, struct opts_option *table, void *values);

/* The program's main: finds the command, parses its options, runs it. Answers
 * help, help COMMAND and --version. Returns the exit status. */
int command_main(const struct command_program *program, int argc, char **argv);

/* Prints a line on standard error. Here and below what a terminal would obey is
 * escaped, as quote.h does it, and a text longer than 8 KiB is cut. */
__attribute__((format(printf, 1, 2))) void command_note(const char *fmt, ...);

/* Prints "PROGRAM: TEXT" and the usage of the command on standard error. Both
 * return COMMAND_UNUSABLE; command_fail is for anything but wrong usage. */
__attribute__((format(printf, 2, 3))) int command_misuse(
    const struct command_call *call, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) int command_fail(
    const struct command_call *call, const char *fmt, ...);

/* Flushes standard output. COMMAND_DONE, or COMMAND_UNUSABLE when anything
 * could not be written, with a message. */
int command_flush(const struct command_call *call);

#endif
