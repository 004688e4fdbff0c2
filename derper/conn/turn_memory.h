/*
 * turn_memory: what one turn of a worker works in.
 *
 * Two parts, both free again when the turn ends. The arena holds what was read,
 * where frames stay until they are sent; its used part only grows within a
 * turn. Small things (runs, control frames) come from chunks: one stays, more
 * are taken when it does not do. Life: turn_memory_new -> turn_memory_tail,
 * turn_memory_use, turn_memory_alloc -> turn_memory_reset, once a turn or more
 * often -> turn_memory_free. Threads: loop-owned.
 */
#ifndef DERPKIT_TURN_MEMORY_H
#define DERPKIT_TURN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that one turn_memory_alloc may ask for: those of any frame. */
#define TURN_MEMORY_ALLOC_MAX (65536 + 256)
/* Bytes of its own before everything that the turn works in, which whoever
 * sends from there may write to (outq_add). */
#define TURN_MEMORY_BEFORE 16

struct turn_memory;

/* Memory of somebody else's that is in use until turn_memory_reset; embedded in
 * it. */
struct turn_hold {
	struct turn_hold *next;
	void (*release)(struct turn_hold *hold); /* takes it */
};

/* An arena of arena_bytes. Returns owned; NULL when memory is short. */
struct turn_memory *turn_memory_new(size_t arena_bytes);
void turn_memory_free(struct turn_memory *m);

/* Whether n more bytes are free in the arena. */
bool turn_memory_fits(const struct turn_memory *m, size_t n);
/* Where the free part of the arena begins. Borrowed until turn_memory_reset. */
uint8_t *turn_memory_tail(const struct turn_memory *m);
/* Everything before `end`, which points into the free part or just after it, is
 * in use from here on. */
void turn_memory_use(struct turn_memory *m, const uint8_t *end);

/* n bytes, aligned for anything, until turn_memory_reset; NULL when memory is
 * short. */
void *turn_memory_alloc(struct turn_memory *m, size_t n);

/* Keeps the memory that `hold` is embedded in: takes it, and gives it to
 * hold->release at turn_memory_reset. */
void turn_memory_hold(struct turn_memory *m, struct turn_hold *hold);

/* The turn is over: nothing of it is in use any more. */
void turn_memory_reset(struct turn_memory *m);

#endif
