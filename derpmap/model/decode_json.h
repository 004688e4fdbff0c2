/*
 * decode_json: the map as Go's encoding/json reads it.
 *
 * Inside decode. Threads: used by one.
 */
#ifndef DERPKIT_DECODE_JSON_H
#define DERPKIT_DECODE_JSON_H

#include "decoder.h"

/* Decodes the document into d->map. Short memory is in d->no_memory. */
void decode_json(struct decoder *d, const struct doc_node *root);

#endif
