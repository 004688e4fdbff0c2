/*
 * headscale_doc: whether viper takes the document of a config.yaml.
 *
 * The document is decoded there without a type, by a copy of yaml.v3 that
 * rejects the same keys, aliases, tags and merges as the loader of maps does.
 *
 * Threads: pure function over the caller's arena.
 */
#ifndef DERPKIT_HEADSCALE_DOC_H
#define DERPKIT_HEADSCALE_DOC_H

#include "doc.h"

/* NULL: it takes it, and no alias in it leads back to itself. Otherwise the
 * reason, in the arena or static, with its place in *at. */
const char *headscale_doc_check(
    const struct doc *d, struct arena *a, struct doc_pos *at);

#endif
