/*
 * decode_yaml: the state of decoding headscale's YAML. Inside decode; split
 * over decode_yaml.c (structs, mappings, merging), decode_yaml_node.c (entering
 * a node) and decode_yaml_value.c (single values).
 */
#ifndef DERPKIT_DECODE_YAML_H
#define DERPKIT_DECODE_YAML_H

#include "decode_map.h"
#include "yaml_scalar.h"

/* Keys that are set already while something is merged in. */
struct merged {
	uint32_t fields;     /* bits: index of the field */
	struct entries keys; /* of a mapping with integer keys */
};

struct alias {
	const struct doc_node *node;
	struct alias *outer;
};

struct yaml_decoder {
	struct decoder *d;
	uint64_t decodes, alias_decodes; /* as yaml.v3 counts them */
	struct alias *aliases;           /* being decoded through */
	struct merged *merged;           /* NULL: nothing is merged in */
	unsigned merge_depth;
};

/* --- decode_yaml_node.c --- */

/* The library gives up here: a remark, and nothing is decoded any more. */
void yaml_stop(struct yaml_decoder *y, enum derpmap_diagnostic_kind kind,
    enum derpmap_level level, const struct doc_node *node, const char *text);

/* Begins to decode a node and gives what it stands for; NULL when decoding has
 * to stop. Every enter has its leave, also after NULL. */
const struct doc_node *yaml_enter(
    struct yaml_decoder *y, const struct doc_node *node, struct alias *alias);
void yaml_leave(struct yaml_decoder *y, struct alias *alias);

/* Resolves a scalar; -1 when that stops everything. */
int yaml_resolve(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *n, struct yaml_value *v);

/* Whether a key is there twice, which is remarked: the same text, whatever its
 * style, or two collections. The values are not looked at then. */
bool yaml_has_duplicates(
    struct yaml_decoder *y, enum derpmap_level level, const struct doc_node *n);

/* --- decode_yaml_value.c --- */

/* Decodes a field of a simple type into its place. */
void yaml_value_field(struct yaml_decoder *y, enum derpmap_level level,
    const struct derpmap_field *field, struct derpmap_origin from, void *base);

/* A key of a struct as text. false: it is none, which is remarked unless it is
 * null. */
bool yaml_value_name(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *key, struct slice *name);

/* A key of Regions or RegionScore. false as above. */
bool yaml_value_key(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *key, struct derpmap_int *id);

/* A region's score; false when it is null. */
bool yaml_value_score(struct yaml_decoder *y, const struct doc_node *value,
    struct derpmap_float *score);

/* A collection where a single value must be, or the reverse: a remark. */
void yaml_value_bad_shape(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *node, const char *what, const char *wanted);

#endif
