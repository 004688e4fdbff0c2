/*
 * bytes: borrowed bytes and how to walk them.
 *
 * A slice is a borrowed range. A reader walks foreign bytes and fails once: a
 * failed reader stays failed and yields zeros, so that a parser reads straight
 * through and tests `failed` at the end. A writer does the same for output of
 * bounded size. Raw indexing of input happens in this module only.
 *
 * Threads: plain values, no shared state.
 */
#ifndef DERPKIT_BYTES_H
#define DERPKIT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const uint8_t *p; /* borrowed */
	size_t n;         /* bytes */
};

struct reader {
	struct slice rest; /* what has not been read yet */
	bool failed;
};

struct writer {
	uint8_t *p; /* borrowed, cap bytes */
	size_t n;   /* bytes written */
	size_t cap;
	bool failed; /* something did not fit; n is then unchanged by it */
};

/* The slice of n bytes at p. */
struct slice slice_of(const void *p, size_t n);

/* The slice of a NUL-terminated text, without the NUL. */
struct slice slice_str(const char *text);

/* Whether both hold the same bytes. Not constant time. */
bool slice_eq(struct slice a, struct slice b);

/* Whether s is the text, byte for byte. */
bool slice_is(struct slice s, const char *text);

/* Whether each byte of s, which may be empty, is one of the characters. */
bool slice_has_only(struct slice s, const char *characters);

/* Whether s is the text when ASCII case is ignored. */
bool slice_is_nocase(struct slice s, const char *text);

/* Whether s begins with the text. */
bool slice_starts(struct slice s, const char *text);

/* Whether s ends with the text, which is not empty, when ASCII case is ignored.
 */
bool slice_ends_nocase(struct slice s, const char *text);

/* s without ASCII spaces, tabs, CR and LF at both ends. */
struct slice slice_trim(struct slice s);

/*
 * Splits s at the first byte `at`: what is before goes to *head, what is after
 * to *tail. Without that byte *head is all of s, *tail is empty and the answer
 * is false.
 */
bool slice_cut(struct slice s, char at, struct slice *head, struct slice *tail);

/* The first n bytes of the rest, borrowed; an empty slice on failure. */
struct slice reader_take(struct reader *r, size_t n);

/* Copies the next n bytes to out; zeros on failure. */
void reader_copy(struct reader *r, void *out, size_t n);

/* Big-endian integers; 0 on failure. */
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);

/* A writer over cap bytes at p. */
struct writer writer_of(void *p, size_t cap);

void writer_bytes(struct writer *w, const void *p, size_t n);
void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v); /* big-endian */
void writer_u32(struct writer *w, uint32_t v); /* big-endian */

/* Formatted text without a NUL. */
__attribute__((format(printf, 2, 3))) void writer_printf(
    struct writer *w, const char *fmt, ...);

/* What has been written, borrowed from the writer's memory. */
struct slice writer_slice(const struct writer *w);

/* Big-endian loads and stores for fixed places in our own memory. */
uint32_t bytes_get_u32(const uint8_t p[static 4]);
void bytes_put_u16(uint8_t p[static 2], uint16_t v);
void bytes_put_u32(uint8_t p[static 4], uint32_t v);

#endif
