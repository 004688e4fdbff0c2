/*
 * keytable: a hash table of values that hold their own 32-byte keys.
 *
 * A slot is a pointer and a hash: the key stays where the value has it, so that
 * an entry costs 16 bytes and not 48, and must not change while it is in the
 * table.
 *
 * Keys come from unauthenticated clients, so the hash is SipHash with a secret
 * seed drawn when the table is made. Open addressing, backward-shift removal,
 * at most three quarters full. Life: keytable_new -> put, get, remove -> free.
 * Values are borrowed; the table never frees them. Threads: used by one at a
 * time.
 */
#ifndef DERPKIT_KEYTABLE_H
#define DERPKIT_KEYTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYTABLE_KEY 32 /* bytes of a key */

struct keytable;

/* An empty table that holds at most max entries, whose keys are key_at bytes
 * into them; NULL when memory is short. Returns owned. */
struct keytable *keytable_new(size_t max, size_t key_at);

/* Frees the table, not the values. NULL is fine. */
void keytable_free(struct keytable *t);

/* Number of entries. */
size_t keytable_count(const struct keytable *t);

/* The key's value, or NULL. */
void *keytable_get(
    const struct keytable *t, const uint8_t key[static KEYTABLE_KEY]);

/* Adds a value (not NULL), in place of the one with the same key if there is
 * one. -1 when the table is full or memory is short; the table is then
 * unchanged. */
int keytable_put(struct keytable *t, void *value);

/* Removes the key, which may be the one in the value; the value, or NULL when
 * it was not there. */
void *keytable_remove(
    struct keytable *t, const uint8_t key[static KEYTABLE_KEY]);

/* Walks all entries in no order: start with *at = 0; NULL at the end. Freeing
 * the values is fine; when entries are removed between two steps, others may be
 * left out of this walk. */
void *keytable_next(const struct keytable *t, size_t *at);

#endif
