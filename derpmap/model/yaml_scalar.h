/*
 * yaml_scalar: what a YAML scalar means to yaml.v3 3.0.1.
 *
 * Its rules are those of YAML 1.1 with parts of 1.2: ints in base 2, 8, 10 and
 * 16 with underscores, floats, dates; yes and no are strings here and become
 * booleans only where one is wanted. A tag may force a type or contradict it.
 *
 * Threads: pure functions (the arena takes decoded base64).
 */
#ifndef DERPKIT_YAML_SCALAR_H
#define DERPKIT_YAML_SCALAR_H

#include "doc.h"

enum yaml_type {
	YAML_NULL,
	YAML_BOOL,
	YAML_INT,  /* fits int64 */
	YAML_UINT, /* above it, fits uint64 */
	YAML_FLOAT,
	YAML_DATE,
	YAML_TEXT, /* also the text under an unknown tag */
};

struct yaml_value {
	enum yaml_type type;
	bool b;
	int64_t i;
	uint64_t u;
	double f;
	struct slice text; /* YAML_TEXT: what a string field gets */
	const char *tag;   /* as errors show it: "!!int" */
	bool is_binary;    /* text was base64 */
};

/*
 * Resolves a scalar node with its tag. -1 when value and tag contradict each
 * other, which stops the whole document there; *why then says how.
 */
int yaml_scalar_resolve(struct yaml_value *v, const struct doc_node *scalar,
    struct arena *a, struct fail *why);

/* The type of the text when it is plain and without a tag. */
void yaml_scalar_guess(struct yaml_value *v, struct slice text);

/* yes, no, on, off, y, n in the cases yaml.v3 knows; -1 when it is none. */
int yaml_scalar_bool_word(struct slice text, bool *out);

/* Whether the scalar is a merge key: << without quotes, or tagged !!merge. */
bool yaml_scalar_is_merge(const struct doc_node *node);

/* Whether yaml.v3 reads the node as null: by its text, or by its tag alone.
 * An alias is what it refers to. */
bool yaml_scalar_is_null(const struct doc_node *node);

#endif
