/* registry: joining, leaving, duplicates, who is told; many threads. */
#include "fake_alloc.h"
#include "registry_members.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

static void
registry_finds_who_joined_until_it_leaves(void **state)
{
	struct registry *r = *state;
	struct derp_key a = key_of(1), b = key_of(2);
	struct registry_member member;

	check(!is_here(r, &a));
	member = join(r, &a, 10);
	check_active(r, &a, 10);
	check_size(registry_count(r, &a), 1);
	check(!is_here(r, &b));
	leave(r, &member);
	check(!is_here(r, &a));
	check_size(registry_count(r, &a), 0);
}

/* Case 19 of upstream's: newest wins, then who spoke last. */
static void
registry_makes_the_last_writer_active(void **state)
{
	struct registry *r = *state;
	struct derp_key k = key_of(1);
	struct registry_member one = join(r, &k, 1), two = join(r, &k, 2);

	check_active(r, &k, 2);
	check_size(registry_count(r, &k), 2);
	registry_heard_from(r, &one, 5);
	check_active(r, &k, 1);
	registry_heard_from(r, &two, 5);
	check_active(r, &k, 2);
	leave(r, &two);
	check_active(r, &k, 1);
	check_size(registry_count(r, &k), 1);
	registry_heard_from(r, &one, 6);
	check_active(r, &k, 1);
	leave(r, &one);
	check_size(registry_count(r, &k), 0);
}

/* Two that both send all the time: the version stays for a while between two
 * switches, and both have their turns. */
static void
registry_limits_how_often_the_active_one_changes(void **state)
{
	enum { SECONDS = 10 };
	struct registry *r = *state;
	struct derp_key k = key_of(1);
	struct registry_member two[2] = { join(r, &k, 0), join(r, &k, 1) };
	struct registry_entry entry;
	unsigned changes = 0, active[2] = { 0 };

	check(registry_find(r, &k, &entry));
	for (uint64_t ms = 1000; ms < 1000 + SECONDS * 1000; ms++)
		for (int i = 0; i < 2; i++) {
			registry_heard_from(r, &two[i], ms);
			changes += !registry_is_current(&entry);
			check(registry_find(r, &k, &entry));
			active[entry.addr.slot]++;
		}
	check(changes >= SECONDS * 5);
	check(changes <=
	    SECONDS * 1000 / REGISTRY_SWITCH_MS + REGISTRY_SWITCH_BURST);
	check(active[0] > 2000 && active[1] > 2000);
	/* the one that goes on alone is soon the active one */
	for (uint64_t ms = 0; ms <= REGISTRY_SWITCH_MS; ms++)
		registry_heard_from(r, &two[0], 20000 + ms);
	check_active(r, &k, 0);
	leave(r, &two[0]);
	leave(r, &two[1]);
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
	struct registry_member members[4];

	for (unsigned i = 0; i < 4; i++)
		members[i] = join(p, &k, i);
	for (unsigned i = 0; spoke != NULL && i < 4; i++) {
		registry_heard_from(p, &members[spoke[i]], 1000 + i);
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
		leave(p, &members[order[i]]);
	}
	check_size(registry_count(p, &k), 0);
}

static void
registry_keeps_a_key_reachable_in_all_leaving_orders(void **state)
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

/* One more than stay: the one that was heard from least recently must go. */
static void
registry_evicts_the_least_recently_heard(void **state)
{
	enum { MAX = REGISTRY_DUPLICATES_MAX };
	struct registry *r = *state;
	struct derp_key k = key_of(1);
	struct registry_member members[2 * MAX], more;
	struct conn_addr evict;

	for (unsigned i = 0; i < MAX; i++)
		members[i] = join(r, &k, i);
	registry_heard_from(r, &members[0], 5000);
	check_int(registry_join(r, &k,
		      &(struct registry_origin){ .addr = addr_of(MAX) },
		      &members[MAX], &evict),
	    0);
	check(conn_addr_eq(evict, addr_of(1)));
	check_active(r, &k, MAX);
	/* it is not told twice, and does not become active again */
	registry_heard_from(r, &members[1], 6000);
	check_active(r, &k, MAX);
	check_int(registry_join(r, &k,
		      &(struct registry_origin){ .addr = addr_of(MAX + 1) },
		      &members[MAX + 1], &evict),
	    0);
	check(conn_addr_eq(evict, addr_of(2)));
	leave(r, &members[1]);
	leave(r, &members[2]);
	check_size(registry_count(r, &k), MAX);
	/* those that never go are limited, too */
	for (unsigned i = MAX + 2; i < 2 * MAX + 2; i++)
		check_int(
		    registry_join(r, &k,
			&(struct registry_origin){ .addr = addr_of(i) },
			&members[i < 2 * MAX ? i : i - 2 * MAX + 1], &evict),
		    0);
	check_int(registry_join(r, &k,
		      &(struct registry_origin){ .addr = addr_of(500) }, &more,
		      &evict),
	    -1);
	check(more.peer == NULL);
	check_size(registry_count(r, &k), 2 * MAX);
	for (unsigned i = 0; i < 2 * MAX; i++)
		leave(r, &members[i]);
	check_size(registry_count(r, &k), 0);
}

/* One that was told to go takes over from nobody who stays, however recently it
 * was heard. */
static void
registry_passes_over_the_evicted(void **state)
{
	enum { MAX = REGISTRY_DUPLICATES_MAX };
	struct registry *r = *state;
	struct derp_key k = key_of(1);
	struct registry_member members[MAX + 1];
	struct conn_addr evict;

	for (unsigned i = 0; i <= MAX; i++)
		check_int(registry_join(r, &k,
			      &(struct registry_origin){ .addr = addr_of(i) },
			      &members[i], &evict),
		    0);
	check(conn_addr_eq(evict, addr_of(0)));
	registry_heard_from(r, &members[0], 5000);
	leave(r, &members[MAX]);
	check_active(r, &k, MAX - 1);
	for (unsigned i = 0; i < MAX; i++)
		leave(r, &members[i]);
}

/* Every change that can make a remembered address wrong changes the version,
 * nothing else does. */
static void
registry_entry_is_current_until_it_is_wrong(void **state)
{
	struct registry *r = *state;
	struct derp_key k = key_of(1), same_shard = key_of(1);
	struct registry_member one = join(r, &k, 1), two, other;
	struct registry_entry entry, left;

	same_shard.b[20] = 1;
	check(registry_find(r, &k, &entry));
	registry_heard_from(r, &one, 1000);
	check_int(registry_note(r, &one, &entry), NOTIFY_NOTED);
	other = join(r, &same_shard, 7);
	leave(r, &other);
	check(registry_is_current(&entry));
	two = join(r, &k, 2);
	check(!registry_is_current(&entry));
	check(registry_find(r, &k, &entry));
	registry_heard_from(r, &two, 1000);
	check(registry_is_current(&entry));
	registry_heard_from(r, &one, 1001);
	check(!registry_is_current(&entry));
	check(registry_find(r, &k, &entry));
	leave(r, &two);
	check(registry_is_current(&entry));
	left = entry;
	check_size(leave_key(r, &one, &k), 0); /* only it got from it */
	check(!registry_is_current(&left));
	/* never again, whatever key gets its version */
	for (unsigned i = 0; i < 50; i++) {
		one = join(r, i % 2 == 0 ? &k : &same_shard, i);
		check(!registry_is_current(&left));
		leave(r, &one);
		check(!registry_is_current(&left));
	}
	/* nor is one that was made so */
	one = join(r, &k, 1);
	check(registry_find(r, &k, &entry));
	entry.version = 0;
	check(!registry_is_current(&entry));
	leave(r, &one);
}

static void
registry_tells_when_the_last_one_leaves(void **state)
{
	struct registry *r = *state;
	struct derp_key k = key_of(1);
	struct registry_member one = join(r, &k, 1), two = join(r, &k, 2);
	struct registry_member to[100];
	struct registry_entry entry;

	for (unsigned i = 0; i < 100; i++) {
		const struct derp_key dst = key_of(1000 + i);

		to[i] = join(r, &dst, 1000 + i);
		check(registry_find(r, &dst, &entry));
		/* by either of the key's connections, or both */
		if (i % 3 != 0)
			check_int(registry_note(r, &one, &entry), NOTIFY_NOTED);
		if (i % 3 != 1)
			check_int(registry_note(r, &two, &entry), NOTIFY_NOTED);
	}
	check_size(registry_notify_stats(r).pairs, 100);
	for (unsigned i = 0; i < 40; i++)
		leave(r, &to[i]);
	leave(r, &one);
	check_size(leave_key(r, &two, &k), 60);
	/* once, also when the key comes back */
	one = join(r, &k, 3);
	leave(r, &one);
	check_size(registry_notify_stats(r).pairs, 0);
}

/* A key that comes back before all were told is not said to have left any
 * more, and those who were not told are told when it leaves again. */
static void
registry_stops_telling_when_a_key_is_back(void **state)
{
	struct registry *r = *state;
	struct derp_key k = key_of(1);
	struct registry_member one = join(r, &k, 1), to[10];
	struct notify_departure first, second;
	struct notify_receiver some[4];
	struct registry_entry entry;

	for (unsigned i = 0; i < 10; i++) {
		const struct derp_key dst = key_of(1000 + i);

		to[i] = join(r, &dst, 1000 + i);
		check(registry_find(r, &dst, &entry));
		check_int(registry_note(r, &one, &entry), NOTIFY_NOTED);
	}
	check(registry_leave(r, &one, &first));
	check_size(registry_departed(r, &k, first, some, 4), 4);
	for (unsigned i = 0; i < 4; i++)
		registry_told(r, first, &some[i]);
	/* it is not here meanwhile */
	check(!is_here(r, &k));
	check_size(registry_count(r, &k), 0);
	one = join(r, &k, 2);
	check_active(r, &k, 2);
	check_size(registry_departed(r, &k, first, some, 4), 0);
	check_active(r, &k, 2);
	check(registry_leave(r, &one, &second));
	/* the first is over, whoever still asks */
	check_size(registry_departed(r, &k, first, some, 4), 0);
	check_size(tell(r, &k, second), 6);
	check_size(registry_notify_stats(r).pairs, 0);
	one = join(r, &k, 3);
	leave(r, &one);
	for (unsigned i = 0; i < 10; i++)
		leave(r, &to[i]);
}

static void
registry_holds_at_most_so_many_keys(void **state)
{
	struct registry *r = registry_new(1, 0);
	struct derp_key a = key_of(0), b = key_of(0);
	struct registry_member member, more;
	struct conn_addr evict;

	(void)state;
	b.b[20] = 1; /* the same shard */
	member = join(r, &a, 1);
	check_int(
	    registry_join(r, &b,
		&(struct registry_origin){ .addr = addr_of(2) }, &more, &evict),
	    -1);
	check_size(registry_count(r, &b), 0);
	leave(r, &member);
	member = join(r, &b, 2);
	leave(r, &member);
	registry_free(r);
}

static void
registry_survives_lack_of_memory(void **state)
{
	struct registry *r = NULL;
	struct derp_key k = key_of(1), other = key_of(2);
	struct registry_member one = { 0 }, more;
	struct registry_entry entry;
	struct notify_departure departure;
	struct conn_addr evict;

	(void)state;
	for (size_t n = 1; r == NULL; n++) {
		fake_alloc_fail_at(n);
		r = registry_new(10, 10);
		check(fake_alloc_failed() == (r == NULL));
	}
	for (size_t n = 1; one.peer == NULL; n++) {
		const int rc = (fake_alloc_fail_at(n),
		    registry_join(r, &k,
			&(struct registry_origin){ .addr = addr_of(1) }, &one,
			&evict));

		check(fake_alloc_failed() == (rc == -1));
		check((rc == 0) == (one.peer != NULL));
		check_size(registry_count(r, &k), rc == 0 ? 1 : 0);
	}
	fake_alloc_fail_at(1);
	check_int(
	    registry_join(r, &k,
		&(struct registry_origin){ .addr = addr_of(2) }, &more, &evict),
	    -1);
	check(fake_alloc_failed());
	check_active(r, &k, 1);
	more = join(r, &other, 3);
	check(registry_find(r, &other, &entry));
	check_int(registry_note(r, &one, &entry), NOTIFY_NOTED);
	check(registry_leave(r, &one, &departure));
	/* telling needs no memory */
	fake_alloc_fail_at(1);
	check_size(tell(r, &k, departure), 1);
	check(!fake_alloc_failed());
	leave(r, &more);
	registry_free(r);
	registry_free(NULL);
}

enum { THREADS = 4, ROUNDS = 4000, KEYS = 6 };

struct hammer {
	struct registry *p;
	unsigned number;
	size_t noted; /* pairs */
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
		struct registry_member member;
		struct registry_entry entry;
		struct notify_departure departure;
		struct conn_addr evict;

		if (registry_join(h->p, &mine,
			&(struct registry_origin){ .addr = addr_of(conn) },
			&member, &evict) == -1)
			abort();
		if (registry_find(h->p, &other, &entry) &&
		    registry_is_current(&entry))
			h->noted += registry_note(h->p, &member, &entry) ==
			    NOTIFY_NOTED;
		registry_heard_from(h->p, &member, i);
		/* it is here, so its key must be */
		if (!registry_find(h->p, &mine, &entry) ||
		    registry_count(h->p, &mine) < 1)
			abort();
		if (registry_leave(h->p, &member, &departure))
			(void)tell(h->p, &mine, departure);
	}
	return NULL;
}

static void
registry_is_safe_for_many_threads(void **state)
{
	struct hammer hammers[THREADS];
	pthread_t threads[THREADS];
	size_t noted = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		hammers[i] = (struct hammer){ .p = *state, .number = i };
		check_int(
		    pthread_create(&threads[i], NULL, hammer, &hammers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		noted += hammers[i].noted;
	}
	check(noted > 0);
	for (unsigned i = 0; i < KEYS; i++) {
		struct derp_key k = key_of(i);

		check_size(registry_count(*state, &k), 0);
	}
	check_size(registry_notify_stats(*state).pairs, 0);
	check_size(registry_notify_stats(*state).bytes, 0);
}

struct seen {
	unsigned count;
	struct derp_key key;
	struct netaddr remote;
};

static void
see(void *ctx, const struct derp_key *key, const struct netaddr *remote)
{
	struct seen *seen = ctx;

	seen->count++;
	seen->key = *key;
	seen->remote = *remote;
}

/* Each key once, with the address of its active connection; no mesh peer. */
static void
registry_tells_where_clients_are(void **state)
{
	struct registry *r = *state;
	const struct derp_key k = key_of(1), mesh = key_of(2);
	struct registry_origin origins[] = { { .addr = addr_of(1) },
		{ .addr = addr_of(2) },
		{ .addr = addr_of(3), .is_mesh = true } };
	struct registry_member members[3];
	struct notify_departure departure;
	struct seen seen = { .count = 0 };
	struct conn_addr evict;

	netaddr_parse_ip(&origins[0].remote, slice_str("192.0.2.1"));
	netaddr_parse_ip(&origins[1].remote, slice_str("2001:db8::2"));
	for (unsigned i = 0; i < 3; i++)
		check_int(registry_join(r, i < 2 ? &k : &mesh, &origins[i],
			      &members[i], &evict),
		    0);
	registry_each_client(r, see, &seen);
	check_int(seen.count, 1);
	check_bytes(seen.key.b, k.b, sizeof k.b);
	check_bytes(seen.remote.ip, origins[1].remote.ip, 16);
	check(seen.remote.is_set && !seen.remote.is_v4);
	registry_leave(r, &members[1], &departure);
	registry_each_client(r, see, &seen);
	check_int(seen.count, 2);
	check_bytes(seen.remote.ip, origins[0].remote.ip, 16);
	check(seen.remote.is_set && seen.remote.is_v4);
	registry_leave(r, &members[0], &departure);
	registry_each_client(r, see, &seen);
	check_int(seen.count, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(registry_finds_who_joined_until_it_leaves),
		TEST(registry_makes_the_last_writer_active),
		TEST(registry_keeps_a_key_reachable_in_all_leaving_orders),
		TEST(registry_limits_how_often_the_active_one_changes),
		TEST(registry_evicts_the_least_recently_heard),
		TEST(registry_passes_over_the_evicted),
		TEST(registry_entry_is_current_until_it_is_wrong),
		TEST(registry_tells_when_the_last_one_leaves),
		TEST(registry_stops_telling_when_a_key_is_back),
		cmocka_unit_test(registry_holds_at_most_so_many_keys),
		cmocka_unit_test(registry_survives_lack_of_memory),
		cmocka_unit_test_setup_teardown(
		    registry_tells_where_clients_are, setup, teardown),
		TEST(registry_is_safe_for_many_threads),
	};

	return sodium_init() == -1 ? 1
				   : cmocka_run_group_tests(tests, NULL, NULL);
}
