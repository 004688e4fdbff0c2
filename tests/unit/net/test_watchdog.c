/* watchdog: every loop must answer. */
#include "check.h"

#include "watchdog.h"

#include <stdlib.h>

#define LOOPS 3

struct fixture {
	struct loop *loops[LOOPS];
	struct mailbox *mailboxes[LOOPS];
	struct watchdog watchdog;
	size_t late;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	watchdog_init(&f->watchdog, 1000);
	for (size_t i = 0; i < LOOPS; i++) {
		f->loops[i] = loop_new(NULL);
		f->mailboxes[i] = mailbox_new(f->loops[i], NULL, NULL);
		watchdog_add(&f->watchdog, f->mailboxes[i]);
	}
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < LOOPS; i++) {
		mailbox_free(f->mailboxes[i]);
		loop_free(f->loops[i]);
	}
	free(f);
	return 0;
}

static void
poll_at(struct fixture *f, uint64_t now_us, enum watchdog_result want)
{
	check_int(watchdog_poll(&f->watchdog, now_us, &f->late), want);
}

/* Loops from..to handle what was sent to them. */
static void
turn(struct fixture *f, size_t from, size_t to)
{
	for (size_t i = from; i <= to; i++)
		loop_turn(f->loops[i]);
}

static void
watchdog_is_alive_when_all_answer(void **state)
{
	struct fixture *f = *state;

	poll_at(f, 5000, WATCHDOG_NOTHING); /* asks */
	poll_at(f, 5100, WATCHDOG_NOTHING);
	turn(f, 0, LOOPS - 1);
	poll_at(f, 5200, WATCHDOG_ALIVE);
	/* the next round is not due yet */
	poll_at(f, 5999, WATCHDOG_NOTHING);
	check(!f->watchdog.waiting);
	poll_at(f, 6000, WATCHDOG_NOTHING);
	check(f->watchdog.waiting);
	turn(f, 0, LOOPS - 1);
	poll_at(f, 6001, WATCHDOG_ALIVE);
}

/* However long it is waited for, one that is missing is missing. */
static void
watchdog_misses_a_loop_that_hangs(void **state)
{
	struct fixture *f = *state;

	poll_at(f, 5000, WATCHDOG_NOTHING);
	turn(f, 0, 0);
	turn(f, 2, 2);
	poll_at(f, 5999, WATCHDOG_NOTHING);
	poll_at(f, 6000, WATCHDOG_HANGS);
	check_size(f->late, 1);
	poll_at(f, 7000, WATCHDOG_NOTHING); /* told once */
	poll_at(f, 90000, WATCHDOG_NOTHING);
	turn(f, 1, 1);
	poll_at(f, 90001, WATCHDOG_ALIVE);
	/* and told again the next time */
	poll_at(f, 91000, WATCHDOG_NOTHING);
	turn(f, 1, 1);
	poll_at(f, 92000, WATCHDOG_HANGS);
	check_size(f->late, 0);
	/* as is another one that hangs behind it */
	turn(f, 0, 0);
	poll_at(f, 92001, WATCHDOG_HANGS);
	check_size(f->late, 2);
}

static void
watchdog_that_nobody_wants_asks_nobody(void **state)
{
	struct fixture *f = *state;

	f->watchdog.interval_us = 0;
	poll_at(f, 5000, WATCHDOG_NOTHING);
	poll_at(f, 500000, WATCHDOG_NOTHING);
	check(!f->watchdog.waiting);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(watchdog_is_alive_when_all_answer),
		TEST(watchdog_misses_a_loop_that_hangs),
		TEST(watchdog_that_nobody_wants_asks_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
