/* arena: see arena.h. Blocks in a list, each as large as all before it together
 * within limits; larger requests get a block of their own. Once there is much
 * in it, blocks are whole huge pages. */
#include "arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
/* bytes of an ordinary block, with its head */
#define BLOCK_MIN ((size_t)16 << 10)
#define BLOCK_MAX (2 * HUGE_PAGE)
/* from this size on an ordinary block becomes a huge page */
#define BLOCK_HUGE (HUGE_PAGE / 4)

struct block {
	struct block *next;
	size_t used;
	size_t cap;
	size_t mapped; /* bytes of its mapping; 0: it is from the heap */
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *blocks; /* the first one is being filled */
	size_t total;         /* bytes of all blocks */
	size_t max;
};

/* Zeroed memory for a block of n bytes in all. Large ones ask for huge pages,
 * which the kernel has for whole ones only: a page fault for each 4 KiB costs
 * more than most of what the memory is for. */
static struct block *
new_block(size_t n)
{
	struct block *b;

	if (n < HUGE_PAGE) {
		b = calloc(1, n);
		if (b != NULL)
			b->cap = n - sizeof *b;
		return b;
	}
	n = (n + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	b = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	if (b == MAP_FAILED)
		return NULL;
	(void)madvise(b, n, MADV_HUGEPAGE);
	b->mapped = n;
	b->cap = n - sizeof *b;
	return b;
}

static void
free_block(struct block *b)
{
	if (b->mapped > 0)
		munmap(b, b->mapped);
	else
		free(b);
}

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
		free_block(b);
	}
	free(a);
}

/* Bytes of the next ordinary block. */
static size_t
block_size(const struct arena *a)
{
	size_t n = a->total < BLOCK_MIN ? BLOCK_MIN : a->total;

	if (n > BLOCK_MAX)
		return BLOCK_MAX;
	return n >= BLOCK_HUGE && n < HUGE_PAGE ? HUGE_PAGE : n;
}

static struct block *
add_block(struct arena *a, size_t need)
{
	const size_t left = a->max - a->total;
	size_t cap = block_size(a) - sizeof(struct block);
	struct block *b;

	if (cap < need || cap > left)
		cap = need;
	if (cap > left || cap > SIZE_MAX - HUGE_PAGE - sizeof *b)
		return NULL;
	b = new_block(sizeof *b + cap);
	if (b == NULL)
		return NULL;
	/* what was rounded up counts as far as the maximum allows */
	if (b->cap > left)
		b->cap = left;
	b->next = a->blocks;
	a->blocks = b;
	a->total += b->cap;
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
