/*
 * entries: what a decoder puts under integer keys while it reads: a map from
 * int64 to a pointer in which the later entry replaces the earlier one.
 *
 * Inside the decoders. Life: entries_init -> entries_put... -> entries_clear.
 * Threads: used by one.
 */
#ifndef DERPKIT_ENTRIES_H
#define DERPKIT_ENTRIES_H

#include <stddef.h>
#include <stdint.h>

struct entry {
	int64_t key;
	void *value; /* borrowed */
};

struct entries {
	struct entry *v; /* owned; in the order of first appearance */
	size_t n, cap;
	size_t *slots;     /* owned; 1 + index into v, or 0 */
	size_t slot_count; /* a power of two */
};

void entries_init(struct entries *e);
void entries_clear(struct entries *e);

/* The entry with this key, borrowed until the next put; NULL when absent. */
struct entry *entries_find(const struct entries *e, int64_t key);

/* Sets the value under the key. -1 when memory is short. */
int entries_put(struct entries *e, int64_t key, void *value);

/* Sorts v by key; the only thing to do afterwards is to read v. */
void entries_sort(struct entries *e);

#endif
