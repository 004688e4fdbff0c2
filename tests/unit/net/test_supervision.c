/* supervision: what a service manager is told, and when. */
#include "fake_manager.h"
#include "supervision.h"

#define SECOND UINT64_C(1000000)

struct fixture {
	struct fake_manager manager;
	struct supervision s;
	struct loop *loop;
	struct mailbox *mailbox;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	fake_manager_open(&f->manager);
	f->loop = loop_new(NULL);
	f->mailbox = mailbox_new(f->loop, NULL, NULL);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	mailbox_free(f->mailbox);
	loop_free(f->loop);
	supervision_close(&f->s);
	fake_manager_close(&f->manager);
	free(f);
	return 0;
}

static void
begin(struct fixture *f)
{
	check_int(supervision_open(&f->s, fake_env_get, NULL), 0);
	supervision_watch(&f->s, f->mailbox);
}

static void
polled(struct fixture *f, uint64_t now_us, bool is_complete, const char *want)
{
	struct fail why = { 0 };

	check_int(supervision_poll(&f->s, now_us, is_complete, &why), 0);
	check_text(why.text, "");
	check_text(fake_manager_next(&f->manager), want);
}

static void
supervision_is_ready_when_it_has_all(void **state)
{
	struct fixture *f = *state;

	begin(f);
	check(supervision_is_used(&f->s));
	polled(f, SECOND, true, ""); /* it does not serve */
	supervision_reloading(&f->s, SECOND);
	supervision_reloaded(&f->s);
	supervision_started(&f->s, SECOND);
	polled(f, SECOND, false, "");
	polled(f, 2 * SECOND, true, "READY=1");
	polled(f, 3 * SECOND, true, "");
	supervision_reloading(&f->s, 1234567);
	check_text(fake_manager_next(&f->manager),
	    "RELOADING=1\nMONOTONIC_USEC=1234567");
	supervision_reloaded(&f->s);
	check_text(fake_manager_next(&f->manager), "READY=1");
	supervision_stopping(&f->s, 1000);
	check_text(fake_manager_next(&f->manager),
	    "STOPPING=1\nEXTEND_TIMEOUT_USEC=11000000");
}

static void
supervision_does_not_wait_for_ever(void **state)
{
	struct fixture *f = *state;

	begin(f);
	supervision_started(&f->s, SECOND);
	polled(f, 11 * SECOND - 1, false, "");
	polled(f, 11 * SECOND, false, "READY=1");
}

static void
supervision_tells_a_status_now_and_then(void **state)
{
	struct fixture *f = *state;

	begin(f);
	supervision_status(&f->s, SECOND, "one");
	check_text(fake_manager_next(&f->manager), "STATUS=one");
	supervision_status(&f->s, 9 * SECOND, "one");
	check_text(fake_manager_next(&f->manager), "");
	supervision_status(&f->s, 9 * SECOND, "two");
	check_text(fake_manager_next(&f->manager), "STATUS=two");
	supervision_status(&f->s, 10 * SECOND, "three");
	check_text(fake_manager_next(&f->manager), "");
	supervision_status(&f->s, 14 * SECOND, "three");
	check_text(fake_manager_next(&f->manager), "STATUS=three");
}

/* Often enough for a watchdog of four seconds. */
static void
supervision_lives_as_long_as_its_loops(void **state)
{
	struct fixture *f = *state;
	struct fail why = { 0 };

	fake_env_set("WATCHDOG_USEC", "4000000");
	begin(f);
	supervision_started(&f->s, SECOND);
	polled(f, SECOND, true, "READY=1"); /* asks the loop, too */
	loop_turn(f->loop);
	polled(f, SECOND + 1, true, "WATCHDOG=1");
	polled(f, 2 * SECOND, true, "");
	check_int(supervision_poll(&f->s, 3 * SECOND, true, &why), -1);
	check_contains(why.text, "event loop 0 does not answer");
	check_text(fake_manager_next(&f->manager), "");
	polled(f, 9 * SECOND, true, "");
	loop_turn(f->loop);
	polled(f, 10 * SECOND, true, "WATCHDOG=1");
}

static void
check_tick(const struct supervision *s, long want_us)
{
	const struct timespec tick = supervision_tick(s, SECOND);

	check_int(tick.tv_sec * 1000000 + tick.tv_nsec / 1000, want_us);
}

static void
supervision_says_how_often_it_is_polled(void **state)
{
	struct fixture *f = *state;

	begin(f);
	check_tick(&f->s, 50000);
	f->s.is_ready = true;
	check_tick(&f->s, 1000000);
	f->s.notify.watchdog_us = 30 * SECOND;
	check_tick(&f->s, 1000000);
	f->s.notify.watchdog_us = 2 * SECOND;
	check_tick(&f->s, 250000);
	f->s.notify.watchdog_us = 1;
	check_tick(&f->s, 1);
}

static void
supervision_tells_nothing_without_a_manager(void **state)
{
	struct fixture *f = *state;

	fake_env_clear();
	begin(f);
	check(!supervision_is_used(&f->s));
	supervision_started(&f->s, SECOND);
	polled(f, SECOND, true, "");
	supervision_status(&f->s, SECOND, "one");
	supervision_reloading(&f->s, SECOND);
	supervision_stopping(&f->s, 0);
	check_text(fake_manager_next(&f->manager), "");
	check_tick(&f->s, 1000000);
}

/* One that nobody reads must be told, or the start ends without a reason. */
static void
supervision_says_when_it_cannot_tell(void **state)
{
	struct fixture *f = *state;
	struct fail why = { 0 };

	begin(f);
	unlink(f->manager.path);
	supervision_started(&f->s, SECOND);
	check_int(supervision_poll(&f->s, SECOND, true, &why), -1);
	check_contains(why.text, "NOTIFY_SOCKET: cannot tell");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(supervision_is_ready_when_it_has_all),
		TEST(supervision_does_not_wait_for_ever),
		TEST(supervision_tells_a_status_now_and_then),
		TEST(supervision_lives_as_long_as_its_loops),
		TEST(supervision_says_how_often_it_is_polled),
		TEST(supervision_tells_nothing_without_a_manager),
		TEST(supervision_says_when_it_cannot_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
