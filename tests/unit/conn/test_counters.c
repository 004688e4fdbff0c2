/* counters: sums while others write, and text. */
#include "check.h"
#include "fake_alloc.h"

#include "counters.h"

#include <stdio.h>

#include <pthread.h>

enum { SETS = 3, ROUNDS = 200000, STANDING = 5 };

static void
counters_sum_adds_every_field_of_every_set(void **state)
{
	struct counters_array *a = counters_new(SETS);
	const size_t fields = sizeof(struct counters) / sizeof(uint64_t);
	struct counter_values sum;

	(void)state;
	for (size_t s = 0; s < SETS; s++) {
		_Atomic uint64_t *set = (_Atomic uint64_t *)counters_at(a, s);

		check_size((uintptr_t)set % COUNTERS_ALIGN, 0);
		/* falling, as the last two are limited by those before */
		for (size_t i = 0; i < fields; i++)
			counters_add(&set[i], (fields - i) * (s + 1));
	}
	sum = counters_sum(a);
	for (size_t i = 0; i < fields; i++)
		check_size(((const uint64_t *)&sum)[i], (fields - i) * 6);
	counters_free(a);
}

static void
counters_go_up_and_down(void **state)
{
	struct counters_array *a = counters_new(1);
	struct counters *c = counters_at(a, 0);

	(void)state;
	counters_add(&c->accepts, 9);
	counters_add(&c->current_connections, 7);
	counters_subtract(&c->current_connections, 3);
	check_size(counters_sum(a).current_connections, 4);
	check_size(counters_sum(a).accepts, 9);
	counters_free(a);
}

/* What passes is what is received, sent or handed over. */
static void
counters_passed_adds_what_packets_cost(void **state)
{
	struct counters_array *a = counters_new(SETS);

	(void)state;
	for (size_t s = 0; s < SETS; s++) {
		struct counters *c = counters_at(a, s);

		counters_add(&c->packets_received, 1 + s);
		counters_add(&c->packets_sent, 10);
		counters_add(&c->crossed, 100);
		counters_add(&c->turns, 1000);
		check_size(counters_passed(c), 111 + s);
	}
	check_size(counters_passed_all(a), 3 * 111 + 0 + 1 + 2);
	counters_free(a);
}

static void
counters_new_needs_memory(void **state)
{
	(void)state;
	check(counters_new(SIZE_MAX / 8) == NULL);
	counters_free(NULL);
}

struct writer_thread {
	struct counters *set;
	atomic_bool *stop;
};

/* Connections come, become home ones, and go; one of them is always there. */
static void *
write_counters(void *ctx)
{
	struct writer_thread *t = ctx;

	for (int i = 0; i < ROUNDS && !atomic_load(t->stop); i++) {
		counters_add(&t->set->accepts, 1);
		counters_add(&t->set->current_connections, 1);
		counters_add(&t->set->current_home, 1);
		counters_subtract(&t->set->current_home, 1);
		counters_subtract(&t->set->current_connections, 1);
	}
	return NULL;
}

/* Every sum is one that could have been, however the workers write. */
static void
counters_sum_is_plausible_at_all_times(void **state)
{
	struct counters_array *a = counters_new(SETS);
	struct writer_thread writers[SETS];
	pthread_t threads[SETS];
	atomic_bool stop = false;
	uint64_t accepts = 0;

	(void)state;
	for (size_t s = 0; s < SETS; s++) {
		writers[s] = (struct writer_thread){ counters_at(a, s), &stop };
		counters_add(&writers[s].set->accepts, STANDING);
		counters_add(&writers[s].set->current_connections, STANDING);
		counters_add(&writers[s].set->current_home, STANDING);
	}
	for (size_t s = 0; s < SETS; s++)
		check_int(pthread_create(
			      &threads[s], NULL, write_counters, &writers[s]),
		    0);
	for (int i = 0; i < 20000; i++) {
		struct counter_values sum = counters_sum(a);

		/* each worker has STANDING or one more */
		check(sum.current_connections >= SETS * STANDING);
		check(sum.current_connections <= SETS * (STANDING + 1));
		check(sum.current_home >= SETS * STANDING);
		check(sum.current_home <= sum.current_connections);
		check(sum.accepts >= sum.current_connections);
		check(sum.accepts >= accepts);
		accepts = sum.accepts;
	}
	atomic_store(&stop, true);
	for (size_t s = 0; s < SETS; s++)
		pthread_join(threads[s], NULL);
	check_size(counters_sum(a).current_connections, SETS * STANDING);
	check_size(counters_sum(a).current_home, SETS * STANDING);
	counters_free(a);
}

static void
counters_format_names_what_is_not_zero(void **state)
{
	struct counter_values v = {
		.accepts = 1, .packets_sent = UINT64_MAX, .rtt_non_tcp = 7
	};
	char text[128];
	size_t at = 0;

	(void)state;
	check(counters_format(&v, &at, text, sizeof text));
	check_text(
	    text, "accepts=1 packets_sent=18446744073709551615 rtt_non_tcp=7");
	check(!counters_format(&v, &at, text, sizeof text));
	at = 0;
	check(!counters_format(
	    &(struct counter_values){ 0 }, &at, text, sizeof text));
	check_text(text, "");
}

/* All of them at their largest, in pieces of any size: none is left out. */
static void
counters_format_tells_all_in_pieces(void **state)
{
	static struct counter_values v;
	static char whole[65536], pieces[65536], text[4096];
	size_t at = 0, n;

	(void)state;
	memset(&v, 0xff, sizeof v);
	check(counters_format(&v, &at, whole, sizeof whole));
	check_contains(whole, " rtt_non_tcp=18446744073709551615");
	for (size_t cap = COUNTERS_TEXT_MIN; cap <= sizeof text; cap += 97) {
		n = 0;
		for (at = 0; counters_format(&v, &at, text, cap);)
			n += (size_t)snprintf(pieces + n, sizeof pieces - n,
			    "%s%s", n > 0 ? " " : "", text);
		check_text(pieces, whole);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_sum_adds_every_field_of_every_set),
		cmocka_unit_test(counters_go_up_and_down),
		cmocka_unit_test(counters_passed_adds_what_packets_cost),
		cmocka_unit_test(counters_new_needs_memory),
		cmocka_unit_test(counters_sum_is_plausible_at_all_times),
		cmocka_unit_test(counters_format_names_what_is_not_zero),
		cmocka_unit_test(counters_format_tells_all_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
