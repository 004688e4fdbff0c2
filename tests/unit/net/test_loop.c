/* loop: descriptors, timers, turns, stop. */
#include "check.h"
#include "fake_alloc.h"

#include "clock.h"
#include "loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
	struct loop *loop;
	int order[4096]; /* what was called, in order */
	size_t calls;
};

/* A timer that notes its number. */
struct noted {
	struct loop_timer timer;
	struct fixture *f;
	int number;
	struct noted *clears; /* cleared by it; or NULL */
	uint64_t again_ms;    /* set again once, so much later; 0: not */
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct fail why = { 0 };

	f->loop = loop_new(&why);
	check_text(why.text, "");
	*state = f;
	return f->loop != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	loop_free(f->loop);
	free(f);
	return 0;
}

static void
note(void *ctx)
{
	struct noted *n = ctx;
	struct fixture *f = n->f;

	check_size(n->timer.place, 0);
	f->order[f->calls++] = n->number;
	if (n->clears != NULL)
		loop_timer_clear(f->loop, &n->clears->timer);
	if (n->again_ms > 0) {
		check_int(loop_timer_set(f->loop, &n->timer,
			      loop_now_ms(f->loop) + n->again_ms),
		    0);
		n->again_ms = 0;
	}
}

static struct noted
noted(struct fixture *f, int number)
{
	return (struct noted){ .f = f, .number = number };
}

/* A struct that holds its own address cannot be made by value. */
static void
set(struct noted *n, uint64_t due_ms)
{
	n->timer.fire = note;
	n->timer.ctx = n;
	check_int(loop_timer_set(n->f->loop, &n->timer, due_ms), 0);
}

/* One turn that does not wait. */
static void
turn(struct fixture *f)
{
	loop_again(f->loop);
	loop_turn(f->loop);
}

static void
loop_fires_timers_in_the_order_of_their_time(void **state)
{
	struct fixture *f = *state;
	struct noted n[5];
	const uint64_t now = clock_now_ms();
	static const uint64_t ago[] = { 30, 10, 50, 40, 20 };

	for (int i = 0; i < 5; i++) {
		n[i] = noted(f, i);
		set(&n[i], now - ago[i]);
	}
	turn(f);
	check_size(f->calls, 5);
	check_int(f->order[0], 2);
	check_int(f->order[1], 3);
	check_int(f->order[2], 0);
	check_int(f->order[3], 4);
	check_int(f->order[4], 1);
}

static void
loop_fires_no_timer_early(void **state)
{
	struct fixture *f = *state;
	struct noted n = noted(f, 1);
	const uint64_t due = clock_now_ms() + 40;

	set(&n, due);
	turn(f);
	check(f->calls == 0 || clock_now_ms() >= due);
	while (f->calls == 0)
		loop_turn(f->loop);
	check(clock_now_ms() >= due);
	check(clock_now_ms() < due + 20000);
	check(loop_now_ms(f->loop) >= due);
}

/* Thousands of timers that are set, moved both ways and cleared, against a
 * plain list of what should be left. */
static void
loop_keeps_many_timers_in_order(void **state)
{
	enum { TIMERS = 2000 };
	struct fixture *f = *state;
	struct noted *n = calloc(TIMERS, sizeof *n);
	const uint64_t base = clock_now_ms() - 100000;
	size_t left = 0;
	unsigned seed = 7;

	for (int i = 0; i < TIMERS; i++) {
		n[i] = noted(f, i);
		set(&n[i], base + (uint64_t)rand_r(&seed) % 50000);
	}
	for (int i = 0; i < 3 * TIMERS; i++) {
		struct noted *one = &n[rand_r(&seed) % TIMERS];

		if (rand_r(&seed) % 3 == 0)
			loop_timer_clear(f->loop, &one->timer);
		else
			set(one, base + (uint64_t)rand_r(&seed) % 50000);
	}
	for (int i = 0; i < TIMERS; i++)
		left += n[i].timer.place != 0;
	check(left > TIMERS / 4 && left < TIMERS);
	turn(f);
	check_size(f->calls, left);
	for (size_t i = 0; i < f->calls; i++) {
		check_size(n[f->order[i]].timer.place, 0);
		if (i > 0)
			check(n[f->order[i - 1]].timer.due_ms <=
			    n[f->order[i]].timer.due_ms);
	}
	free(n);
}

static void
loop_clears_a_timer_from_a_callback(void **state)
{
	struct fixture *f = *state;
	struct noted a = noted(f, 1), b = noted(f, 2), c = noted(f, 3);
	const uint64_t now = clock_now_ms();

	a.clears = &b;
	set(&a, now - 3);
	set(&b, now - 2);
	set(&c, now - 1);
	turn(f);
	check_size(f->calls, 2);
	check_int(f->order[1], 3);
	/* clearing what is not set is nothing */
	loop_timer_clear(f->loop, &b.timer);
	loop_timer_clear(f->loop, &b.timer);
}

static void
loop_sets_a_timer_again_from_its_callback(void **state)
{
	struct fixture *f = *state;
	struct noted n = noted(f, 1);

	n.again_ms = 20;
	set(&n, clock_now_ms());
	turn(f);
	check_size(f->calls, 1);
	check(n.timer.place != 0);
	while (f->calls < 2)
		loop_turn(f->loop);
	check_size(n.timer.place, 0);
}

/* A timer that sets another one to a time that has passed already. */
struct setter {
	struct loop_timer timer;
	struct fixture *f;
	struct setter *other; /* perhaps itself */
	uint64_t ago_ms;
};

static void
set_other(void *ctx)
{
	struct setter *s = ctx;
	struct fixture *f = s->f;

	if (++f->calls < 20)
		check_int(loop_timer_set(f->loop, &s->other->timer,
			      loop_now_ms(f->loop) - s->ago_ms),
		    0);
}

/* What is to be done a little at a time is done so: one fires a turn. */
static void
check_one_a_turn(struct fixture *f, struct setter *s)
{
	size_t before;

	f->calls = 0;
	check_int(loop_timer_set(f->loop, &s->timer, 0), 0);
	while (f->calls < 20) {
		before = f->calls;
		loop_turn(f->loop);
		check(f->calls - before <= 1);
	}
}

static void
loop_fires_what_is_set_to_now_in_a_later_turn(void **state)
{
	struct fixture *f = *state;
	struct setter a = { .f = f }, b = { .f = f };

	a.timer = (struct loop_timer){ .fire = set_other, .ctx = &a };
	b.timer = (struct loop_timer){ .fire = set_other, .ctx = &b };
	a.other = &a;
	check_one_a_turn(f, &a);
	a.ago_ms = b.ago_ms = 1000;
	check_one_a_turn(f, &a);
	a.other = &b;
	b.other = &a;
	check_one_a_turn(f, &a);
}

/* So that who has a timer set once never finds no memory for it. */
static void
loop_timer_keeps_its_place(void **state)
{
	struct fixture *f = *state;
	struct setter s = { .f = f };
	struct noted n[63];

	s.timer = (struct loop_timer){ .fire = set_other, .ctx = &s };
	s.other = &s;
	check_int(loop_timer_set(f->loop, &s.timer, 0), 0);
	for (int i = 0; i < 63; i++) {
		n[i] = noted(f, i);
		set(&n[i], clock_now_ms() + 3600000);
	}
	fake_alloc_fail_at(1);
	while (f->calls < 20)
		loop_turn(f->loop);
	check(!fake_alloc_failed());
	fake_alloc_fail_at(0);
}

static void
loop_timer_set_fails_without_memory(void **state)
{
	struct fixture *f = *state;
	struct noted n = noted(f, 1);

	n.timer.fire = note;
	n.timer.ctx = &n;
	fake_alloc_fail_at(1);
	check_int(loop_timer_set(f->loop, &n.timer, 0), -1);
	check(fake_alloc_failed());
	check_size(n.timer.place, 0);
	turn(f);
	check_size(f->calls, 0);
	set(&n, 1);
	turn(f);
	check_size(f->calls, 1);
}

/* A descriptor that counts its events. */
struct counted {
	struct loop_watch watch;
	struct fixture *f;
	unsigned events; /* or-ed */
	int calls;
	struct counted *removes; /* unwatched and closed by it */
};

static void
count(void *ctx, unsigned events)
{
	struct counted *c = ctx;
	int fd;

	c->calls++;
	c->events |= events;
	if (c->removes == NULL)
		return;
	fd = c->removes->watch.fd;
	loop_unwatch(c->f->loop, &c->removes->watch);
	close(fd);
	c->removes = NULL;
}

static void
watch(struct counted *c, struct fixture *f, int fd, unsigned events)
{
	*c = (struct counted){ .f = f };
	c->watch = (struct loop_watch){
		.fd = fd, .events = (uint8_t)events, .ready = count, .ctx = c
	};
	check_int(loop_watch(f->loop, &c->watch), 0);
}

static void
pair(int fds[2])
{
	check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static void
loop_reports_what_is_asked_for(void **state)
{
	struct fixture *f = *state;
	struct counted c;
	int fds[2];

	pair(fds);
	watch(&c, f, fds[0], LOOP_READ);
	turn(f);
	check_int(c.calls, 0);
	check_int(write(fds[1], "x", 1), 1);
	turn(f);
	check_int(c.calls, 1);
	check_int(c.events, LOOP_READ);
	/* level-triggered: what was not read is reported again */
	turn(f);
	check_int(c.calls, 2);
	c.events = 0;
	loop_rewatch(f->loop, &c.watch, LOOP_WRITE);
	turn(f);
	check_int(c.events, LOOP_WRITE);
	c.events = 0;
	loop_rewatch(f->loop, &c.watch, LOOP_READ | LOOP_WRITE);
	turn(f);
	check_int(c.events, LOOP_READ | LOOP_WRITE);
	c.calls = 0;
	loop_rewatch(f->loop, &c.watch, 0);
	turn(f);
	check_int(c.calls, 0);
	/* both directions closed: told, whatever is asked for */
	close(fds[1]);
	turn(f);
	check_int(c.calls, 1);
	check((c.events & LOOP_HANGUP) != 0);
	loop_unwatch(f->loop, &c.watch);
	loop_unwatch(f->loop, &c.watch);
	check_int(c.watch.fd, -1);
	/* rewatching what is not watched is nothing */
	loop_rewatch(f->loop, &c.watch, LOOP_READ);
	turn(f);
	check_int(c.calls, 1);
	close(fds[0]);
}

/* Both are ready in the same turn; whichever comes first takes the other off,
 * which must not be called any more. */
static void
loop_does_not_call_a_watch_removed_in_the_same_turn(void **state)
{
	struct fixture *f = *state;
	struct counted a, b;
	int one[2], two[2];

	pair(one);
	pair(two);
	watch(&a, f, one[0], LOOP_READ);
	watch(&b, f, two[0], LOOP_READ);
	a.removes = &b;
	b.removes = &a;
	check_int(write(one[1], "x", 1), 1);
	check_int(write(two[1], "x", 1), 1);
	turn(f);
	check_int(a.calls + b.calls, 1);
	turn(f);
	check_int(a.calls + b.calls, 2);
	close(a.watch.fd != -1 ? one[0] : two[0]);
	close(one[1]);
	close(two[1]);
}

static void
loop_refuses_a_bad_descriptor(void **state)
{
	struct fixture *f = *state;
	struct loop_watch w = { .fd = 1 << 20, .events = LOOP_READ };

	check_int(loop_watch(f->loop, &w), -1);
}

static void
hook(void *ctx)
{
	struct fixture *f = ctx;

	f->order[f->calls++] = -1;
}

static void
loop_ends_each_turn_with_the_hook(void **state)
{
	struct fixture *f = *state;
	struct noted n = noted(f, 1);

	loop_on_turn(f->loop, hook, f);
	set(&n, clock_now_ms());
	turn(f);
	turn(f);
	check_size(f->calls, 3);
	check_int(f->order[0], 1);
	check_int(f->order[1], -1);
	check_int(f->order[2], -1);
}

static void *
stop_soon(void *ctx)
{
	usleep(20000);
	loop_stop(ctx);
	return NULL;
}

/* The wait has no end of its own here. */
static void
loop_is_stopped_from_another_thread(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	check_int(pthread_create(&thread, NULL, stop_soon, f->loop), 0);
	loop_run(f->loop);
	pthread_join(thread, NULL);
	/* stopped for good */
	loop_run(f->loop);
}

static void
loop_new_survives_lack_of_memory(void **state)
{
	struct fail why = { 0 };
	struct loop *loop;

	(void)state;
	fake_alloc_fail_at(1);
	loop = loop_new(&why);
	check(fake_alloc_failed());
	check(loop == NULL);
	check_text(why.text, "out of memory");
	loop_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(loop_fires_timers_in_the_order_of_their_time),
		TEST(loop_fires_no_timer_early),
		TEST(loop_keeps_many_timers_in_order),
		TEST(loop_clears_a_timer_from_a_callback),
		TEST(loop_sets_a_timer_again_from_its_callback),
		TEST(loop_fires_what_is_set_to_now_in_a_later_turn),
		TEST(loop_timer_keeps_its_place),
		TEST(loop_timer_set_fails_without_memory),
		TEST(loop_reports_what_is_asked_for),
		TEST(loop_does_not_call_a_watch_removed_in_the_same_turn),
		TEST(loop_refuses_a_bad_descriptor),
		TEST(loop_ends_each_turn_with_the_hook),
		TEST(loop_is_stopped_from_another_thread),
		cmocka_unit_test(loop_new_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
