/* arena: see arena.h. Blocks in a list; big requests get a block of their own.
 */
#include "arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK 16384 /* bytes of an ordinary block */

struct block {
	struct block *next;
	size_t used;
	size_t cap;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *blocks; /* the first one is being filled */
	size_t total;         /* bytes of all blocks */
	size_t max;
};

struct arena *
arena_new(size_t max)
{
	struct arena *a = calloc(1, sizeof *a);

	if (a != NULL)
		a->max = max;
	return a;
}

void
arena_free(struct arena *a)
{
	struct block *b, *next;

	if (a == NULL)
		return;
	for (b = a->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

static struct block *
add_block(struct arena *a, size_t need)
{
	size_t cap = need > ARENA_BLOCK ? need : ARENA_BLOCK;
	struct block *b;

	if (cap > a->max - a->total)
		cap = need;
	if (cap > a->max - a->total || cap > SIZE_MAX - sizeof *b)
		return NULL;
	b = calloc(1, sizeof *b + cap);
	if (b == NULL)
		return NULL;
	b->cap = cap;
	b->next = a->blocks;
	a->blocks = b;
	a->total += cap;
	return b;
}

void *
arena_alloc(struct arena *a, size_t count, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct block *b = a->blocks;
	size_t need;
	void *p;

	if (__builtin_mul_overflow(count, size, &need) ||
	    need > SIZE_MAX - align)
		return NULL;
	need = (need + align - 1) / align * align;
	if (b == NULL || need > b->cap - b->used)
		b = add_block(a, need);
	if (b == NULL)
		return NULL;
	p = b->bytes + b->used;
	b->used += need;
	return p;
}

char *
arena_text(struct arena *a, const char *text, size_t n)
{
	char *copy = n < SIZE_MAX ? arena_alloc(a, n + 1, 1) : NULL;

	if (copy != NULL && n > 0)
		memcpy(copy, text, n);
	return copy;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args, again;
	char *text = NULL;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n >= 0)
		text = arena_alloc(a, (size_t)n + 1, 1);
	if (text != NULL)
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	return text;
}
