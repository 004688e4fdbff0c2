/*
 * texts: where in a document there is text in quotes or blocks, in which a
 * character is just that. For rules that look at the bytes of the file.
 *
 * Life: texts_find -> read v -> texts_clear. Threads: used by one.
 */
#ifndef DERPKIT_TEXTS_H
#define DERPKIT_TEXTS_H

#include "doc.h"

struct texts_span {
	size_t start, end; /* offsets in the file */
};

struct texts {
	struct texts_span *v; /* owned; in the order of the file */
	size_t n, cap;
};

/* Finds all of them below the root, which may be NULL. -1: memory is short,
 * some are missing. */
int texts_find(struct texts *t, const struct doc_node *root);
void texts_clear(struct texts *t);

#endif
