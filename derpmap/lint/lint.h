/*
 * lint: runs all rules over loaded files.
 *
 * Life: lint_begin -> lint_file for each file of a call -> lint_end, which
 * judges what only all of them together show and frees what is held. Threads:
 * used by one.
 */
#ifndef DERPKIT_LINT_H
#define DERPKIT_LINT_H

#include "finding.h"
#include "load.h"
#include "rule.h"

struct relay_sights;

struct lint {
	struct findings *out; /* borrowed */
	/* what was seen of the relays of the next file, or NULL; borrowed
	 * during lint_file, set by the caller */
	const struct relay_sights *sights;
	struct rule_call call;
	bool is_alone; /* one file: nothing is compared between files */
};

/* Findings go to out, which is borrowed until lint_end. At most so many files
 * follow. */
void lint_begin(struct lint *l, struct findings *out, size_t file_count);

struct compose_ports;
struct derper_start;
struct effective;

/*
 * Runs all rules that fit the file's form; findings are added in the order of
 * the rules, each once, however often an alias leads there. Whatever the
 * reading program refuses is found by some rule of severity error. A file that
 * was loaded as_meant is judged by what it was meant to be; then what follows
 * from one slip is not found a second time. Findings borrow from out's arena
 * and the file's name only; short memory sets out->failed.
 */
void lint_file(struct lint *l, const struct load *load);

void lint_end(struct lint *l);

/* All of it for one file. */
void lint_run(const struct load *load, struct findings *out);

/* Runs the rules about headscale's configuration, which compose (or NULL)
 * publishes the ports of; the same holds for the findings. Files that it names
 * are not linted themselves. */
void lint_config(const struct effective *e, const struct compose_ports *compose,
    struct findings *out);

/* Runs the rules about how a relay is started; the findings borrow the names of
 * the files only. */
void lint_derper(const struct derper_start *start, struct findings *out);

#endif
