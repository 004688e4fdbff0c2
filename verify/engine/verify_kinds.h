/*
 * verify_kinds: the table of the kinds of sources.
 *
 * Programs make their options from it, in its order. Threads: immutable.
 */
#ifndef DERPKIT_VERIFY_KINDS_H
#define DERPKIT_VERIFY_KINDS_H

#include "verify_source.h"

#define VERIFY_KINDS_MAX 16

/* The n-th kind, or NULL after the last. */
const struct verify_source_kind *verify_kinds_get(size_t n);

/* The kind of that name, or NULL. */
const struct verify_source_kind *verify_kinds_find(const char *name);

#endif
