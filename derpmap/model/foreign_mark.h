/*
 * foreign_mark: marks of other languages and editors in a text that YAML
 * cannot read.
 *
 * People paste from web pages, chats and merges: a comment with //, the marks
 * of a merge conflict, the fence of Markdown, a colon as Chinese and Japanese
 * keyboards write it, an apostrophe inside single quotes. A YAML reader gives
 * up at such a mark or on the line after it, with a word of its grammar.
 *
 * Threads: pure function over the caller's arena.
 */
#ifndef DERPKIT_FOREIGN_MARK_H
#define DERPKIT_FOREIGN_MARK_H

#include "doc.h"

struct foreign_mark {
	struct doc_pos at; /* of the mark */
	const char *text;  /* what it is; static */
	const char *fix;   /* what to write; in the arena or static */
};

/* Finds the mark on which the reader of YAML failed at the place: on its line
 * or on the line with text before it. false: there is none, or memory is
 * short. */
bool foreign_mark_find(struct foreign_mark *mark, struct arena *a,
    struct slice text, const struct doc_pos *error_at);

#endif
