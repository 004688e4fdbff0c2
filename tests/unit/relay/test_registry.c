/* peers: joining, leaving, duplicates, the heard list; many threads. */
#include "check.h"
#include "fake_alloc.h"

#include "registry.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

static struct derp_key
key_of(unsigned n)
{
	struct derp_key k = { { 0 } };

	bytes_put_u32(k.b, n + 1);
	k.b[7] = (uint8_t)n; /* spreads over the shards */
	return k;
}

static struct conn_addr
addr_of(unsigned n)
{
	return (struct conn_addr){
		.worker = (uint16_t)(n % 3), .slot = n, .generation = n + 1
	};
}

static int
setup(void **state)
{
	*state = registry_new(1000);
	return *state != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	registry_free(*state);
	return 0;
}

static void
check_active(struct registry *p, const struct derp_key *key, unsigned want)
{
	struct conn_addr addr = { 0 };
	uint64_t version;

	check(registry_find(p, key, &addr, &version));
	check_int(addr.slot, want);
	check(conn_addr_eq(addr, addr_of(want)));
}

static struct peer *
join(struct registry *p, const struct derp_key *key, unsigned conn)
{
	struct peer *peer = registry_join(p, key, addr_of(conn));

	check(peer != NULL);
	return peer;
}

/* Leaves; how many had heard from the key. */
static size_t
leave(struct registry *p, struct peer *peer, unsigned conn)
{
	struct conn_addr *heard;
	size_t n;

	registry_leave(p, peer, addr_of(conn), &heard, &n);
	check(n == 0 || heard != NULL);
	free(heard);
	return n;
}

static void
peers_finds_who_joined_until_it_leaves(void **state)
{
	struct registry *p = *state;
	struct derp_key a = key_of(1), b = key_of(2);
	struct conn_addr addr;
	uint64_t version;
	struct peer *peer;

	check(!registry_find(p, &a, &addr, &version));
	peer = join(p, &a, 10);
	check_active(p, &a, 10);
	check_size(registry_count(p, &a), 1);
	check(!registry_find(p, &b, &addr, &version));
	check_size(leave(p, peer, 10), 0);
	check(!registry_find(p, &a, &addr, &version));
	check_size(registry_count(p, &a), 0);
}

/* Case 19 of upstream's: newest wins, then who spoke last. */
static void
peers_makes_the_last_writer_active(void **state)
{
	struct registry *p = *state;
	struct derp_key k = key_of(1);
	struct peer *peer = join(p, &k, 1);

	check_ptr(join(p, &k, 2), peer);
	check_active(p, &k, 2);
	check_size(registry_count(p, &k), 2);
	registry_heard_from(p, peer, addr_of(1));
	check_active(p, &k, 1);
	registry_heard_from(p, peer, addr_of(2));
	check_active(p, &k, 2);
	leave(p, peer, 2);
	check_active(p, &k, 1);
	check_size(registry_count(p, &k), 1);
	registry_heard_from(p, peer, addr_of(1));
	check_active(p, &k, 1);
	leave(p, peer, 1);
	check_size(registry_count(p, &k), 0);
}

/* The next ordering of n numbers; false after the last. */
static bool
next_order(unsigned *v, size_t n)
{
	size_t i = n - 1, j = n - 1;
	unsigned t;

	while (i > 0 && v[i - 1] >= v[i])
		i--;
	if (i == 0)
		return false;
	while (v[j] <= v[i - 1])
		j--;
	t = v[i - 1];
	v[i - 1] = v[j];
	v[j] = t;
	for (j = n - 1; i < j; i++, j--) {
		t = v[i];
		v[i] = v[j];
		v[j] = t;
	}
	return true;
}

/* Four connections of one key, heard from in one order (or not at all after
 * joining), leaving in another: it stays reachable, by the one that was heard
 * last, to the end. */
static void
leave_in_order(struct registry *p, const unsigned *spoke, const unsigned *order)
{
	struct derp_key k = key_of(5);
	unsigned recent[4] = { 0, 1, 2, 3 }; /* least recent first */
	bool gone[4] = { false };
	struct peer *peer = NULL;

	for (unsigned i = 0; i < 4; i++)
		peer = join(p, &k, i);
	for (unsigned i = 0; spoke != NULL && i < 4; i++) {
		registry_heard_from(p, peer, addr_of(spoke[i]));
		recent[i] = spoke[i];
	}
	for (unsigned i = 0; i < 4; i++) {
		unsigned want = 4;

		for (unsigned j = 0; j < 4; j++)
			if (!gone[recent[j]])
				want = recent[j];
		check_active(p, &k, want);
		check_size(registry_count(p, &k), 4 - i);
		gone[order[i]] = true;
		leave(p, peer, order[i]);
	}
	check_size(registry_count(p, &k), 0);
}

static void
peers_keeps_a_key_reachable_in_all_leaving_orders(void **state)
{
	unsigned order[4] = { 0, 1, 2, 3 };
	size_t orders = 0;

	do {
		unsigned spoke[4] = { 0, 1, 2, 3 };

		orders++;
		leave_in_order(*state, NULL, order);
		do
			leave_in_order(*state, spoke, order);
		while (next_order(spoke, 4));
	} while (next_order(order, 4));
	check_size(orders, 24);
}

static void
peers_limits_duplicates(void **state)
{
	struct registry *p = *state;
	struct derp_key k = key_of(1);
	struct peer *peer = NULL;

	for (unsigned i = 0; i < REGISTRY_DUPLICATES_MAX; i++)
		peer = join(p, &k, i);
	check(registry_join(p, &k, addr_of(REGISTRY_DUPLICATES_MAX)) == NULL);
	check_active(p, &k, REGISTRY_DUPLICATES_MAX - 1);
	check_size(registry_count(p, &k), REGISTRY_DUPLICATES_MAX);
	leave(p, peer, 7);
	join(p, &k, REGISTRY_DUPLICATES_MAX);
	check_active(p, &k, REGISTRY_DUPLICATES_MAX);
	for (unsigned i = 0; i <= REGISTRY_DUPLICATES_MAX; i++)
		if (i != 7)
			leave(p, peer, i);
	check_size(registry_count(p, &k), 0);
}

/* Every change that can make a remembered address wrong changes the count. */
static void
peers_version_changes_with_every_change(void **state)
{
	struct registry *p = *state;
	struct derp_key k = key_of(1);
	struct conn_addr addr;
	struct peer *peer;
	uint64_t seen = registry_version(p, &k), version;

	check(!registry_find(p, &k, &addr, &version));
	check_size(version, seen);
	peer = join(p, &k, 1);
	check(registry_version(p, &k) != seen);
	seen = registry_version(p, &k);
	/* nothing changes by speaking alone */
	registry_heard_from(p, peer, addr_of(1));
	check(registry_find(p, &k, &addr, &version));
	check_int(registry_note_heard(p, peer, addr_of(9)), REGISTRY_NOTED);
	check_size(version, seen);
	check_size(registry_version(p, &k), seen);
	join(p, &k, 2);
	check(registry_version(p, &k) != seen);
	seen = registry_version(p, &k);
	registry_heard_from(p, peer, addr_of(2));
	check_size(registry_version(p, &k), seen);
	registry_heard_from(p, peer, addr_of(1));
	check(registry_version(p, &k) != seen);
	seen = registry_version(p, &k);
	leave(p, peer, 1);
	check(registry_version(p, &k) != seen);
	seen = registry_version(p, &k);
	leave(p, peer, 2);
	check(registry_version(p, &k) != seen);
}

static void
peers_hands_out_the_heard_list_once(void **state)
{
	struct registry *p = *state;
	struct derp_key k = key_of(1);
	struct peer *peer = join(p, &k, 1);
	struct conn_addr *heard;
	bool seen[100] = { false };
	size_t n;

	join(p, &k, 2);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 100; i++)
			check_int(registry_note_heard(p, peer, addr_of(i)),
			    REGISTRY_NOTED);
	/* not when a duplicate leaves */
	registry_leave(p, peer, addr_of(1), &heard, &n);
	check(heard == NULL);
	check_size(n, 0);
	registry_leave(p, peer, addr_of(2), &heard, &n);
	check_size(n, 100);
	for (size_t i = 0; i < n; i++) {
		check(conn_addr_eq(heard[i], addr_of(heard[i].slot)));
		check(!seen[heard[i].slot]);
		seen[heard[i].slot] = true;
	}
	free(heard);
	/* nor when the key comes back */
	peer = join(p, &k, 3);
	check_size(leave(p, peer, 3), 0);
}

/* Connections come and go while one key sends to them all: the list ends
 * somewhere, and the caller is told to begin anew. */
static void
peers_empties_a_full_heard_list(void **state)
{
	struct registry *p = *state;
	struct derp_key k = key_of(1);
	struct peer *peer = join(p, &k, 1);

	for (unsigned i = 0; i < REGISTRY_HEARD_MAX; i++)
		check_int(
		    registry_note_heard(p, peer, addr_of(i)), REGISTRY_NOTED);
	check_int(registry_note_heard(p, peer, addr_of(REGISTRY_HEARD_MAX)),
	    REGISTRY_EMPTIED);
	check_int(registry_note_heard(p, peer, addr_of(5)), REGISTRY_NOTED);
	check_size(leave(p, peer, 1), 2);
}

static void
peers_holds_at_most_so_many_keys(void **state)
{
	struct registry *p = registry_new(1);
	struct derp_key a = key_of(0), b = key_of(0);
	struct peer *peer;

	(void)state;
	b.b[20] = 1; /* the same shard */
	peer = join(p, &a, 1);
	check(registry_join(p, &b, addr_of(2)) == NULL);
	check_size(registry_count(p, &b), 0);
	leave(p, peer, 1);
	leave(p, join(p, &b, 2), 2);
	registry_free(p);
}

static void
peers_survives_lack_of_memory(void **state)
{
	struct registry *p = NULL;
	struct derp_key k = key_of(1);
	struct peer *peer = NULL;

	(void)state;
	for (size_t n = 1; p == NULL; n++) {
		fake_alloc_fail_at(n);
		p = registry_new(10);
		check(fake_alloc_failed() == (p == NULL));
	}
	for (size_t n = 1; peer == NULL; n++) {
		fake_alloc_fail_at(n);
		peer = registry_join(p, &k, addr_of(1));
		check(fake_alloc_failed() == (peer == NULL));
		check_size(registry_count(p, &k), peer != NULL ? 1 : 0);
	}
	fake_alloc_fail_at(1);
	check(registry_join(p, &k, addr_of(2)) == NULL);
	check(fake_alloc_failed());
	check_active(p, &k, 1);
	/* somebody is not told; nothing worse */
	fake_alloc_fail_at(1);
	(void)registry_note_heard(p, peer, addr_of(3));
	check(fake_alloc_failed());
	check_size(leave(p, peer, 1), 0);
	registry_free(p);
	registry_free(NULL);
}

enum { THREADS = 4, ROUNDS = 4000, KEYS = 6 };

struct hammer {
	struct registry *p;
	unsigned number;
	size_t told; /* entries of all heard lists it got */
};

/* Joins and leaves under shared keys, looks others up, remembers. */
static void *
hammer(void *ctx)
{
	struct hammer *h = ctx;
	unsigned seed = h->number;

	for (unsigned i = 0; i < ROUNDS; i++) {
		const unsigned conn = h->number * ROUNDS + i;
		struct derp_key mine = key_of((unsigned)rand_r(&seed) % KEYS);
		struct derp_key other = key_of((unsigned)rand_r(&seed) % KEYS);
		struct peer *peer = registry_join(h->p, &mine, addr_of(conn));
		struct conn_addr addr;
		uint64_t version;

		if (peer == NULL)
			abort();
		if (registry_find(h->p, &other, &addr, &version) &&
		    registry_version(h->p, &other) == version)
			(void)registry_note_heard(h->p, peer, addr);
		registry_heard_from(h->p, peer, addr_of(conn));
		/* it is here, so its key must be */
		if (!registry_find(h->p, &mine, &addr, &version) ||
		    registry_count(h->p, &mine) < 1)
			abort();
		h->told += leave(h->p, peer, conn);
	}
	return NULL;
}

static void
peers_is_safe_for_many_threads(void **state)
{
	struct hammer hammers[THREADS];
	pthread_t threads[THREADS];
	size_t told = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		hammers[i] = (struct hammer){ .p = *state, .number = i };
		check_int(
		    pthread_create(&threads[i], NULL, hammer, &hammers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		told += hammers[i].told;
	}
	check(told > 0);
	for (unsigned i = 0; i < KEYS; i++) {
		struct derp_key k = key_of(i);

		check_size(registry_count(*state, &k), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(peers_finds_who_joined_until_it_leaves),
		TEST(peers_makes_the_last_writer_active),
		TEST(peers_keeps_a_key_reachable_in_all_leaving_orders),
		TEST(peers_limits_duplicates),
		TEST(peers_version_changes_with_every_change),
		TEST(peers_hands_out_the_heard_list_once),
		TEST(peers_empties_a_full_heard_list),
		cmocka_unit_test(peers_holds_at_most_so_many_keys),
		cmocka_unit_test(peers_survives_lack_of_memory),
		TEST(peers_is_safe_for_many_threads),
	};

	return sodium_init() == -1 ? 1
				   : cmocka_run_group_tests(tests, NULL, NULL);
}
