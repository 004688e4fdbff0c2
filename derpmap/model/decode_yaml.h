/*
 * decode_yaml: the map as headscale's loader for derp.paths reads it.
 *
 * Inside decode. Threads: used by one.
 */
#ifndef DERPKIT_DECODE_YAML_H
#define DERPKIT_DECODE_YAML_H

#include "decoder.h"

/* Decodes the document into d->map. Short memory is in d->no_memory. */
void decode_yaml(struct decoder *d, const struct doc_node *root);

#endif
