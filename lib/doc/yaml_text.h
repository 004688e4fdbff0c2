/*
 * yaml_text: scalars: plain, quoted and block.
 *
 * Inside doc_yaml only. YAML 1.1 chapter 9, as yaml.v3 reads it: \' is an
 * escape and \/ is none, and in a flow collection a plain scalar ends at a
 * question mark.
 */
#ifndef DERPKIT_YAML_TEXT_H
#define DERPKIT_YAML_TEXT_H

#include "yaml_cursor.h"
#include "yaml_token.h"

/* Each reads one scalar from its first character to *t. -1 on an error. A
 * plain one sets key_allowed when it ends on another line. */
int yaml_text_plain(struct yaml_cursor *cur, struct yaml_token *t);
int yaml_text_quoted(
    struct yaml_cursor *cur, struct yaml_token *t, bool single);
int yaml_text_block(
    struct yaml_cursor *cur, struct yaml_token *t, bool literal);

#endif
