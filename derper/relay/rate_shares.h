/*
 * rate_shares: token buckets that several clients share: those of a key, say.
 *
 * They live while a client has them, and then until they would be full again,
 * so that whoever leaves and returns finds what it has spent. Of those that
 * nobody has, at most RATE_SHARES_LEFT_MAX are kept, and no more than clients
 * may be there; beyond that the one that is full soonest is forgotten.
 *
 * Life: rate_shares_new -> enter, leave ... -> rate_shares_free. Threads: used
 * by one at a time.
 */
#ifndef DERPKIT_RATE_SHARES_H
#define DERPKIT_RATE_SHARES_H

#include "keytable.h"
#include "token_bucket.h"

/* 32 MB, should that many have to be kept. */
#define RATE_SHARES_LEFT_MAX ((size_t)1 << 18)

/* What is counted for one limit. */
struct rate_buckets {
	struct token_bucket bytes, packets;
	unsigned generation; /* of the limits that they are for */
};

struct rate_share {
	uint8_t key[KEYTABLE_KEY]; /* immutable */
	unsigned clients;
	struct rate_buckets buckets;
	/* once all clients have left */
	uint64_t full_us; /* when the buckets are full */
	size_t place;     /* among those that are kept */
};

struct rate_shares;

/* For at most so many clients. Returns owned; NULL when memory is short. */
struct rate_shares *rate_shares_new(size_t clients_max);
void rate_shares_free(struct rate_shares *s);

/* What the key has, with one client more. Borrowed until that leaves; NULL when
 * memory is short. */
struct rate_share *rate_shares_enter(struct rate_shares *s,
    const uint8_t key[static KEYTABLE_KEY], uint64_t now_us);
/* A client leaves; NULL is fine. Buckets that are not of this generation count
 * as full. False when something was forgotten too early, to keep this or
 * instead of it. */
bool rate_shares_leave(struct rate_shares *s, struct rate_share *share,
    unsigned generation, uint64_t now_us);

/* How many are kept for nobody. */
size_t rate_shares_left(const struct rate_shares *s);
/* Forgets all of them, as there are new limits. */
void rate_shares_forget_left(struct rate_shares *s);

#endif
