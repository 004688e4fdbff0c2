/*
 * decode_yaml_node: how yaml.v3 enters a node: aliases and their limit, the
 * check for duplicate keys, scalars against their tags.
 *
 * Inside decode_yaml. Life: a zeroed yaml_decoder with d set and decodes 1 (the
 * document itself). Threads: used by one.
 */
#ifndef DERPKIT_DECODE_YAML_NODE_H
#define DERPKIT_DECODE_YAML_NODE_H

#include "decoder.h"
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
	struct fail why; /* the scalar that could not be resolved */
};

/* The library gives up here: a diagnostic, and nothing is decoded any more. */
void decode_yaml_stop(struct yaml_decoder *y, enum derpmap_diagnostic_kind kind,
    enum derpmap_level level, const struct doc_node *node, const char *text);

/* Begins to decode a node and gives what an alias refers to; NULL when decoding
 * has to stop. Every enter has its leave, also after NULL. */
const struct doc_node *decode_yaml_enter(
    struct yaml_decoder *y, const struct doc_node *node, struct alias *alias);
void decode_yaml_leave(struct yaml_decoder *y, struct alias *alias);

/* Resolves a scalar; -1 when that stops everything. */
int decode_yaml_resolve(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *n, struct yaml_value *v);

/* Whether a key is there twice, which is reported: the same text, whatever its
 * style, or two collections. The values are not looked at then. */
bool decode_yaml_has_duplicates(
    struct yaml_decoder *y, enum derpmap_level level, const struct doc_node *n);

#endif
