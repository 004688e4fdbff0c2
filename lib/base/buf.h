/*
 * buf: a byte buffer that grows up to a hard maximum.
 *
 * Life: buf_init -> append, consume -> buf_clear. Memory is taken on the first
 * append and given back by buf_clear. Threads: used by one at a time.
 */
#ifndef DERPKIT_BUF_H
#define DERPKIT_BUF_H

#include "bytes.h"

struct buf {
	uint8_t *p;   /* owned; NULL when empty and never used */
	size_t start; /* first byte not consumed */
	size_t end;   /* one past the last byte */
	size_t cap;
	size_t max; /* never holds more bytes than this */
};

/* An empty buffer that will hold at most max bytes. */
void buf_init(struct buf *b, size_t max);

/* Frees the memory; the buffer is empty and usable again. */
void buf_clear(struct buf *b);

/* Number of bytes held. */
size_t buf_len(const struct buf *b);

/* What it holds, borrowed until the next call that changes it. */
struct slice buf_slice(const struct buf *b);

/* Appends n bytes. -1 when that would pass the maximum or memory is short;
 * nothing was appended then. p may not point into the buffer. */
int buf_append(struct buf *b, const void *p, size_t n);

/* Appends formatted text without a NUL; same errors. */
__attribute__((format(printf, 2, 3))) int buf_printf(
    struct buf *b, const char *fmt, ...);

/* Makes room for n more bytes and returns where to put them, or NULL. Follow
 * with buf_added(how many were put there). */
uint8_t *buf_room(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);

/* Drops the first n bytes; n is at most buf_len. */
void buf_consume(struct buf *b, size_t n);

#endif
