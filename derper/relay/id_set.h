/*
 * id_set: a set of numbers in little memory.
 *
 * Numbers from 1, 4 bytes each: two are kept in the set itself, more in a hash
 * table that is between a half and seven eighths full. Numbers are ours, not
 * foreign, so a plain mix does. Plain memory of the caller, all zero at first;
 * id_set_clear frees what it holds. Threads: used by one at a time.
 */
#ifndef DERPKIT_ID_SET_H
#define DERPKIT_ID_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_SET_INLINE 2

struct id_set {
	union {
		uint32_t ids[ID_SET_INLINE]; /* while cap is 0 */
		uint32_t *slots;             /* owned; 0: free */
	};
	uint32_t count;
	uint32_t cap; /* slots; 0: none */
};

bool id_set_has(const struct id_set *s, uint32_t id);
/* Adds a number that is not in it. -1 when memory is short. */
int id_set_add(struct id_set *s, uint32_t id);
/* Whether it was in it. */
bool id_set_remove(struct id_set *s, uint32_t id);
/* Walks all: start with *at = 0; 0 at the end. Not while it is changed. */
uint32_t id_set_next(const struct id_set *s, size_t *at);
/* Bytes on the heap. */
size_t id_set_bytes(const struct id_set *s);
void id_set_clear(struct id_set *s);

#endif
