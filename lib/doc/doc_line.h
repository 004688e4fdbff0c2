/*
 * doc_line: the lines of a text, as the readers count them. A line of JSON ends
 * with LF; one of YAML also with CR, CR LF, NEL, U+2028 or U+2029 (yaml.v3,
 * yamlprivateh.go).
 *
 * Threads: pure functions.
 */
#ifndef DERPKIT_DOC_LINE_H
#define DERPKIT_DOC_LINE_H

#include "bytes.h"

#include <stdbool.h>

enum doc_line_form { DOC_LINE_JSON, DOC_LINE_YAML };

/* The bytes of the line end at the offset; 0: none is there. */
size_t doc_line_break(struct slice text, size_t at, enum doc_line_form form);

/* The bytes of the line end that ends at the offset; 0: none does. */
size_t doc_line_break_before(
    struct slice text, size_t at, enum doc_line_form form);

/* Where the line that the offset is on begins. */
size_t doc_line_start(struct slice text, size_t at, enum doc_line_form form);

/* Where the line that the offset is on ends, before its line end; text.n for
 * the last one. */
size_t doc_line_end(struct slice text, size_t at, enum doc_line_form form);

#endif
