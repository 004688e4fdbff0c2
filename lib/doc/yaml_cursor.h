/*
 * yaml_cursor: where the scanner is in the text, and what the readers of
 * single tokens need to know of it.
 *
 * Inside doc_yaml only. The base of the scanner: yaml_blank, yaml_text and
 * yaml_word read from a cursor, yaml_scan owns it and keeps its context (flow,
 * indent, key_allowed) up to date. Errors go to the document.
 *
 * Life: yaml_cursor_init -> yaml_cursor_clear. Threads: used by one.
 */
#ifndef DERPKIT_YAML_CURSOR_H
#define DERPKIT_YAML_CURSOR_H

#include "yaml_source.h"

struct yaml_cursor {
	struct yaml_source source;
	struct doc_builder *builder; /* borrowed: arena and errors */

	/* context */
	size_t flow;      /* open flow collections */
	int indent;       /* column of the innermost block collection; -1 */
	bool key_allowed; /* a key may begin here */

	/* the token being read: its text is a piece of the source as long as
	 * that is possible, else it is collected */
	struct slice piece;
	struct buf text, breaks;
};

/* -1 when memory is short; clear it in either case. builder is borrowed as
 * long as the cursor lives, text as long as the tokens. */
int yaml_cursor_init(
    struct yaml_cursor *cur, struct doc_builder *b, struct slice text);
void yaml_cursor_clear(struct yaml_cursor *cur);

/* Sets the document's error at the next character; -1. */
__attribute__((format(printf, 3, 4))) int yaml_cursor_fail(
    struct yaml_cursor *cur, enum doc_error error, const char *fmt, ...);

/* Memory was short; -1. */
int yaml_cursor_no_memory(struct yaml_cursor *cur);

/* yaml_source_need, with the error handed to the document. */
int yaml_cursor_need(struct yaml_cursor *cur, size_t n);

/* Steps over spaces and tabs, after making sure that they are there. */
int yaml_cursor_skip_blanks(struct yaml_cursor *cur);

/* Forgets the text of the token before. */
void yaml_cursor_reset(struct yaml_cursor *cur);

/* Appends n bytes to the token's text. -1 when memory is short. */
int yaml_cursor_append(struct yaml_cursor *cur, const void *p, size_t n);

/* The same with bytes that are in the source. */
int yaml_cursor_append_source(struct yaml_cursor *cur, struct slice bytes);

/* The token's text, in the text read or in the arena; with a name always in
 * the arena and with a NUL after it. */
int yaml_cursor_keep(struct yaml_cursor *cur, struct slice *text);
int yaml_cursor_keep_name(struct yaml_cursor *cur, struct slice *text);

#endif
