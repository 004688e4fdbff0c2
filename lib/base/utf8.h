/*
 * utf8: validate and count. Threads: pure functions. Source: RFC 3629.
 */
#ifndef DERPKIT_UTF8_H
#define DERPKIT_UTF8_H

#include "bytes.h"

/* Length in bytes of the well-formed code point at the start of s, and its
 * value in *code (which may be NULL); 0 when there is none. */
size_t utf8_next(struct slice s, uint32_t *code);

/* Whether all of s is well-formed. */
bool utf8_valid(struct slice s);

/* The most bytes, at most max, with which s can end without cutting a
 * well-formed code point. */
size_t utf8_cut(struct slice s, size_t max);

/* Writes the code point (below 0x110000); returns how many bytes, 1 to 4. */
size_t utf8_put(uint8_t out[static 4], uint32_t code);

#endif
