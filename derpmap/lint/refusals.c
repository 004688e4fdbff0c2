/* refusals: see refusals.h. */
#include "refusals.h"

#include <stdlib.h>

static int
by_offset(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

int
refusals_init(struct refusals *r, const struct derpmap *m)
{
	const struct derpmap_diagnostic *d;
	size_t count = 0;

	*r = (struct refusals){ .count = 0 };
	for (d = m->diagnostics; d != NULL; d = d->next)
		count += d->refuses;
	if (count == 0)
		return 0;
	r->offsets = reallocarray(NULL, count, sizeof *r->offsets);
	if (r->offsets == NULL)
		return -1;
	for (d = m->diagnostics; d != NULL; d = d->next)
		if (d->refuses)
			r->offsets[r->count++] = d->at.offset;
	qsort(r->offsets, count, sizeof *r->offsets, by_offset);
	return 0;
}

void
refusals_clear(struct refusals *r)
{
	free(r->offsets);
	*r = (struct refusals){ .count = 0 };
}

bool
refusals_have(const struct refusals *r, size_t offset)
{
	return r->count > 0 &&
	    bsearch(&offset, r->offsets, r->count, sizeof offset, by_offset) !=
	    NULL;
}

bool
refusals_spare(const struct refusals *r, const struct derpmap_origin *from)
{
	const struct doc_node *n;

	if (r->count == 0 || from->value == NULL)
		return true;
	n = doc_resolve(from->value);
	for (size_t i = 0; n->kind == DOC_MAPPING && i < n->count; i++)
		if (refusals_have(r, n->items[2 * i]->start.offset))
			return false;
	return true;
}
