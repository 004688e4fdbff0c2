/*
 * opts: table-driven options with the syntax of Go's flag package.
 *
 * -name and --name are the same; -name=value; options that are not boolean
 * also take the next word, whatever it looks like; booleans never do; the last
 * of several wins. Messages are Go's, because scripts and people know them.
 * Programs whose words may follow options in any order set `mixed`; derper,
 * like the Go program, stops at the first word.
 *
 * Source: Go's flag package, documented behaviour. Threads: start-up only.
 */
#ifndef DERPKIT_OPTS_H
#define DERPKIT_OPTS_H

#include "fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum opts_kind {
	OPTS_BOOL,     /* bool */
	OPTS_TEXT,     /* const char *, borrowed from argv */
	OPTS_LIST,     /* struct opts_list, each use adds one */
	OPTS_INT,      /* int64_t */
	OPTS_FLOAT,    /* double, also Inf */
	OPTS_DURATION, /* uint64_t, milliseconds */
	OPTS_LATER,    /* known by name, refused as "not supported yet" */
};

#define OPTS_LIST_MAX 64

struct opts_list {
	const char *v[OPTS_LIST_MAX]; /* borrowed from argv */
	size_t n;
};

struct opts_option {
	const char *name; /* without dashes */
	enum opts_kind kind;
	void *to;         /* where the value goes; its type is told by kind */
	const char *arg;  /* what to call the value in the help */
	const char *help; /* one sentence, no full stop */
};

struct opts {
	const struct opts_option *table;
	size_t count;
	bool mixed; /* words and options in any order */
	/* after opts_parse: the words that are not options, borrowed */
	char **words;
	int word_count;
};

enum opts_result {
	OPTS_OK,
	OPTS_HELP, /* -h or -help was given */
	OPTS_BAD,  /* *why tells */
};

/* Parses argv[1..argc). Reorders argv when mixed. */
enum opts_result opts_parse(
    struct opts *o, int argc, char **argv, struct fail *why);

/* Sets one option from text, as -name=value would; for environment defaults.
 * -1 when the name is unknown or the value is bad. */
int opts_set(const struct opts *o, const char *name, const char *value,
    struct fail *why);

/* Prints the table in the form of Go's PrintDefaults: the values that are in
 * place when it is called are shown as the defaults. */
void opts_print(const struct opts *o, FILE *to);

#endif
