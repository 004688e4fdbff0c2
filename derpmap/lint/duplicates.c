/* duplicates: see duplicates.h. */
#include "duplicates.h"

#include <stdlib.h>
#include <string.h>

/* A hash of what is compared (FNV-1a). */
static uint32_t
hash_of(struct slice text, int64_t number)
{
	uint64_t h = 14695981039346656037U ^ (uint64_t)number;

	for (size_t i = 0; i < text.n; i++)
		h = (h ^ text.p[i]) * 1099511628211U;
	return (uint32_t)(h ^ h >> 32);
}

void
duplicates_add(struct rule_run *run, struct duplicates *t, struct slice text,
    int64_t number, const void *of)
{
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 64 : 2 * t->cap;
		struct duplicate *v = reallocarray(t->v, cap, sizeof *v);

		if (v == NULL) {
			run->out->failed = true;
			return;
		}
		t->v = v;
		t->cap = cap;
	}
	t->v[t->n] = (struct duplicate){ text, number, of, (uint32_t)t->n,
		hash_of(text, number) };
	t->n++;
}

static int
order_of(const struct duplicate *a, const struct duplicate *b)
{
	size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;
	int order = n > 0 ? memcmp(a->text.p, b->text.p, n) : 0;

	if (order == 0)
		order = (a->text.n > b->text.n) - (a->text.n < b->text.n);
	if (order == 0)
		order = (a->number > b->number) - (a->number < b->number);
	return order;
}

static int
by_key_then_index(const void *a, const void *b)
{
	const struct duplicate *x = a, *y = b;
	int order = order_of(x, y);

	return order != 0 ? order
			  : (x->index > y->index) - (x->index < y->index);
}

/* Drops those whose hash nothing else has, as far as that is seen in a table:
 * almost all of a good map, and sorting is what costs. */
static void
drop_single(struct rule_run *run, struct duplicates *t)
{
	size_t size = 64, kept = 0;
	uint8_t *counts; /* how many have the hash, up to 2 */

	while (size < 8 * t->n)
		size *= 2;
	counts = calloc(size, 1);
	if (counts == NULL) {
		run->out->failed = true;
		return;
	}
	for (size_t i = 0; i < t->n; i++) {
		uint8_t *count = &counts[t->v[i].hash & (size - 1)];

		*count = *count > 0 ? 2 : 1;
	}
	for (size_t i = 0; i < t->n; i++)
		if (counts[t->v[i].hash & (size - 1)] > 1)
			t->v[kept++] = t->v[i];
	t->n = kept;
	free(counts);
}

void
duplicates_visit(
    struct rule_run *run, struct duplicates *t, duplicates_fn *visit)
{
	size_t first = 0;

	drop_single(run, t);
	if (t->n > 1)
		qsort(t->v, t->n, sizeof *t->v, by_key_then_index);
	for (size_t i = 1; i < t->n; i++) {
		if (order_of(&t->v[first], &t->v[i]) != 0)
			first = i;
		else if (t->v[first].of != t->v[i].of)
			visit(run, t->v[first].of, t->v[i].of);
	}
	free(t->v);
	*t = (struct duplicates){ .n = 0 };
}
