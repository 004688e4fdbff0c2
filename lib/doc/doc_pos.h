/*
 * doc_pos: a place in a text. Threads: plain values.
 */
#ifndef DERPKIT_DOC_POS_H
#define DERPKIT_DOC_POS_H

#include "doc_line.h"

/* Small, because each node of a document has two. No text of people is longer
 * than 4 GiB; the readers take 128 MiB. */
struct doc_pos {
	unsigned line;   /* 1-based; 0: no place */
	unsigned column; /* 1-based, in code points */
	uint32_t offset; /* bytes from the start of the text as given */
};

/*
 * Moves *pos forward to the byte at `offset` of the text. Lines end as the form
 * says, and between CR and LF the line has not ended yet; a byte that is not
 * part of well-formed UTF-8 counts as one code point. The cost is that of the
 * bytes passed, so a reader that asks for the places of a text in order pays
 * for each byte once.
 */
void doc_pos_advance(struct doc_pos *pos, struct slice text, size_t offset,
    enum doc_line_form form);

#endif
