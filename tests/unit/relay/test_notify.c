/* notify: both ends leave, limits, bytes; many threads. */
#include "check.h"
#include "fake_alloc.h"

#include "notify.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PARTIES = 40000, PAIRS = 200000 };

int __real_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);

/* What another thread does just before so many locks from now; 0: nothing. */
static unsigned locks_until;
static void (*meanwhile)(void);

int
__wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
	if (locks_until > 0 && --locks_until == 0)
		meanwhile();
	return __real_pthread_mutex_lock(m);
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
	*state = notify_new(PARTIES, PAIRS);
	return *state != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	notify_free(*state);
	return 0;
}

static uint32_t
add_key(struct notify *n)
{
	const uint32_t id = notify_add(n, (struct conn_addr){ 0 });

	check(id != 0);
	return id;
}

static uint32_t
add_conn(struct notify *n, unsigned conn)
{
	const uint32_t id = notify_add(n, addr_of(conn));

	check(id != 0);
	return id;
}

/* The key has left, for good; how many are told, each once and by a known
 * address. */
static size_t
leave_key(struct notify *n, uint32_t key)
{
	const struct notify_departure departure = notify_leave_key(n, key);
	static bool told[NOTIFY_KEY_MAX * 3]; /* by slot */
	struct notify_receiver some[7];
	size_t count = 0, got;

	memset(told, 0, sizeof told);
	while ((got = notify_receivers(n, departure, some, 7)) > 0) {
		check(got <= 7);
		for (size_t i = 0; i < got; i++, count++) {
			const uint32_t slot = some[i].addr.slot;

			check(conn_addr_eq(some[i].addr, addr_of(slot)));
			check(!told[slot]);
			told[slot] = true;
			notify_told(n, departure, &some[i]);
		}
	}
	notify_remove_key(n, key);
	return count;
}

static void
notify_tells_each_receiver_once(void **state)
{
	struct notify *n = *state;
	const uint32_t key = add_key(n), other = add_key(n);
	uint32_t conns[100];

	for (unsigned i = 0; i < 100; i++)
		conns[i] = add_conn(n, i);
	for (int round = 0; round < 3; round++)
		for (unsigned i = 0; i < 100; i++)
			check_int(notify_note(n, key, conns[i], addr_of(i)),
			    NOTIFY_NOTED);
	check_int(notify_senders(n, conns[7]), 1);
	check_int(notify_note(n, other, conns[7], addr_of(7)), NOTIFY_NOTED);
	check_int(notify_senders(n, conns[7]), 2);
	check_size(notify_stats(n).pairs, 101);
	check_size(leave_key(n, key), 100);
	check_int(notify_senders(n, conns[7]), 1);
	check_int(notify_senders(n, conns[8]), 0);
	check_size(notify_stats(n).pairs, 1);
	check_size(leave_key(n, other), 1);
	check_size(notify_stats(n).pairs, 0);
	check_size(notify_stats(n).bytes, 0);
}

/* Nothing is kept of a receiver that has left, nor is it told. */
static void
notify_drops_receivers_that_leave(void **state)
{
	struct notify *n = *state;
	const uint32_t key = add_key(n);

	/* far more than may be noted for one key at a time */
	for (unsigned i = 0; i < NOTIFY_KEY_MAX * 3; i++) {
		const uint32_t conn = add_conn(n, i);

		check_int(notify_note(n, key, conn, addr_of(i)), NOTIFY_NOTED);
		if (i >= 10)
			notify_leave_conn(n, conn);
	}
	check_size(notify_stats(n).pairs, 10);
	check_size(notify_stats(n).refused, 0);
	check_size(leave_key(n, key), 10);
	check_size(notify_stats(n).bytes, 0);
}

/* Who is not told is asked for again, until it leaves. */
static void
notify_keeps_a_receiver_until_it_is_told(void **state)
{
	struct notify *n = *state;
	const uint32_t key = add_key(n);
	struct notify_departure departure;
	struct notify_receiver some[4];
	uint32_t conns[3];

	for (unsigned i = 0; i < 3; i++) {
		conns[i] = add_conn(n, i);
		check_int(
		    notify_note(n, key, conns[i], addr_of(i)), NOTIFY_NOTED);
	}
	departure = notify_leave_key(n, key);
	check(notify_is_away(n, departure));
	check_size(notify_receivers(n, departure, some, 4), 3);
	check_size(notify_receivers(n, departure, some, 4), 3);
	check_size(notify_stats(n).pairs, 3);
	notify_told(n, departure, &some[1]);
	check_size(notify_stats(n).pairs, 2);
	notify_leave_conn(n, some[0].number);
	check_size(notify_receivers(n, departure, some, 4), 1);
	check(conn_addr_eq(some[0].addr, addr_of(some[0].addr.slot)));
	notify_told(n, departure, &some[0]);
	/* twice is once */
	notify_told(n, departure, &some[0]);
	check_size(notify_receivers(n, departure, some, 4), 0);
	check_size(notify_stats(n).pairs, 0);
	notify_remove_key(n, key);
}

/* A key that comes back goes on with those who have not been told. */
static void
notify_stops_telling_when_a_key_is_back(void **state)
{
	struct notify *n = *state;
	const uint32_t key = add_key(n), a = add_conn(n, 1), b = add_conn(n, 2);
	struct notify_departure first, second;
	struct notify_receiver some[4], late;

	check_int(notify_note(n, key, a, addr_of(1)), NOTIFY_NOTED);
	check_int(notify_note(n, key, b, addr_of(2)), NOTIFY_NOTED);
	first = notify_leave_key(n, key);
	check_size(notify_receivers(n, first, some, 1), 1);
	notify_told(n, first, &some[0]);
	check_size(notify_receivers(n, first, &late, 1), 1);
	notify_return_key(n, key);
	check(!notify_is_away(n, first));
	check_size(notify_receivers(n, first, some, 4), 0);
	/* what was found before its return is left alone */
	notify_told(n, first, &late);
	check_size(notify_stats(n).pairs, 1);
	check_int(notify_note(n, key, a, addr_of(1)), NOTIFY_NOTED);
	check_int(notify_note(n, key, b, addr_of(2)), NOTIFY_NOTED);
	check_size(notify_stats(n).pairs, 2);
	second = notify_leave_key(n, key);
	check_size(notify_receivers(n, first, some, 4), 0);
	check_size(notify_receivers(n, second, some, 4), 2);
	check_size(leave_key(n, key), 2);
	/* nor does it mean the next key with that number */
	check_int(add_key(n), key);
	check(!notify_is_away(n, second));
	check_int(notify_note(n, key, a, addr_of(1)), NOTIFY_NOTED);
	check_size(notify_receivers(n, second, some, 4), 0);
	check_size(leave_key(n, key), 1);
}

static struct notify *replaced_in;
static uint32_t replaced;

/* Another connection gets the number of one that leaves. */
static void
replace(void)
{
	notify_leave_conn(replaced_in, replaced);
	check_int(add_conn(replaced_in, 2), replaced);
}

/* A number that is given to another connection while receivers are looked for
 * does not stand for it. */
static void
notify_finds_nobody_in_place_of_another(void **state)
{
	struct notify *n = *state;
	const uint32_t key = add_key(n), gone = add_conn(n, 1);
	struct notify_departure departure;
	struct notify_receiver none;

	check_int(notify_note(n, key, gone, addr_of(1)), NOTIFY_NOTED);
	departure = notify_leave_key(n, key);
	replaced_in = n;
	replaced = gone;
	meanwhile = replace;
	locks_until = 2; /* the key's, the receiver's */
	check_size(notify_receivers(n, departure, &none, 1), 0);
	check_int(locks_until, 0);
	check_size(notify_stats(n).pairs, 0);
	notify_remove_key(n, key);
}

/* A number that was given to another connection does not stand for it, even
 * after it was found. */
static void
notify_tells_nobody_in_place_of_another(void **state)
{
	struct notify *n = *state;
	const uint32_t key = add_key(n), other = add_key(n);
	const uint32_t gone = add_conn(n, 1);
	struct notify_departure departure;
	struct notify_receiver found, none;

	check_int(notify_note(n, key, gone, addr_of(1)), NOTIFY_NOTED);
	departure = notify_leave_key(n, key);
	check_size(notify_receivers(n, departure, &found, 1), 1);
	notify_leave_conn(n, gone);
	check_int(add_conn(n, 2), gone);
	check_int(notify_note(n, other, gone, addr_of(2)), NOTIFY_NOTED);
	notify_told(n, departure, &found);
	check_size(notify_receivers(n, departure, &none, 1), 0);
	notify_remove_key(n, key);
	check_size(notify_stats(n).pairs, 1);
	check_size(leave_key(n, other), 1);
}

/* A number that was given to another connection does not stand for it. */
static void
notify_knows_who_has_left(void **state)
{
	struct notify *n = *state;
	const uint32_t key = add_key(n), gone = add_conn(n, 1);

	notify_leave_conn(n, gone);
	check_int(notify_note(n, key, gone, addr_of(1)), NOTIFY_GONE);
	check_int(add_conn(n, 2), gone);
	check_int(notify_note(n, key, gone, addr_of(1)), NOTIFY_GONE);
	check_size(notify_stats(n).pairs, 0);
	check_int(notify_note(n, key, gone, addr_of(2)), NOTIFY_NOTED);
	check_size(leave_key(n, key), 1);
}

static void
notify_limits_the_receivers_of_a_key(void **state)
{
	struct notify *n = *state;
	const uint32_t key = add_key(n);
	uint32_t conn = 0;

	for (unsigned i = 0; i <= NOTIFY_KEY_MAX; i++) {
		conn = add_conn(n, i);
		check_int(notify_note(n, key, conn, addr_of(i)),
		    i < NOTIFY_KEY_MAX ? NOTIFY_NOTED : NOTIFY_FULL);
	}
	check_size(notify_stats(n).refused, 1);
	check_size(notify_stats(n).pairs, NOTIFY_KEY_MAX);
	/* another key has its own limit */
	check_int(notify_note(n, add_key(n), conn, addr_of(NOTIFY_KEY_MAX)),
	    NOTIFY_NOTED);
	check_size(leave_key(n, key), NOTIFY_KEY_MAX);
}

static void
notify_limits_pairs_in_total(void **state)
{
	struct notify *n = notify_new(100, 3);
	const uint32_t a = add_key(n), b = add_key(n);
	uint32_t conns[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		conns[i] = add_conn(n, i);
	check_int(notify_note(n, a, conns[0], addr_of(0)), NOTIFY_NOTED);
	check_int(notify_note(n, a, conns[1], addr_of(1)), NOTIFY_NOTED);
	check_int(notify_note(n, b, conns[1], addr_of(1)), NOTIFY_NOTED);
	check_int(notify_note(n, b, conns[2], addr_of(2)), NOTIFY_FULL);
	check_int(notify_note(n, a, conns[3], addr_of(3)), NOTIFY_FULL);
	check_size(notify_stats(n).pairs, 3);
	check_size(notify_stats(n).refused, 2);
	/* what was noted before stays noted */
	check_int(notify_note(n, b, conns[1], addr_of(1)), NOTIFY_NOTED);
	notify_leave_conn(n, conns[1]);
	check_size(notify_stats(n).pairs, 1);
	check_int(notify_note(n, b, conns[2], addr_of(2)), NOTIFY_NOTED);
	check_size(leave_key(n, b), 1);
	check_size(leave_key(n, a), 1);
	notify_free(n);
}

/* All talk to all: at most 16 bytes a pair. */
static void
notify_is_small(void **state)
{
	enum { ALL = 400 };
	struct notify *n = *state;
	uint32_t keys[ALL], conns[ALL];
	struct notify_stats stats;

	for (unsigned i = 0; i < ALL; i++) {
		keys[i] = add_key(n);
		conns[i] = add_conn(n, i);
	}
	for (unsigned i = 0; i < ALL; i++)
		for (unsigned k = 0; k < ALL; k++)
			check_int(notify_note(n, keys[i], conns[k], addr_of(k)),
			    NOTIFY_NOTED);
	stats = notify_stats(n);
	check_size(stats.pairs, ALL * ALL);
	check(stats.bytes <= stats.pairs * 16);
	for (unsigned i = 0; i < ALL; i += 2)
		notify_leave_conn(n, conns[i]);
	check_size(notify_stats(n).pairs, ALL * ALL / 2);
	for (unsigned i = 0; i < ALL; i++)
		check_size(leave_key(n, keys[i]), ALL / 2);
	check_size(notify_stats(n).pairs, 0);
	check_size(notify_stats(n).bytes, 0);
}

static void
notify_survives_lack_of_memory(void **state)
{
	struct notify *n = notify_new(3, 100);
	uint32_t key, conns[2], none;

	(void)state;
	fake_alloc_fail_at(1);
	none = notify_add(n, addr_of(0));
	check(fake_alloc_failed());
	check_int(none, 0);
	key = add_key(n);
	conns[0] = add_conn(n, 0);
	conns[1] = add_conn(n, 1);
	/* too many */
	check_int(notify_add(n, addr_of(2)), 0);
	check_int(notify_note(n, key, conns[0], addr_of(0)), NOTIFY_NOTED);
	check_int(notify_note(n, key, conns[1], addr_of(1)), NOTIFY_NOTED);
	/* telling needs none */
	fake_alloc_fail_at(1);
	check_size(leave_key(n, key), 2);
	check(!fake_alloc_failed());
	check_size(notify_stats(n).pairs, 0);
	notify_free(n);
	notify_free(NULL);
}

/* At each of the allocations that noting needs. */
static void
notify_note_needs_memory(void **state)
{
	struct notify *n = *state;
	uint32_t keys[20], conns[20];
	unsigned failed = 0;

	for (unsigned i = 0; i < 20; i++) {
		keys[i] = add_key(n);
		conns[i] = add_conn(n, i);
	}
	for (unsigned i = 0; i < 400; i++) {
		const uint32_t key = keys[i / 20], conn = conns[i % 20];
		const size_t pairs = notify_stats(n).pairs;
		enum notify_result got;

		fake_alloc_fail_at(1);
		got = notify_note(n, key, conn, addr_of(i % 20));
		if (fake_alloc_failed()) {
			check_int(got, NOTIFY_NO_MEMORY);
			check_size(notify_stats(n).pairs, pairs);
			failed++;
			got = notify_note(n, key, conn, addr_of(i % 20));
		}
		check_int(got, NOTIFY_NOTED);
	}
	check(failed > 40);
	for (unsigned i = 0; i < 20; i++)
		check_size(leave_key(n, keys[i]), 20);
	check_size(notify_stats(n).bytes, 0);
}

enum { THREADS = 4, ROUNDS = 300, CONNS = 24 };

struct shared {
	struct notify *n;
	/* what others may note; as stale as a remembered route may be */
	_Atomic uint32_t receivers[CONNS];
	_Atomic uint32_t numbers[CONNS];
};

struct thread_ctx {
	struct shared *shared;
	unsigned number;
};

/* The key leaves, some are told; it comes back, or the others are, too. */
static void
come_and_go(struct notify *n, uint32_t key, bool comes_back)
{
	struct notify_departure departure = notify_leave_key(n, key);
	struct notify_receiver some[3];
	size_t got;

	while ((got = notify_receivers(n, departure, some, 3)) > 0) {
		for (size_t i = 0; i < got; i++) {
			if (!conn_addr_eq(
				some[i].addr, addr_of(some[i].addr.slot)))
				abort();
			notify_told(n, departure, &some[i]);
		}
		if (comes_back) {
			notify_return_key(n, key);
			departure = notify_leave_key(n, key);
		}
	}
	notify_remove_key(n, key);
}

/* Keys and connections come, note each other, and go. */
static void *
churn(void *ctx)
{
	struct thread_ctx *t = ctx;
	struct shared *s = t->shared;
	unsigned seed = t->number;

	for (unsigned i = 0; i < ROUNDS; i++) {
		const unsigned me = t->number * ROUNDS + i;
		const unsigned place = (unsigned)rand_r(&seed) % CONNS;
		const uint32_t key = notify_add(s->n, (struct conn_addr){ 0 });
		const uint32_t conn = notify_add(s->n, addr_of(me));

		if (key == 0 || conn == 0)
			abort();
		atomic_store(&s->numbers[place], me);
		atomic_store(&s->receivers[place], conn);
		for (unsigned k = 0; k < CONNS; k++) {
			const uint32_t to = atomic_load(&s->receivers[k]);

			if (to != 0)
				(void)notify_note(s->n, key, to,
				    addr_of(atomic_load(&s->numbers[k])));
		}
		if (i % 2 == 0)
			notify_leave_conn(s->n, conn);
		come_and_go(s->n, key, i % 3 == 0);
		if (i % 2 != 0)
			notify_leave_conn(s->n, conn);
	}
	return NULL;
}

static void
notify_is_safe_for_many_threads(void **state)
{
	struct shared shared = { .n = *state };
	struct thread_ctx ctx[THREADS];
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		ctx[i] = (struct thread_ctx){ &shared, i };
		check_int(pthread_create(&threads[i], NULL, churn, &ctx[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check_size(notify_stats(shared.n).pairs, 0);
	check_size(notify_stats(shared.n).bytes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(notify_tells_each_receiver_once),
		TEST(notify_drops_receivers_that_leave),
		TEST(notify_knows_who_has_left),
		TEST(notify_keeps_a_receiver_until_it_is_told),
		TEST(notify_stops_telling_when_a_key_is_back),
		TEST(notify_tells_nobody_in_place_of_another),
		TEST(notify_finds_nobody_in_place_of_another),
		TEST(notify_limits_the_receivers_of_a_key),
		cmocka_unit_test(notify_limits_pairs_in_total),
		TEST(notify_is_small),
		cmocka_unit_test(notify_survives_lack_of_memory),
		TEST(notify_note_needs_memory),
		TEST(notify_is_safe_for_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
