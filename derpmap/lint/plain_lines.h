/*
 * plain_lines: YAML so simple that every reader reads it alike.
 *
 * yaml.v3 is a port of libyaml. They differ in flow collections, key and value
 * marks, tags, block scalars, long keys, tabs, odd line ends and what is not
 * ASCII. A text without all that needs no second reading to know what libyaml
 * makes of it, provided that one of the two has accepted it.
 *
 * Threads: pure function.
 */
#ifndef DERPKIT_PLAIN_LINES_H
#define DERPKIT_PLAIN_LINES_H

#include "bytes.h"

/* Whether all lines are empty, comments, or short ones with a key, a value or
 * both, each plain or in quotes without escapes, after dashes or none. false
 * says nothing about the text. */
bool plain_lines_only(struct slice text);

#endif
