/*
 * yaml_writer: YAML text, written by libyaml's emitter.
 *
 * Block style, two-space indent, LF, one document without a start mark, no
 * anchors, no line that is folded. Characters that YAML allows are written as
 * they are.
 *
 * Life: yaml_writer_new -> begin, plain, text, binary, end in the order of the
 * document: a mapping takes keys and values in turn, a sequence values
 * -> yaml_writer_finish -> yaml_writer_free. The first error stays: calls after
 * it do nothing, and yaml_writer_finish tells.
 *
 * Threads: used by one at a time.
 */
#ifndef DERPKIT_YAML_WRITER_H
#define DERPKIT_YAML_WRITER_H

#include "buf.h"

struct yaml_writer;

/* A writer that appends one document to out, which is borrowed until
 * yaml_writer_free. Returned owned; NULL: memory is short. */
struct yaml_writer *yaml_writer_new(struct buf *out);

/* Collections. One without entries is written as {} or []. */
void yaml_writer_begin_mapping(struct yaml_writer *w);
void yaml_writer_end_mapping(struct yaml_writer *w);
void yaml_writer_begin_sequence(struct yaml_writer *w);
void yaml_writer_end_sequence(struct yaml_writer *w);

/* A scalar without quotes: a key, a number, true, null. text is ASCII that YAML
 * can hold so. */
void yaml_writer_plain(struct yaml_writer *w, const char *text);

/* Text in double quotes, so that no reader takes `no`, `010` or `::1` for
 * something else. Bytes that are not UTF-8 become U+FFFD. */
void yaml_writer_text(struct yaml_writer *w, struct slice text);

/* Bytes as base64 with the tag !!binary. */
void yaml_writer_binary(struct yaml_writer *w, struct slice bytes);

/* Ends the document, whose collections are all ended. -1: the buffer is full or
 * memory is short, then or before; it holds a part of the text. */
int yaml_writer_finish(struct yaml_writer *w);

void yaml_writer_free(struct yaml_writer *w);

#endif
