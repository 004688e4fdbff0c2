/* buf: see buf.h. */
#include "buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 256 /* bytes of the first allocation */

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_clear(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

size_t
buf_len(const struct buf *b)
{
	return b->end - b->start;
}

struct slice
buf_slice(const struct buf *b)
{
	if (b->p == NULL)
		return slice_of(NULL, 0);
	return slice_of(b->p + b->start, buf_len(b));
}

/* Room for n bytes that count, and `spare` after them that do not. */
static uint8_t *
make_room(struct buf *b, size_t n, size_t spare)
{
	size_t len = buf_len(b);
	size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;
	uint8_t *p;

	if (n > b->max - len)
		return NULL;
	if (b->p != NULL && n + spare <= b->cap - b->end)
		return b->p + b->end;
	if (b->p != NULL && b->start > 0) {
		memmove(b->p, b->p + b->start, len);
		b->start = 0;
		b->end = len;
	}
	if (b->p == NULL || n + spare > b->cap - b->end) {
		while (cap < len + n + spare)
			cap *= 2;
		if (cap > b->max + spare)
			cap = b->max + spare;
		p = realloc(b->p, cap);
		if (p == NULL)
			return NULL;
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->end;
}

uint8_t *
buf_room(struct buf *b, size_t n)
{
	return make_room(b, n, 0);
}

void
buf_added(struct buf *b, size_t n)
{
	assert(n <= b->cap - b->end);
	b->end += n;
}

int
buf_append(struct buf *b, const void *p, size_t n)
{
	uint8_t *to;

	if (n == 0)
		return 0;
	to = buf_room(b, n);
	if (to == NULL)
		return -1;
	memcpy(to, p, n);
	b->end += n;
	return 0;
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args, again;
	uint8_t *to;
	int n, rc = -1;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	to = n < 0 ? NULL : make_room(b, (size_t)n, 1);
	if (to != NULL) {
		vsnprintf((char *)to, (size_t)n + 1, fmt, again);
		b->end += (size_t)n;
		rc = 0;
	}
	va_end(again);
	return rc;
}

void
buf_consume(struct buf *b, size_t n)
{
	assert(n <= buf_len(b));
	b->start += n;
	if (b->start == b->end)
		b->start = b->end = 0;
}
