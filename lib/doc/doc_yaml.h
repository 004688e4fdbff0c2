/*
 * doc_yaml: YAML text to a positioned document, with the acceptance of
 * gopkg.in/yaml.v3 v3.0.1, which is what headscale reads its maps with.
 *
 * Only the first document is read, as yaml.Unmarshal does; what it would
 * still notice after it is noticed here too, by the same look-ahead. Syntax
 * this reader rejects and that one accepts, or the reverse, is a bug.
 *
 * Aliases are kept (target set), anchors and tags are kept, merge keys are
 * ordinary keys whose text is <<, duplicate keys are kept. An alias without
 * its anchor is an error, as there.
 *
 * Threads: pure function over the caller's arena.
 */
#ifndef DERPKIT_DOC_YAML_H
#define DERPKIT_DOC_YAML_H

#include "doc.h"

/*
 * Reads the first document of text into *d. 0: read; d->root is NULL when the
 * text has no document at all. -1: d->error says what and d->error_at where,
 * and *why has both. Everything in *d is borrowed from the arena, and values
 * that are written as they are from the text, which must stay as long.
 */
int doc_yaml_read(
    struct doc *d, struct arena *a, struct slice text, struct fail *why);

#endif
