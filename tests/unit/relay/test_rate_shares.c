/* rate_shares: what is kept of those who have left, and for how long. */
#include "check.h"
#include "fake_alloc.h"

#include "rate_shares.h"

#include <stdlib.h>

enum { GENERATION = 7 };

struct key {
	uint8_t b[KEYTABLE_KEY];
};

static struct key
key_of(unsigned n)
{
	return (struct key){ { (uint8_t)n, (uint8_t)(n >> 8) } };
}

/* A client of the n-th key comes and spends what takes until full_us to earn
 * again. */
static struct rate_share *
enter(struct rate_shares *s, unsigned n, uint64_t full_us)
{
	const struct key key = key_of(n);
	struct rate_share *share = rate_shares_enter(s, key.b, 0);
	struct rate_buckets *b = &share->buckets;

	check(share != NULL);
	b->generation = GENERATION;
	b->bytes = token_bucket_of(0, 0, 0);
	b->packets = token_bucket_of(1e6, 1e6, 0); /* a token is 1 us */
	(void)token_bucket_take(&b->packets, (double)full_us - 1, 0);
	return share;
}

static bool
enter_and_leave(struct rate_shares *s, unsigned n, uint64_t full_us)
{
	return rate_shares_leave(s, enter(s, n, full_us), GENERATION, 0);
}

/* Whether it is kept, and found with what it has spent. */
static bool
is_kept(struct rate_shares *s, unsigned n, uint64_t now_us)
{
	const struct key key = key_of(n);
	struct rate_share *share = rate_shares_enter(s, key.b, now_us);
	const bool kept = share->buckets.generation == GENERATION;

	check_int(share->clients, 1);
	check(rate_shares_leave(s, share, GENERATION, now_us));
	return kept;
}

static void
rate_shares_keeps_them_until_they_are_full(void **state)
{
	struct rate_shares *s = rate_shares_new(8);

	(void)state;
	check(enter_and_leave(s, 1, 3000));
	check(enter_and_leave(s, 2, 1000));
	check(enter_and_leave(s, 3, 2000));
	check_size(rate_shares_left(s), 3);
	check(is_kept(s, 1, 990) && is_kept(s, 2, 990) && is_kept(s, 3, 990));
	check(!is_kept(s, 2, 1010));
	check_size(rate_shares_left(s), 2);
	check(is_kept(s, 3, 1990));
	check(!is_kept(s, 3, 2010));
	check(is_kept(s, 1, 2990));
	check(!is_kept(s, 1, 3010));
	check_size(rate_shares_left(s), 0);
	rate_shares_free(s);
}

/* While one client of several is there nothing is to be kept, and what nobody
 * has spent anything of is not. */
static void
rate_shares_keeps_only_what_was_left(void **state)
{
	struct rate_shares *s = rate_shares_new(8);
	struct rate_share *share = enter(s, 1, 1000);
	const struct key key = key_of(1), other = key_of(2);

	(void)state;
	check(rate_shares_enter(s, key.b, 0) == share);
	check(rate_shares_leave(s, share, GENERATION, 0));
	check_size(rate_shares_left(s), 0);
	check(rate_shares_leave(s, share, GENERATION, 0));
	check_size(rate_shares_left(s), 1);
	check(rate_shares_enter(s, key.b, 0) == share);
	check_size(rate_shares_left(s), 0);
	check(rate_shares_leave(s, share, GENERATION + 1, 0));
	check_size(rate_shares_left(s), 0);
	check(rate_shares_leave(
	    s, rate_shares_enter(s, other.b, 0), GENERATION, 0));
	check_size(rate_shares_left(s), 0);
	check(rate_shares_leave(s, NULL, GENERATION, 0));
	rate_shares_free(s);
}

/* Beyond the most that are kept, those that are full soonest go, be it the one
 * that has just left. */
static void
rate_shares_forgets_who_is_full_soonest(void **state)
{
	struct rate_shares *s = rate_shares_new(3);

	(void)state;
	check(enter_and_leave(s, 1, 5000));
	check(enter_and_leave(s, 2, 9000));
	check(enter_and_leave(s, 3, 7000));
	check(!enter_and_leave(s, 4, 1000));
	check_size(rate_shares_left(s), 3);
	check(!is_kept(s, 4, 0));
	check(!enter_and_leave(s, 5, 8000));
	check(!is_kept(s, 1, 0));
	check(is_kept(s, 2, 0) && is_kept(s, 3, 0) && is_kept(s, 5, 0));
	rate_shares_forget_left(s);
	check_size(rate_shares_left(s), 0);
	check(!is_kept(s, 2, 0));
	rate_shares_free(s);
}

/* In whatever order they leave and return, they go in the order in which they
 * are full. */
static void
rate_shares_go_in_order(void **state)
{
	enum { COUNT = 500 };
	struct rate_shares *s = rate_shares_new(COUNT);

	(void)state;
	for (unsigned i = 0; i < COUNT; i++)
		check(enter_and_leave(s, i, 10 + i * 7919 % COUNT * 10));
	for (unsigned i = 0; i < COUNT; i += 3)
		check(enter_and_leave(s, i, 10 + i * 6007 % COUNT * 10));
	check_size(rate_shares_left(s), COUNT);
	for (unsigned at = 0; at <= COUNT; at++) {
		for (unsigned i = 0; i < COUNT; i++) {
			const unsigned prime = i % 3 == 0 ? 6007 : 7919;

			/* each call drops some of those that are full */
			if (i * prime % COUNT >= at)
				continue;
			check(!is_kept(s, i, at * 10 + 5));
		}
		if (at % 50 != 0)
			continue;
		for (unsigned i = 0; i < COUNT; i++) {
			const unsigned prime = i % 3 == 0 ? 6007 : 7919;

			if (i * prime % COUNT >= at)
				check(is_kept(s, i, at * 10 + 5));
		}
	}
	check_size(rate_shares_left(s), 0);
	rate_shares_free(s);
}

static void
rate_shares_survives_lack_of_memory(void **state)
{
	const struct key key = key_of(1);
	struct rate_shares *s = NULL;
	unsigned failures = 0;

	(void)state;
	do {
		fake_alloc_fail_at(++failures);
		s = rate_shares_new(4);
	} while (fake_alloc_failed() && s == NULL);
	check(s != NULL && failures > 3);
	fake_alloc_fail_at(1);
	check(rate_shares_enter(s, key.b, 0) == NULL);
	check(fake_alloc_failed());
	check(rate_shares_leave(
	    s, rate_shares_enter(s, key.b, 0), GENERATION, 0));
	rate_shares_free(s);
	rate_shares_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_shares_keeps_them_until_they_are_full),
		cmocka_unit_test(rate_shares_keeps_only_what_was_left),
		cmocka_unit_test(rate_shares_forgets_who_is_full_soonest),
		cmocka_unit_test(rate_shares_go_in_order),
		cmocka_unit_test(rate_shares_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
