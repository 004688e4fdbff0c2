/* loop: what is high-rate and may be held back, and what is not held back by
 * it. */
#include "check.h"

#include "clock.h"
#include "loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define HOLD_US 400000 /* longer than a busy machine stalls */

/* A descriptor that counts how often it was ready, and stays so. */
struct counted {
	struct loop_watch watch;
	unsigned calls;
	unsigned events; /* of the last call */
};

struct fixture {
	struct loop *loop;
	struct counted calm, high_rate;
};

static void
count(void *ctx, unsigned events)
{
	struct counted *c = ctx;

	c->calls++;
	c->events = events;
}

static void
counted_open(struct loop *loop, struct counted *c)
{
	c->watch = (struct loop_watch){ .fd = eventfd(1, EFD_CLOEXEC),
		.events = LOOP_READ,
		.ready = count,
		.ctx = c };
	check(c->watch.fd != -1);
	check_int(loop_watch(loop, &c->watch), 0);
}

static void
counted_close(struct loop *loop, struct counted *c)
{
	int fd = c->watch.fd;

	loop_unwatch(loop, &c->watch);
	close(fd);
}

static int
setup(void **state)
{
	static struct fixture f;
	struct fail why = { 0 };

	f = (struct fixture){ .loop = loop_new(&why) };
	check(f.loop != NULL);
	counted_open(f.loop, &f.calm);
	counted_open(f.loop, &f.high_rate);
	loop_set_high_rate(f.loop, &f.high_rate.watch, true);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	counted_close(f->loop, &f->calm);
	counted_close(f->loop, &f->high_rate);
	loop_free(f->loop);
	return 0;
}

static void
loop_reports_high_rate_like_all_else(void **state)
{
	struct fixture *f = *state;

	loop_turn(f->loop);
	check_int(f->high_rate.calls, 1);
	check_int(f->high_rate.events, LOOP_READ);
	check_int(f->calm.calls, 1);
	/* also what is asked for later, and no longer */
	loop_rewatch(f->loop, &f->high_rate.watch, LOOP_WRITE);
	loop_turn(f->loop);
	check_int(f->high_rate.events, LOOP_WRITE);
	loop_rewatch(f->loop, &f->high_rate.watch, 0);
	loop_turn(f->loop);
	check_int(f->high_rate.calls, 2);
	check_int(f->calm.calls, 3);
}

static void
loop_holds_back_high_rate_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	const uint64_t until_us = clock_now_us() + HOLD_US;
	unsigned turns = 0;

	check(loop_hold_high_rate(f->loop, until_us));
	for (; f->high_rate.calls == 0; turns++) {
		loop_turn(f->loop);
		check_int(f->calm.calls, turns + 1);
	}
	check(clock_now_us() >= until_us);
	check(turns > 1);
}

/* With nothing else to do the wait ends with the hold. */
static void
loop_waits_no_longer_than_the_hold(void **state)
{
	struct fixture *f = *state;
	const uint64_t until_us = clock_now_us() + HOLD_US;

	loop_rewatch(f->loop, &f->calm.watch, 0);
	check(loop_hold_high_rate(f->loop, until_us));
	loop_turn(f->loop);
	check_int(f->high_rate.calls, 1);
	check(clock_now_us() >= until_us);
}

static void
fire(void *ctx)
{
	unsigned *fired = ctx;

	(*fired)++;
}

static void
loop_fires_timers_while_it_holds(void **state)
{
	struct fixture *f = *state;
	unsigned fired = 0;
	struct loop_timer timer = { .fire = fire, .ctx = &fired };

	loop_rewatch(f->loop, &f->calm.watch, 0);
	check(loop_hold_high_rate(f->loop, clock_now_us() + 60 * 1000000ULL));
	check_int(loop_timer_set(f->loop, &timer, clock_now_ms() + 20), 0);
	while (fired == 0)
		loop_turn(f->loop);
	check_int(f->high_rate.calls, 0);
}

/* A hold is not made longer by asking again, nor kept up by work that is left
 * over from turn to turn. */
static void
loop_ends_a_hold_in_time(void **state)
{
	struct fixture *f = *state;
	const uint64_t until_us = clock_now_us() + HOLD_US;

	check(loop_hold_high_rate(f->loop, until_us));
	while (f->high_rate.calls == 0) {
		loop_again(f->loop);
		loop_turn(f->loop);
		if (f->high_rate.calls == 0)
			check(
			    !loop_hold_high_rate(f->loop, until_us + 60000000));
	}
	check(clock_now_us() >= until_us);
}

static void
loop_holds_nothing_where_nothing_is_bulk(void **state)
{
	struct fixture *f = *state;
	const uint64_t until_us = clock_now_us() + 60 * 1000000ULL;
	struct counted other = { 0 };

	loop_set_high_rate(f->loop, &f->high_rate.watch, false);
	check(!loop_hold_high_rate(f->loop, until_us));
	loop_turn(f->loop);
	check_int(f->high_rate.calls, 1);
	/* what leaves is high-rate no longer either */
	counted_open(f->loop, &other);
	loop_set_high_rate(f->loop, &other.watch, true);
	counted_close(f->loop, &other);
	check(!loop_hold_high_rate(f->loop, until_us));
	/* and what is let go during a hold is seen again at once */
	loop_set_high_rate(f->loop, &f->high_rate.watch, true);
	check(loop_hold_high_rate(f->loop, until_us));
	loop_set_high_rate(f->loop, &f->high_rate.watch, false);
	loop_turn(f->loop);
	check_int(f->high_rate.calls, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(loop_reports_high_rate_like_all_else),
		TEST(loop_holds_back_high_rate_and_nothing_else),
		TEST(loop_waits_no_longer_than_the_hold),
		TEST(loop_fires_timers_while_it_holds),
		TEST(loop_ends_a_hold_in_time),
		TEST(loop_holds_nothing_where_nothing_is_bulk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
