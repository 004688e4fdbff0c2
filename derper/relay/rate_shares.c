/* rate_shares: see rate_shares.h. */
#include "rate_shares.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Each call drops so many of those that are full by now: more than one call
 * adds, and few enough to be done under a lock. */
#define DROPS_PER_CALL 2

struct rate_shares {
	struct keytable *all; /* owns the shares */
	/* those without a client: a binary heap, the first is full soonest */
	struct rate_share **left; /* owned; room for left_max */
	size_t left_count, left_max;
};

struct rate_shares *
rate_shares_new(size_t clients_max)
{
	struct rate_shares *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->left_max = clients_max < RATE_SHARES_LEFT_MAX ? clients_max
							 : RATE_SHARES_LEFT_MAX;
	s->all = keytable_new(
	    clients_max + s->left_max, offsetof(struct rate_share, key));
	s->left = calloc(s->left_max, sizeof *s->left);
	if (s->all != NULL && s->left != NULL)
		return s;
	rate_shares_free(s);
	return NULL;
}

void
rate_shares_free(struct rate_shares *s)
{
	if (s == NULL)
		return;
	rate_shares_forget_left(s);
	keytable_free(s->all);
	free(s->left);
	free(s);
}

static void
put(struct rate_shares *s, size_t place, struct rate_share *share)
{
	s->left[place] = share;
	share->place = place;
}

/* Puts the share at a place that is free, or at one above it. */
static void
sift_up(struct rate_shares *s, size_t place, struct rate_share *share)
{
	for (; place > 0; place = (place - 1) / 2) {
		struct rate_share *above = s->left[(place - 1) / 2];

		if (above->full_us <= share->full_us)
			break;
		put(s, place, above);
	}
	put(s, place, share);
}

/* The same for one below it. */
static void
sift_down(struct rate_shares *s, size_t place, struct rate_share *share)
{
	size_t below;

	while ((below = 2 * place + 1) < s->left_count) {
		if (below + 1 < s->left_count &&
		    s->left[below + 1]->full_us < s->left[below]->full_us)
			below++;
		if (share->full_us <= s->left[below]->full_us)
			break;
		put(s, place, s->left[below]);
		place = below;
	}
	put(s, place, share);
}

/* Takes a share out of those that are left. */
static void
take_left(struct rate_shares *s, const struct rate_share *share)
{
	const size_t place = share->place;
	struct rate_share *last = s->left[--s->left_count];

	if (place == s->left_count)
		return;
	if (place > 0 && last->full_us < s->left[(place - 1) / 2]->full_us)
		sift_up(s, place, last);
	else
		sift_down(s, place, last);
}

static void
drop(struct rate_shares *s, struct rate_share *share)
{
	(void)keytable_remove(s->all, share->key);
	free(share);
}

static void
drop_first(struct rate_shares *s)
{
	struct rate_share *first = s->left[0];

	take_left(s, first);
	drop(s, first);
}

static void
drop_full(struct rate_shares *s, uint64_t now_us)
{
	for (int i = 0; i < DROPS_PER_CALL; i++)
		if (s->left_count > 0 && s->left[0]->full_us <= now_us)
			drop_first(s);
}

struct rate_share *
rate_shares_enter(struct rate_shares *s, const uint8_t key[static KEYTABLE_KEY],
    uint64_t now_us)
{
	struct rate_share *share;

	drop_full(s, now_us);
	share = keytable_get(s->all, key);
	if (share == NULL) {
		share = calloc(1, sizeof *share);
		if (share == NULL)
			return NULL;
		memcpy(share->key, key, KEYTABLE_KEY);
		if (keytable_put(s->all, share) == -1) {
			free(share);
			return NULL;
		}
	} else if (share->clients == 0) {
		take_left(s, share);
	}
	share->clients++;
	return share;
}

static uint64_t
full_us(const struct rate_buckets *b)
{
	const uint64_t bytes_us = token_bucket_full_us(&b->bytes);
	const uint64_t packets_us = token_bucket_full_us(&b->packets);

	return bytes_us > packets_us ? bytes_us : packets_us;
}

/* Keeps a share that is not full; whether none is lost by that. */
static bool
keep(struct rate_shares *s, struct rate_share *share, uint64_t now_us)
{
	bool none_lost = true;

	if (s->left_count == s->left_max) {
		none_lost = s->left[0]->full_us <= now_us;
		if (!none_lost && share->full_us <= s->left[0]->full_us) {
			drop(s, share);
			return false;
		}
		drop_first(s);
	}
	sift_up(s, s->left_count++, share);
	return none_lost;
}

bool
rate_shares_leave(struct rate_shares *s, struct rate_share *share,
    unsigned generation, uint64_t now_us)
{
	if (share == NULL || --share->clients > 0)
		return true;
	drop_full(s, now_us);
	share->full_us = share->buckets.generation == generation
	    ? full_us(&share->buckets)
	    : 0;
	if (share->full_us > now_us)
		return keep(s, share, now_us);
	drop(s, share);
	return true;
}

size_t
rate_shares_left(const struct rate_shares *s)
{
	return s->left_count;
}

void
rate_shares_forget_left(struct rate_shares *s)
{
	while (s->left_count > 0)
		drop(s, s->left[--s->left_count]);
}
