/* doc: see doc.h. */
#include "doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ERROR_TEXT_MAX 300

/* An open collection. */
struct doc_level {
	struct doc_node *node;
	struct doc_level *below;
	size_t used; /* of node->items */
	size_t cap;
};

const struct doc_node *
doc_get(const struct doc_node *node, const char *key)
{
	if (node == NULL || node->kind != DOC_MAPPING)
		return NULL;
	for (size_t i = 0; i < node->count; i++)
		if (node->items[2 * i]->kind == DOC_SCALAR &&
		    slice_is(node->items[2 * i]->text, key))
			return node->items[2 * i + 1];
	return NULL;
}

const struct doc_node *
doc_resolve(const struct doc_node *node)
{
	/* an alias never refers to an alias: anchors are on other nodes */
	return node != NULL && node->kind == DOC_ALIAS ? node->target : node;
}

const struct doc_note *
doc_note_find(const struct doc *d, enum doc_note_kind kind)
{
	for (const struct doc_note *n = d->notes; n != NULL; n = n->next)
		if (n->kind == kind)
			return n;
	return NULL;
}

void
doc_builder_init(
    struct doc_builder *b, struct arena *a, struct doc *d, size_t depth_max)
{
	*d = (struct doc){ .error_text = "" };
	*b = (struct doc_builder){
		.arena = a,
		.doc = d,
		.notes_end = &d->notes,
		.depth_max = depth_max,
	};
}

static int
no_memory(struct doc_builder *b, struct doc_pos at)
{
	return doc_builder_fail(
	    b, DOC_MEMORY, at, "not enough memory to read the document");
}

/* Room for one more item in the innermost collection. */
static int
level_grow(struct doc_builder *b, struct doc_level *l)
{
	size_t cap = l->cap == 0 ? 4 : 2 * l->cap;
	struct doc_node **items;

	if (l->used < l->cap)
		return 0;
	items = arena_alloc(b->arena, cap, sizeof *items);
	if (items == NULL)
		return -1;
	if (l->used > 0)
		memcpy(items, l->node->items, l->used * sizeof *items);
	l->node->items = items;
	l->cap = cap;
	return 0;
}

struct doc_node *
doc_builder_add(struct doc_builder *b, enum doc_kind kind, struct doc_pos start)
{
	struct doc_level *l = b->top;
	struct doc_node *node;

	if (b->doc->error != DOC_OK)
		return NULL;
	node = arena_alloc(b->arena, 1, sizeof *node);
	if (node == NULL || (l != NULL && level_grow(b, l) == -1)) {
		no_memory(b, start);
		return NULL;
	}
	node->kind = kind;
	node->start = start;
	node->end = start;
	if (l == NULL) {
		b->doc->root = node;
		return node;
	}
	l->node->items[l->used++] = node;
	l->node->count = l->node->kind == DOC_MAPPING ? l->used / 2 : l->used;
	return node;
}

int
doc_builder_open(struct doc_builder *b, struct doc_node *collection)
{
	struct doc_level *l = b->spare;

	if (b->depth == b->depth_max)
		return doc_builder_fail(b, DOC_LIMIT, collection->start,
		    "more than %zu nested collections", b->depth_max);
	if (l == NULL)
		l = arena_alloc(b->arena, 1, sizeof *l);
	else
		b->spare = l->below;
	if (l == NULL)
		return no_memory(b, collection->start);
	*l = (struct doc_level){ .node = collection, .below = b->top };
	b->top = l;
	b->depth++;
	return 0;
}

int
doc_builder_close(struct doc_builder *b, struct doc_pos end)
{
	struct doc_level *l = b->top;

	if (b->doc->error != DOC_OK)
		return -1;
	l->node->end = end;
	b->top = l->below;
	l->below = b->spare;
	b->spare = l;
	b->depth--;
	return 0;
}

struct doc_node *
doc_builder_top(const struct doc_builder *b)
{
	return b->top != NULL ? b->top->node : NULL;
}

int
doc_builder_note(
    struct doc_builder *b, enum doc_note_kind kind, struct doc_pos at)
{
	struct doc_note *note = arena_alloc(b->arena, 1, sizeof *note);

	if (note == NULL)
		return no_memory(b, at);
	note->kind = kind;
	note->at = at;
	*b->notes_end = note;
	b->notes_end = &note->next;
	return 0;
}

int
doc_builder_fail(struct doc_builder *b, enum doc_error error, struct doc_pos at,
    const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX];
	struct doc *d = b->doc;
	const char *copy;
	va_list args;

	if (d->error != DOC_OK)
		return -1;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	copy = arena_text(b->arena, text, strlen(text));
	if (copy == NULL) {
		error = DOC_MEMORY;
		copy = "not enough memory to read the document";
	}
	d->error = error;
	d->error_at = at;
	d->error_text = copy;
	d->root = NULL;
	return -1;
}
