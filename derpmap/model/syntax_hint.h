/*
 * syntax_hint: the slip behind a syntax error of YAML.
 *
 * A YAML reader says what its grammar wanted at the place where it gave up,
 * which is often a line after the slip. This looks at the lines for the slips
 * that people make: no space after a colon, a colon in unquoted text, a quote
 * that is not closed, a colon that is missing, indentation that fits nothing,
 * a character that begins no text.
 *
 * Threads: pure function over the caller's arena.
 */
#ifndef DERPKIT_SYNTAX_HINT_H
#define DERPKIT_SYNTAX_HINT_H

#include "doc.h"

struct syntax_hint {
	struct doc_pos at; /* of the slip */
	const char *text;  /* what is wrong there; in the arena or static */
	const char *fix;   /* what to write, or NULL; likewise */
	/* bytes to put in at these offsets, "" for none: the same fix */
	struct doc_pos insert_at[2];
	const char *insert;
};

/* Finds the slip behind the error of d, which is DOC_SYNTAX of doc_yaml. false:
 * none is recognised, or memory is short. */
bool syntax_hint_find(struct syntax_hint *hint, struct arena *a,
    struct slice text, const struct doc *d);

#endif
