/*
 * arena: many allocations, one free.
 *
 * Documents, models and findings live in one arena and end with it. Life:
 * arena_new -> arena_alloc... -> arena_free. Everything returned is borrowed
 * from the arena until arena_free. Threads: used by one at a time.
 */
#ifndef DERPKIT_ARENA_H
#define DERPKIT_ARENA_H

#include <stddef.h>

struct arena;

/* A new arena that hands out at most max bytes in all, or NULL. Returns
 * owned: free with arena_free. */
struct arena *arena_new(size_t max);

/* Frees the arena and all that came from it. NULL is fine. */
void arena_free(struct arena *a);

/* Zeroed, aligned memory of count elements of size bytes, or NULL when the
 * product overflows, the maximum is reached or memory is short. */
void *arena_alloc(struct arena *a, size_t count, size_t size);

/* A NUL-terminated copy of n bytes of text, or NULL. */
char *arena_text(struct arena *a, const char *text, size_t n);

/* Formatted text, or NULL. */
__attribute__((format(printf, 2, 3))) char *arena_printf(
    struct arena *a, const char *fmt, ...);

#endif
