/* fuzz_doc: what holds for every document, from any reader. */
#ifndef DERPKIT_FUZZ_DOC_H
#define DERPKIT_FUZZ_DOC_H

#include "doc.h"
#include "fuzz.h"
#include "utf8.h"

#define FUZZ_DOC_DEPTH 500 /* deeper ones are walked in part */

static inline void
fuzz_doc_node(const struct doc_node *node, unsigned depth)
{
	size_t items =
	    node->kind == DOC_MAPPING ? 2 * node->count : node->count;

	FUZZ_CHECK(node->start.line >= 1 && node->start.column >= 1);
	FUZZ_CHECK(node->start.line < node->end.line ||
	    (node->start.line == node->end.line &&
		node->start.column <= node->end.column));
	FUZZ_CHECK(node->kind == DOC_SCALAR || node->kind == DOC_ALIAS ||
	    node->style == DOC_FLOW || node->style == DOC_BLOCK);
	FUZZ_CHECK(utf8_valid(node->text));
	FUZZ_CHECK(node->kind != DOC_ALIAS ||
	    (node->target != NULL && node->target->kind != DOC_ALIAS));
	if (depth == FUZZ_DOC_DEPTH)
		return;
	for (size_t i = 0; i < items; i++)
		fuzz_doc_node(node->items[i], depth + 1);
}

static inline void
fuzz_doc_walk(const struct doc_node *root)
{
	FUZZ_CHECK(root != NULL);
	fuzz_doc_node(root, 0);
}

static inline void
fuzz_doc_error(const struct doc *d, const struct fail *why)
{
	FUZZ_CHECK(d->error != DOC_OK && d->root == NULL);
	FUZZ_CHECK(d->error_text[0] != '\0' && why->text[0] != '\0');
	FUZZ_CHECK(d->error_at.line >= 1 || d->error == DOC_LIMIT ||
	    d->error == DOC_MEMORY);
}

#endif
