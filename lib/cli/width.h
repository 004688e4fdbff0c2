/*
 * width: how many columns of a terminal a text takes.
 *
 * Threads: pure functions. Source: Unicode, UAX 11 (East Asian Width).
 */
#ifndef DERPKIT_WIDTH_H
#define DERPKIT_WIDTH_H

#include "bytes.h"

/* Of a text without control characters; a byte that is not UTF-8 counts as one
 * column. */
unsigned width_of(struct slice text);

#endif
