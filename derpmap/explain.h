/*
 * explain: what is known of rules, for people: one line each or, in Markdown,
 * all there is to say.
 *
 * Threads: writes to the stream only.
 */
#ifndef DERPKIT_EXPLAIN_H
#define DERPKIT_EXPLAIN_H

#include "bytes.h"
#include "fail.h"

#include <stdio.h>

/* Lists all rules, three lines each. -1: memory is short. */
int explain_list(FILE *to, struct fail *why);

/* The same as JSON, see schemas/lint-rules.schema.json. */
int explain_list_json(FILE *to, struct fail *why);

/* Explains the rules that the pattern fits, see selection.h; `all` makes a
 * document of it. -1 with *why: there are none, or memory is short. */
int explain_rules(FILE *to, struct slice pattern, struct fail *why);

#endif
