/* bytes: see bytes.h. */
#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct slice
slice_of(const void *p, size_t n)
{
	return (struct slice){ .p = p, .n = n };
}

struct slice
slice_str(const char *text)
{
	return slice_of(text, strlen(text));
}

bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
slice_is(struct slice s, const char *text)
{
	/* most comparisons end at the first byte */
	if (s.n == 0 || s.p[0] != (uint8_t)text[0])
		return s.n == 0 && text[0] == '\0';
	return slice_eq(s, slice_str(text));
}

bool
slice_has_only(struct slice s, const char *characters)
{
	const size_t count = strlen(characters);

	for (size_t i = 0; i < s.n; i++)
		if (memchr(characters, s.p[i], count) == NULL)
			return false;
	return true;
}

bool
slice_is_nocase(struct slice s, const char *text)
{
	return s.n == strlen(text) &&
	    (s.n == 0 || strncasecmp((const char *)s.p, text, s.n) == 0);
}

bool
slice_starts(struct slice s, const char *text)
{
	size_t n;

	/* as above */
	if (s.n == 0 || s.p[0] != (uint8_t)text[0])
		return text[0] == '\0';
	n = strlen(text);
	return s.n >= n && memcmp(s.p, text, n) == 0;
}

bool
slice_ends_nocase(struct slice s, const char *text)
{
	const size_t n = strlen(text);

	/* as above, with the last byte; case is one bit of a letter */
	if (n == 0)
		return true;
	return s.n >= n &&
	    (s.p[s.n - 1] | 0x20) == ((uint8_t)text[n - 1] | 0x20) &&
	    strncasecmp((const char *)s.p + s.n - n, text, n) == 0;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice
slice_trim(struct slice s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
slice_cut(struct slice s, char at, struct slice *head, struct slice *tail)
{
	const uint8_t *found = s.n > 0 ? memchr(s.p, at, s.n) : NULL;
	size_t before;

	if (found == NULL) {
		*head = s;
		*tail = slice_of(NULL, 0);
		return false;
	}
	before = (size_t)(found - s.p);
	*head = slice_of(s.p, before);
	*tail = slice_of(found + 1, s.n - before - 1);
	return true;
}

struct slice
reader_take(struct reader *r, size_t n)
{
	struct slice got;

	if (r->failed || n > r->rest.n) {
		r->failed = true;
		return slice_of(NULL, 0);
	}
	got = slice_of(r->rest.p, n);
	if (n > 0)
		r->rest.p += n;
	r->rest.n -= n;
	return got;
}

void
reader_copy(struct reader *r, void *out, size_t n)
{
	struct slice s = reader_take(r, n);

	if (r->failed)
		memset(out, 0, n);
	else if (n > 0)
		memcpy(out, s.p, n);
}

static uint32_t
reader_be(struct reader *r, size_t n)
{
	struct slice s = reader_take(r, n);
	uint32_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	return v;
}

uint8_t
reader_u8(struct reader *r)
{
	return (uint8_t)reader_be(r, 1);
}

uint16_t
reader_u16(struct reader *r)
{
	return (uint16_t)reader_be(r, 2);
}

uint32_t
reader_u32(struct reader *r)
{
	return reader_be(r, 4);
}

struct writer
writer_of(void *p, size_t cap)
{
	return (struct writer){ .p = p, .cap = cap };
}

void
writer_bytes(struct writer *w, const void *p, size_t n)
{
	if (w->failed || n > w->cap - w->n) {
		w->failed = true;
		return;
	}
	if (n > 0)
		memcpy(w->p + w->n, p, n);
	w->n += n;
}

void
writer_u8(struct writer *w, uint8_t v)
{
	writer_bytes(w, &v, 1);
}

void
writer_u16(struct writer *w, uint16_t v)
{
	uint8_t b[2];

	bytes_put_u16(b, v);
	writer_bytes(w, b, sizeof b);
}

void
writer_u32(struct writer *w, uint32_t v)
{
	uint8_t b[4];

	bytes_put_u32(b, v);
	writer_bytes(w, b, sizeof b);
}

void
writer_printf(struct writer *w, const char *fmt, ...)
{
	va_list args;
	size_t room = w->cap - w->n;
	int n;

	if (w->failed)
		return;
	va_start(args, fmt);
	n = vsnprintf((char *)w->p + w->n, room, fmt, args);
	va_end(args);
	/* vsnprintf needs one byte more than the text, for its NUL */
	if (n < 0 || (size_t)n >= room)
		w->failed = true;
	else
		w->n += (size_t)n;
}

struct slice
writer_slice(const struct writer *w)
{
	return slice_of(w->p, w->n);
}

uint32_t
bytes_get_u32(const uint8_t p[static 4])
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

void
bytes_put_u16(uint8_t p[static 2], uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void
bytes_put_u32(uint8_t p[static 4], uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}
