/*
 * verify_known: keys that a source allowed when it was asked, and until when
 * that counts if it cannot be reached.
 *
 * Bounded: when it is full, new keys are not remembered. Two engines that have
 * the source share one, so that no answer of either is missing in the other.
 * Life: verify_known_new -> hold, put, find ... -> verify_known_drop by each.
 * Threads: any; locked inside, for the time of one access.
 */
#ifndef DERPKIT_VERIFY_KNOWN_H
#define DERPKIT_VERIFY_KNOWN_H

#include "netaddr.h"
#include "verify_set.h"

struct verify_known;

/* Returns held; NULL when memory is short. */
struct verify_known *verify_known_new(void);
/* Returns k, held once more. */
struct verify_known *verify_known_hold(struct verify_known *k);
/* The last one frees it. NULL is fine. */
void verify_known_drop(struct verify_known *k);

/* The source has allowed the key at that time, in seconds since 1970, to that
 * client, which may be NULL: not known; it counts until_s. */
void verify_known_put(struct verify_known *k, const struct derp_key *key,
    const struct netaddr *client, int64_t allowed_s, int64_t until_s);

/* The address of the client that it was last allowed to. False: not known. */
bool verify_known_client(
    struct verify_known *k, const struct derp_key *key, struct netaddr *client);

/* The source has denied it. */
void verify_known_remove(struct verify_known *k, const struct derp_key *key);

/* Removes it if it was not allowed after since_s. */
void verify_known_forget(
    struct verify_known *k, const struct derp_key *key, int64_t since_s);

/* Whether it counts at now_s; *allowed_s is when it was allowed, now_s at the
 * latest. One that was allowed later than now, as the clock was set back, may
 * be of any age, and counts only if it counts forever. */
bool verify_known_find(struct verify_known *k, const struct derp_key *key,
    int64_t now_s, int64_t *allowed_s);

/* A sealed set of the keys that count at now_s, expires_s being until when; or
 * NULL. Returns owned. */
struct verify_set *verify_known_set(struct verify_known *k, int64_t now_s);

/* Changes whenever a key is put that was not there, or removed. */
uint64_t verify_known_generation(struct verify_known *k);

#endif
