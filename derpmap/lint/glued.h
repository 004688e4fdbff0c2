/*
 * glued: YAML in which a space is missing, so that two things became one.
 *
 * Threads: pure functions.
 */
#ifndef DERPKIT_GLUED_H
#define DERPKIT_GLUED_H

#include "doc.h"

/* Whether a key and its value were read as one text: regionid:900. node may be
 * NULL. */
bool glued_colon(const struct doc_node *node);

/* Whether the dash of a list's element was read as a part of a key: -name. node
 * may be NULL. */
bool glued_dash(const struct doc_node *node);

#endif
