/*
 * lint: runs all rules over a loaded file.
 *
 * Threads: pure function over a loaded file.
 */
#ifndef DERPKIT_LINT_H
#define DERPKIT_LINT_H

#include "finding.h"
#include "load.h"

struct effective;

/*
 * Runs all rules that fit the file's form; findings are added in the order of
 * the rules, each once, however often an alias leads there. Whatever the
 * reading program refuses is found by some rule of severity error. Findings
 * borrow from out's arena only; short memory sets out->failed.
 */
void lint_run(const struct load *load, struct findings *out);

/* Runs the rules about headscale's configuration; the same holds for the
 * findings. Files that it names are not linted themselves. */
void lint_config(const struct effective *e, struct findings *out);

#endif
