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
	OPTS_INT,      /* int64_t, in Go's syntax: 0443 is octal */
	OPTS_DECIMAL,  /* int64_t, decimal without leading zeros */
	OPTS_FLOAT,    /* double, also Inf */
	OPTS_DURATION, /* uint64_t, milliseconds */
	OPTS_CHOICE,   /* struct opts_choice, one of several names */
};

#define OPTS_LIST_MAX 64

struct opts_list {
	const char *v[OPTS_LIST_MAX]; /* borrowed from argv */
	size_t n;
};

/* A value out of a table, which also makes the help and the error text. */
struct opts_choice {
	/* the n-th name, or NULL after the last */
	const char *(*name)(size_t n);
	/* the n of another spelling, or one after the last; NULL: there are no
	 * others */
	size_t (*find)(const char *value);
	size_t n; /* the chosen one; after the last: none */
};

struct opts_option {
	const char *name; /* without dashes */
	enum opts_kind kind;
	void *to;         /* where the value goes; its type is told by kind */
	const char *arg;  /* what to call the value in the help */
	const char *help; /* one sentence, no full stop */
};

/* The same for a static table: where the value is in a struct. */
struct opts_row {
	const char *name;
	enum opts_kind kind;
	size_t at; /* offsetof */
	const char *arg;
	const char *help;
};

struct opts {
	const struct opts_option *table;
	size_t count;
	/* for each option the environment variable that is its default, which
	 * the help names; NULL: none of them has one */
	const char *const *variables;
	bool mixed; /* words and options in any order */
	/* after opts_parse: the words that are not options, borrowed; unless
	 * mixed they are where they were in argv */
	char **words;
	int word_count;
};

enum opts_result {
	OPTS_OK,
	OPTS_HELP, /* -h or -help was given */
	OPTS_BAD,  /* *why tells */
};

/* Fills table (room for max) from the rows, for the struct at values. Returns
 * the number of options; more than max are a bug. */
size_t opts_bind(struct opts_option *table, size_t max,
    const struct opts_row *rows, size_t count, void *values);

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
