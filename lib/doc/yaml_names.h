/*
 * yaml_names: what names mean: anchors, and the handles of tags.
 *
 * Inside doc_yaml only. Life: as long as the builder; nothing to free.
 * Threads: used by one.
 */
#ifndef DERPKIT_YAML_NAMES_H
#define DERPKIT_YAML_NAMES_H

#include "yaml_token.h"

#define YAML_TAG_LINES_MAX 64 /* more %TAG lines than anyone has */

struct yaml_tag_line {
	struct slice handle, prefix; /* in the arena */
};

struct yaml_names {
	struct doc_builder *builder; /* borrowed: arena and errors */
	struct anchor **anchors;     /* NULL until one is needed */
	struct yaml_tag_line tag_lines[YAML_TAG_LINES_MAX];
	size_t tag_line_count;
};

void yaml_names_init(struct yaml_names *n, struct doc_builder *b);

/* From here on the node's anchor means this node; a name may move on. */
int yaml_names_anchor(struct yaml_names *n, const struct doc_node *node);

/* The node with this anchor, or NULL. */
const struct doc_node *yaml_names_find(struct yaml_names *n, struct slice name);

/* Takes a %TAG line; a second one for the same handle is an error. */
int yaml_names_tag_line(struct yaml_names *n, const struct yaml_token *t);

/* The tag of a token, shortened: tag:yaml.org,2002:int becomes !!int. NULL on
 * an error. In the arena. */
const char *yaml_names_tag(struct yaml_names *n, const struct yaml_token *t);

#endif
