/*
 * yaml_blank: what is between tokens: blanks, comments, line breaks.
 *
 * Inside doc_yaml only. yaml.v3 collects comments, and thereby accepts tabs and
 * missing spaces around them that YAML does not allow; this follows it.
 */
#ifndef DERPKIT_YAML_BLANK_H
#define DERPKIT_YAML_BLANK_H

#include "yaml_cursor.h"

/* Steps over blanks, comments and line breaks. Sets key_allowed after a break
 * in the block context. -1 on an error. */
int yaml_blank_skip(struct yaml_cursor *cur);

/* Steps over the comment that begins on this line after blanks, if the line
 * has held something else. -1 on an error. */
int yaml_blank_line_comment(struct yaml_cursor *cur);

#endif
