/*
 * keytable: a hash table from 32-byte keys to pointers.
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

/* An empty table that holds at most max entries, or NULL. Returns owned. */
struct keytable *keytable_new(size_t max);

/* Frees the table, not the values. NULL is fine. */
void keytable_free(struct keytable *t);

/* Number of entries. */
size_t keytable_count(const struct keytable *t);

/* The key's value, or NULL. */
void *keytable_get(
    const struct keytable *t, const uint8_t key[static KEYTABLE_KEY]);

/* Sets the key's value (not NULL), replacing one that is there. -1 when the
 * table is full or memory is short; the table is then unchanged. */
int keytable_put(
    struct keytable *t, const uint8_t key[static KEYTABLE_KEY], void *value);

/* Removes the key; its value, or NULL when it was not there. */
void *keytable_remove(
    struct keytable *t, const uint8_t key[static KEYTABLE_KEY]);

/* Walks all entries in no order: start with *at = 0; NULL at the end. *key is
 * borrowed until the next change, and may be NULL when not wanted. Do not
 * change the table between two steps. */
void *keytable_next(const struct keytable *t, size_t *at, const uint8_t **key);

#endif
