/* entries: see entries.h. Open addressing, at most half full. */
#include "entries.h"

#include <stdlib.h>

void
entries_init(struct entries *e)
{
	*e = (struct entries){ 0 };
}

void
entries_clear(struct entries *e)
{
	free(e->v);
	free(e->slots);
	entries_init(e);
}

/* The slot of the key, or the empty one where it would go. */
static size_t *
slot_of(const struct entries *e, int64_t key)
{
	uint64_t h = (uint64_t)key * 0x9e3779b97f4a7c15U;
	size_t mask = e->slot_count - 1, i = (size_t)(h >> 32) & mask;

	while (e->slots[i] != 0 && e->v[e->slots[i] - 1].key != key)
		i = (i + 1) & mask;
	return &e->slots[i];
}

struct entry *
entries_find(const struct entries *e, int64_t key)
{
	size_t slot;

	if (e->slot_count == 0)
		return NULL;
	slot = *slot_of(e, key);
	return slot != 0 ? &e->v[slot - 1] : NULL;
}

static int
grow(struct entries *e)
{
	size_t cap = e->cap == 0 ? 8 : 2 * e->cap;
	struct entry *v = reallocarray(e->v, cap, sizeof *v);
	size_t *slots;

	if (v == NULL)
		return -1;
	e->v = v;
	slots = calloc(2 * cap, sizeof *slots);
	if (slots == NULL)
		return -1;
	free(e->slots);
	e->slots = slots;
	e->slot_count = 2 * cap;
	e->cap = cap;
	for (size_t i = 0; i < e->n; i++)
		*slot_of(e, v[i].key) = i + 1;
	return 0;
}

int
entries_put(struct entries *e, int64_t key, void *value)
{
	struct entry *found = entries_find(e, key);

	if (found != NULL) {
		found->value = value;
		return 0;
	}
	if (e->n == e->cap && grow(e) == -1)
		return -1;
	e->v[e->n] = (struct entry){ key, value };
	*slot_of(e, key) = ++e->n;
	return 0;
}

static int
by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

void
entries_sort(struct entries *e)
{
	if (e->n > 0)
		qsort(e->v, e->n, sizeof *e->v, by_key);
	free(e->slots);
	e->slots = NULL;
	e->slot_count = 0;
}
