/*
 * decode_yaml_value: single values into fields, with the conversions that
 * yaml.v3 makes without a warning: 443.9 to 443, 0443 to 291, yes to true.
 *
 * Inside decode_yaml. Threads: used by one.
 */
#ifndef DERPKIT_DECODE_YAML_VALUE_H
#define DERPKIT_DECODE_YAML_VALUE_H

#include "decode_yaml_node.h"

/* Decodes a field of a simple type into its place. */
void decode_yaml_value_field(struct yaml_decoder *y, enum derpmap_level level,
    const struct derpmap_field *field, struct derpmap_origin from, void *base);

/* A key of a struct as text. false: it is not, which is reported unless it is
 * null. */
bool decode_yaml_value_name(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *key, struct slice *name);

/* A key of Regions or RegionScore. false as above. */
bool decode_yaml_value_key(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *key, struct derpmap_int *id);

/* A region's score; false when it is null. */
bool decode_yaml_value_score(struct yaml_decoder *y,
    const struct doc_node *value, struct derpmap_float *score);

/* A collection where a single value must be, or the reverse: a diagnostic. */
void decode_yaml_value_bad_shape(struct yaml_decoder *y,
    enum derpmap_level level, const struct doc_node *node, const char *what,
    const char *wanted);

#endif
