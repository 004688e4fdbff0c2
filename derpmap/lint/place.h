/*
 * place: what is at a place of a document: the node, its path from the root,
 * and the text around it.
 *
 * Nothing is indexed: the nodes of a document are in the order of the text, so
 * that a place is found by going down from the root, in log n at each level. A
 * finder goes on from the place before: places asked for in the order of the
 * text cost the levels between them, however deep the document is. Aliases are
 * not followed; what they refer to has the path of its anchor.
 *
 * Threads: a finder is used by one at a time.
 */
#ifndef DERPKIT_PLACE_H
#define DERPKIT_PLACE_H

#include "doc.h"

/* Room for a path and NUL; a longer one is not given. */
#define PLACE_PATH 320

struct place {
	const struct doc_node *node; /* at the place, or NULL */
	struct doc_pos end;          /* one past it; line 0 without node */
	char path[PLACE_PATH];       /* "" for the root and when too long */
};

/* A collection on the way down, and what of it leads on. */
struct place_level {
	const struct doc_node *node;
	size_t index;        /* of its items */
	size_t start, limit; /* offsets from start to before limit lead here */
	size_t path_n;       /* of the path to the item; SIZE_MAX: too long */
};

struct place_finder {
	struct arena *arena; /* borrowed; for levels */
	const struct doc_node *root;
	struct place_level *levels; /* the outer first */
	size_t n, cap;
	char path[PLACE_PATH];
};

/* The root may be NULL. */
void place_finder_init(struct place_finder *finder, struct arena *arena,
    const struct doc_node *root);

/*
 * Looks for the place at the offset. An element of a list begins where its
 * first key does: as_element asks for the element in that case, unless the key
 * has no value, and otherwise for the key. -1: memory is short.
 */
int place_find(struct place *p, struct place_finder *finder, size_t offset,
    bool as_element);

/* Where a node ends; a block collection ends with its last value. */
struct doc_pos place_node_end(const struct doc_node *node);

/* The part of the text's line that is around the place, without line end: at
 * most PLACE_EXCERPT bytes, whole characters. *column is set to the column of
 * its first character. */
#define PLACE_EXCERPT 160
struct slice place_excerpt(
    struct slice text, struct doc_pos at, unsigned *column);

/* The same as arena text, which a NUL would end: it is U+2400 there. NULL when
 * memory is short. */
const char *place_excerpt_text(
    struct arena *a, struct slice text, struct doc_pos at, unsigned *column);

#endif
