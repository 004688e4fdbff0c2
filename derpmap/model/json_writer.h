/*
 * json_writer: JSON text, indented by two spaces.
 *
 * Life: a struct json_writer with only out set -> begin, key, plain, text, end
 * in the order of the document -> json_writer_finish. Nothing to free. The
 * first error stays: calls after it do nothing, and json_writer_finish tells.
 *
 * Threads: used by one at a time.
 */
#ifndef DERPKIT_JSON_WRITER_H
#define DERPKIT_JSON_WRITER_H

#include "buf.h"

struct json_writer {
	struct buf *out; /* borrowed */
	unsigned depth;  /* open collections */
	bool filled;     /* the innermost one has an entry */
	bool keyed;      /* what comes next is the value of a key */
	bool failed;
};

/* Collections. One without entries is written as {} or []. */
void json_writer_begin(struct json_writer *w, char bracket);
void json_writer_end(struct json_writer *w, char bracket);

/* The key of the next value. name needs no escape. */
void json_writer_key(struct json_writer *w, const char *name);

/* A number, true, false or null. */
void json_writer_plain(struct json_writer *w, const char *text);

/* A string. Bytes that are not UTF-8 become U+FFFD, as in Go. */
void json_writer_text(struct json_writer *w, struct slice text);

/* Ends the text with a newline. -1: the buffer was full or memory short; it
 * holds a part of the text. */
int json_writer_finish(struct json_writer *w);

#endif
