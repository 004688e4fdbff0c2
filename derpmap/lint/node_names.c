/* node_names: see node_names.h. */
#include "node_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
by_text(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int order = n > 0 ? memcmp(x->p, y->p, n) : 0;

	return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

void
node_names_init(struct node_names *names, const struct derpmap *m)
{
	*names = (struct node_names){ .map = m };
	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++)
			names->count += !m->regions[i]->nodes[j]->is_nil;
}

void
node_names_clear(struct node_names *names)
{
	free(names->taken);
	names->taken = NULL;
}

/* Collects the names of the map, once. */
static void
collect(struct node_names *names)
{
	const struct derpmap *m = names->map;
	size_t n = 0;

	if (names->taken != NULL || names->count == 0)
		return;
	names->taken = reallocarray(NULL, names->count, sizeof *names->taken);
	if (names->taken == NULL) {
		names->failed = true;
		return;
	}
	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++)
			if (!m->regions[i]->nodes[j]->is_nil)
				names->taken[n++] =
				    m->regions[i]->nodes[j]->name.v;
	qsort(names->taken, n, sizeof *names->taken, by_text);
}

static bool
is_taken(const struct node_names *names, const char *text)
{
	const struct slice name = slice_str(text);

	return names->taken != NULL &&
	    bsearch(&name, names->taken, names->count, sizeof name, by_text) !=
	    NULL;
}

/* a to z, aa to zz and so on. */
static void
put_letters(char out[static 16], uint64_t number)
{
	char reversed[16];
	size_t n = 0;

	for (number++; number > 0 && n < sizeof reversed - 1;
	     number = (number - 1) / 26)
		reversed[n++] = (char)('a' + (number - 1) % 26);
	for (size_t i = 0; i < n; i++)
		out[i] = reversed[n - 1 - i];
	out[n] = '\0';
}

void
node_names_propose(
    struct node_names *names, int64_t region, char out[static NODE_NAME_MAX])
{
	char letters[16];

	collect(names);
	if (names->region != region)
		names->next = 0;
	names->region = region;
	do {
		put_letters(letters, names->next++);
		snprintf(
		    out, NODE_NAME_MAX, "%lld%s", (long long)region, letters);
	} while (is_taken(names, out));
}
