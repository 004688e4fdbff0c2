/* duplicates: see duplicates.h. */
#include "duplicates.h"

#include <stdlib.h>
#include <string.h>

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
	t->v[t->n] = (struct duplicate){ text, number, of, t->n };
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

void
duplicates_visit(
    struct rule_run *run, struct duplicates *t, duplicates_fn *visit)
{
	size_t first = 0;

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
