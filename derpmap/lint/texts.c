/* texts: see texts.h. */
#include "texts.h"

#include <stdlib.h>

/* The nodes that are still to be looked at; a document may be too deep to go
 * down it by calls. */
struct stack {
	const struct doc_node **v;
	size_t n, cap;
};

static int
push(struct stack *s, const struct doc_node *node)
{
	size_t cap = s->cap == 0 ? 64 : 2 * s->cap;
	const struct doc_node **v;

	if (s->n == s->cap) {
		v = reallocarray(
		    (void *)s->v, cap, sizeof(const struct doc_node *));
		if (v == NULL)
			return -1;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n++] = node;
	return 0;
}

/* Pushes what is in a collection, the last first. */
static int
push_items(struct stack *s, const struct doc_node *node)
{
	size_t n = node->kind == DOC_MAPPING ? 2 * node->count : node->count;

	while (n > 0)
		if (push(s, node->items[--n]) == -1)
			return -1;
	return 0;
}

static int
add(struct texts *t, const struct doc_node *node)
{
	size_t cap = t->cap == 0 ? 64 : 2 * t->cap;
	struct texts_span *v;

	if (node->style == DOC_PLAIN)
		return 0;
	if (t->n == t->cap) {
		v = reallocarray(t->v, cap, sizeof *v);
		if (v == NULL)
			return -1;
		t->v = v;
		t->cap = cap;
	}
	t->v[t->n++] =
	    (struct texts_span){ node->start.offset, node->end.offset };
	return 0;
}

int
texts_find(struct texts *t, const struct doc_node *root)
{
	struct stack s = { .n = 0 };
	int result = 0;

	*t = (struct texts){ .n = 0 };
	if (root != NULL)
		result = push(&s, root);
	while (result == 0 && s.n > 0) {
		const struct doc_node *node = s.v[--s.n];

		if (node->kind == DOC_SCALAR)
			result = add(t, node);
		else if (node->kind != DOC_ALIAS)
			result = push_items(&s, node);
	}
	free((void *)s.v);
	return result;
}

void
texts_clear(struct texts *t)
{
	free(t->v);
	*t = (struct texts){ .n = 0 };
}
