/*
 * yaml_notes: what is unexpected around the document: its encoding, and what
 * is after its end and is never read. Inside doc_yaml only.
 */
#ifndef DERPKIT_YAML_NOTES_H
#define DERPKIT_YAML_NOTES_H

#include "yaml_source.h"
#include "yaml_token.h"

/* Whether no content can begin with this token. */
bool yaml_notes_ends_document(const struct yaml_token *t);

/* Notes a byte order mark, and UTF-16. -1 when memory is short. */
int yaml_notes_encoding(struct doc_builder *b, const struct yaml_source *s);

/* Notes what follows the document; t is the first token after it. */
int yaml_notes_rest(struct doc_builder *b, const struct yaml_source *s,
    const struct yaml_token *t);

#endif
