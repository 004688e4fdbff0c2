/*
 * yaml_word: anchors, aliases, tags and directives.
 *
 * Inside doc_yaml only. YAML 1.1 sections 6.8, 6.9 and 7.1, as yaml.v3 reads
 * them: , [ ] belong to a tag, and a ! alone is a tag that says nothing.
 */
#ifndef DERPKIT_YAML_WORD_H
#define DERPKIT_YAML_WORD_H

#include "yaml_cursor.h"
#include "yaml_token.h"

/* Each reads one token from its first character to *t. -1 on an error. */
int yaml_word_anchor(struct yaml_cursor *cur, struct yaml_token *t);
int yaml_word_tag(struct yaml_cursor *cur, struct yaml_token *t);
int yaml_word_directive(struct yaml_cursor *cur, struct yaml_token *t);

#endif
