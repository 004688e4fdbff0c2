/* doc: see doc.h. */
#include "doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ERROR_TEXT_MAX 300

/* An open collection. What is in it so far is in the builder's list, after
 * what is in the collections around it. */
struct doc_level {
	struct doc_node *node;
	struct doc_level *below;
	size_t first; /* of its items in the list */
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

size_t
doc_items_until(const struct doc_node *n, size_t offset)
{
	size_t low = 0, high = n->kind == DOC_MAPPING ? 2 * n->count : n->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (n->items[middle]->start.offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The mapping below root that has the key, which is items[*at] of it. */
static const struct doc_node *
find_key(const struct doc_node *root, const struct doc_node *key, size_t *at)
{
	const struct doc_node *n = root;

	if (key == NULL)
		return NULL;
	/* a scalar or an alias has no items */
	while (n != NULL && n->count > 0) {
		size_t i = doc_items_until(n, key->start.offset);

		if (i == 0)
			return NULL;
		/* an empty value may be where the next key begins */
		while (i > 1 && n->items[i - 1] != key &&
		    n->items[i - 2]->start.offset == key->start.offset)
			i--;
		*at = i - 1;
		if (n->items[i - 1] == key)
			return n->kind == DOC_MAPPING && i % 2 == 1 ? n : NULL;
		n = n->items[i - 1];
	}
	return NULL;
}

const struct doc_node *
doc_value_of(const struct doc_node *root, const struct doc_node *key)
{
	size_t at = 0;
	const struct doc_node *mapping = find_key(root, key, &at);

	return mapping != NULL ? mapping->items[at + 1] : NULL;
}

const struct doc_node *
doc_mapping_of(const struct doc_node *root, const struct doc_node *key)
{
	size_t at;

	return find_key(root, key, &at);
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

/* Room for one more item in the list. */
static int
list_grow(struct doc_builder *b)
{
	size_t cap = b->list_cap == 0 ? 64 : 2 * b->list_cap;
	struct doc_node **list;

	if (b->list_count < b->list_cap)
		return 0;
	list = arena_alloc(b->arena, cap, sizeof(struct doc_node *));
	if (list == NULL)
		return -1;
	if (b->list_count > 0)
		memcpy((void *)list, (const void *)b->list,
		    b->list_count * sizeof(struct doc_node *));
	b->list = list;
	b->list_cap = cap;
	return 0;
}

static const struct doc_props no_props;

struct doc_node *
doc_builder_add(struct doc_builder *b, enum doc_kind kind, struct doc_pos start)
{
	struct doc_level *l = b->top;
	struct doc_node *node;

	if (b->doc->error != DOC_OK)
		return NULL;
	node = arena_alloc(b->arena, 1, sizeof *node);
	if (node == NULL || (l != NULL && list_grow(b) == -1)) {
		no_memory(b, start);
		return NULL;
	}
	node->kind = kind;
	node->start = start;
	node->end = start;
	node->props = &no_props;
	if (l == NULL) {
		b->doc->root = node;
		return node;
	}
	b->list[b->list_count++] = node;
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
	*l = (struct doc_level){
		.node = collection, .below = b->top, .first = b->list_count
	};
	b->top = l;
	b->depth++;
	return 0;
}

/* Moves the items of a collection from the list to the node. */
static int
take_items(struct doc_builder *b, const struct doc_level *l)
{
	size_t n = b->list_count - l->first;

	if (n == 0)
		return 0;
	l->node->items = arena_alloc(b->arena, n, sizeof(struct doc_node *));
	if (l->node->items == NULL)
		return -1;
	memcpy((void *)l->node->items, (const void *)(b->list + l->first),
	    n * sizeof(struct doc_node *));
	l->node->count = (uint32_t)(l->node->kind == DOC_MAPPING ? n / 2 : n);
	b->list_count = l->first;
	return 0;
}

int
doc_builder_close(struct doc_builder *b, struct doc_pos end)
{
	struct doc_level *l = b->top;

	if (b->doc->error != DOC_OK)
		return -1;
	if (take_items(b, l) == -1)
		return no_memory(b, end);
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

bool
doc_builder_has_items(const struct doc_builder *b)
{
	return b->top != NULL && b->list_count > b->top->first;
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
