/*
 * verify_cache: answers for a short time, by 32-byte id.
 *
 * Bounded: when it is full the oldest answer is dropped. Life: verify_cache_new
 * -> put, get -> free. Threads: used by one at a time.
 */
#ifndef DERPKIT_VERIFY_CACHE_H
#define DERPKIT_VERIFY_CACHE_H

#include "keytable.h"
#include "verify_answer.h"

struct verify_cache;

/* A cache of at most max answers (at least 1), or NULL. Returns owned. */
struct verify_cache *verify_cache_new(size_t max);
void verify_cache_free(struct verify_cache *c);

/* Copies the answer of the id to *answer; false when there is none that is
 * valid at now_ms. */
bool verify_cache_get(struct verify_cache *c,
    const uint8_t id[static KEYTABLE_KEY], uint64_t now_ms,
    struct verify_answer *answer);

/* Stores the answer until until_ms, in place of an older one of that id. When
 * memory is short it stores nothing: the question is then asked again. */
void verify_cache_put(struct verify_cache *c,
    const uint8_t id[static KEYTABLE_KEY], uint64_t until_ms,
    const struct verify_answer *answer);

/* Number of answers held, expired ones included. */
size_t verify_cache_count(const struct verify_cache *c);

#endif
