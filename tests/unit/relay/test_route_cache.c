/* route_cache: right addresses, no locks, growth, memory. */
#include "check.h"
#include "fake_alloc.h"

#include "route_cache.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

int __real_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);

static size_t locks;

int
__wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
	locks++;
	return __real_pthread_mutex_lock(m);
}

enum { MANY = 3 * ROUTE_CACHE_MAX };

struct fixture {
	struct registry *registry;
	struct route_cache cache;
	struct registry_member from, to[MANY];
	struct derp_key keys[MANY];
};

static struct conn_addr
addr_of(unsigned n)
{
	return (struct conn_addr){ .slot = n, .generation = n + 1 };
}

static struct registry_member
join(struct fixture *f, const struct derp_key *key, unsigned conn)
{
	struct registry_member member;
	struct conn_addr evict;

	check_int(registry_join(f->registry, key,
		      &(struct registry_origin){ .addr = addr_of(conn) },
		      &member, &evict),
	    0);
	return member;
}

/* Leaves; how many are told. */
static size_t
leave(struct fixture *f, struct registry_member *member)
{
	struct notify_departure departure;
	struct notify_receiver told[MANY];
	const struct derp_key none = { { 0 } };

	if (!registry_leave(f->registry, member, &departure))
		return 0;
	return registry_departed(f->registry, &none, departure, told, MANY);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct derp_key mine;

	f->registry = registry_new(2 * MANY, 0);
	randombytes_buf(&mine, sizeof mine);
	f->from = join(f, &mine, 10000);
	for (unsigned i = 0; i < MANY; i++) {
		randombytes_buf(&f->keys[i], sizeof f->keys[i]);
		f->to[i] = join(f, &f->keys[i], i);
	}
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	route_cache_clear(&f->cache);
	registry_free(f->registry);
	free(f);
	return 0;
}

static bool
find(struct fixture *f, const struct derp_key *dst, struct conn_addr *addr)
{
	return route_cache_find(&f->cache, f->registry, &f->from, dst, addr);
}

static void
check_at(struct fixture *f, unsigned i, unsigned want)
{
	struct conn_addr addr;

	check(find(f, &f->keys[i], &addr));
	check(conn_addr_eq(addr, addr_of(want)));
}

/* A hub: as many destinations as the cache holds, one after the other. */
static void
route_cache_takes_no_lock_for_what_it_holds(void **state)
{
	struct fixture *f = *state;

	check_ptr(f->cache.table, NULL);
	for (unsigned i = 0; i < ROUTE_CACHE_MAX; i++)
		check_at(f, i, i);
	locks = 0;
	for (int round = 0; round < 5; round++)
		for (unsigned i = 0; i < ROUTE_CACHE_MAX; i++)
			check_at(f, i, i);
	check_size(locks, 0);
	/* others come and go: nothing changes for these */
	for (unsigned i = ROUTE_CACHE_MAX; i < MANY; i++)
		leave(f, &f->to[i]);
	locks = 0;
	for (unsigned i = 0; i < ROUTE_CACHE_MAX; i++)
		check_at(f, i, i);
	check_size(locks, 0);
	check_size(leave(f, &f->from), ROUTE_CACHE_MAX);
}

/* More destinations than it holds: all are reached, most without a look-up. */
static void
route_cache_replaces_when_it_is_full(void **state)
{
	enum { SOME = ROUTE_CACHE_MAX + 6, ROUNDS = 50 };
	struct fixture *f = *state;

	for (unsigned i = 0; i < MANY; i++)
		check_at(f, i, i);
	check_int(f->cache.count, ROUTE_CACHE_MAX);
	locks = 0;
	for (int round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < SOME; i++)
			check_at(f, i, i);
	/* a look-up and a note take a lock each, the latter perhaps two */
	check(locks < ROUNDS * SOME);
	check_size(leave(f, &f->from), MANY);
}

static void
route_cache_follows_its_destinations(void **state)
{
	struct fixture *f = *state;
	struct registry_member moved;
	struct conn_addr addr;

	for (unsigned i = 0; i < 10; i++)
		check_at(f, i, i);
	moved = join(f, &f->keys[3], 500);
	check_at(f, 3, 500);
	leave(f, &moved);
	check_at(f, 3, 3);
	leave(f, &f->to[3]);
	check(!find(f, &f->keys[3], &addr));
	check(!find(f, &f->keys[3], &addr));
	f->to[3] = join(f, &f->keys[3], 501);
	check_at(f, 3, 501);
	for (unsigned i = 0; i < 10; i++)
		check_at(f, i, i == 3 ? 501 : i);
	/* told at its last address; those that left are not told */
	check_size(leave(f, &f->from), 10);
}

/* Destinations that are not here take no place. */
static void
route_cache_keeps_no_absent_destinations(void **state)
{
	struct fixture *f = *state;
	struct derp_key absent;
	struct conn_addr addr;

	for (unsigned i = 0; i < 5; i++)
		check_at(f, i, i);
	for (int i = 0; i < 200; i++) {
		randombytes_buf(&absent, sizeof absent);
		check(!find(f, &absent, &addr));
	}
	check_int(f->cache.count, 5);
	locks = 0;
	for (unsigned i = 0; i < 5; i++)
		check_at(f, i, i);
	check_size(locks, 0);
}

static void
route_cache_works_without_memory(void **state)
{
	struct fixture *f = *state;
	size_t failed = 0;

	for (unsigned i = 0; i < MANY; i++) {
		for (size_t n = 1; n <= 3; n++) {
			fake_alloc_fail_at(n);
			check_at(f, i, i);
			failed += fake_alloc_failed();
		}
		check_at(f, i, i);
	}
	check(failed > 10);
	/* what could not be noted at first was noted later */
	check_size(leave(f, &f->from), MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(route_cache_takes_no_lock_for_what_it_holds),
		TEST(route_cache_replaces_when_it_is_full),
		TEST(route_cache_follows_its_destinations),
		TEST(route_cache_keeps_no_absent_destinations),
		TEST(route_cache_works_without_memory),
	};

	return sodium_init() == -1 ? 1
				   : cmocka_run_group_tests(tests, NULL, NULL);
}
