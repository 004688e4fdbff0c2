/* mailbox: order, wake-ups, dropping; many senders at once. */
#include "check.h"
#include "fake_alloc.h"

#include "clock.h"
#include "mailbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);

/* How often a loop was woken: nothing else here writes. */
static atomic_size_t wake_ups;

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	atomic_fetch_add(&wake_ups, 1);
	return __real_write(fd, p, n);
}

enum { SENDERS = 4, LETTERS = 5000, LIST = 3 };

struct fixture {
	struct loop *loop;
	struct mailbox *box;
	size_t handled, dropped;
	int order[64];
	int next[SENDERS]; /* what each sender's next message must be */
	size_t turns_with_mail;
	bool got_some; /* in this turn */
};

struct note {
	struct message message; /* first member */
	struct fixture *f;
	int sender, number;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct fail why = { 0 };

	f->loop = loop_new(&why);
	f->box = mailbox_new(f->loop, f, &why);
	check_text(why.text, "");
	*state = f;
	return f->box != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	mailbox_free(f->box);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void
handled(void *ctx, struct message *m)
{
	struct note *l = (struct note *)m;
	struct fixture *f = ctx;

	check_ptr(f, l->f);
	if (f->handled < 64)
		f->order[f->handled] = l->number;
	f->handled++;
	f->got_some = true;
	free(l);
}

static void
dropped(struct message *m)
{
	struct note *l = (struct note *)m;

	l->f->dropped++;
	free(l);
}

static struct note *
new_note(struct fixture *f, int sender, int number)
{
	struct note *l = calloc(1, sizeof *l);

	*l = (struct note){ .message = { .handle = handled, .drop = dropped },
		.f = f,
		.sender = sender,
		.number = number };
	return l;
}

static void
post_one(struct fixture *f, int number)
{
	struct note *l = new_note(f, 0, number);

	mailbox_post(f->box, &l->message, &l->message);
}

static void
turn(struct fixture *f)
{
	loop_again(f->loop);
	loop_turn(f->loop);
}

static void
mailbox_delivers_messages_in_order(void **state)
{
	struct fixture *f = *state;
	struct note *a = new_note(f, 0, 3), *b = new_note(f, 0, 4);

	post_one(f, 1);
	post_one(f, 2);
	a->message.next = &b->message;
	b->message.next = &a->message; /* the box ends the list itself */
	mailbox_post(f->box, &a->message, &b->message);
	check_size(f->handled, 0);
	/* it wakes a loop that waits */
	loop_turn(f->loop);
	check_size(f->handled, 4);
	for (int i = 0; i < 4; i++)
		check_int(f->order[i], i + 1);
}

static void
mailbox_leaves_no_wake_up_behind(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 50; i++)
		post_one(f, i);
	turn(f);
	check_size(f->handled, 50);
	/* no wake-up is left over: the loop would not wait */
	turn(f);
	post_one(f, 50);
	loop_turn(f->loop);
	check_size(f->handled, 51);
}

static void
handle_and_posts(void *ctx, struct message *m)
{
	struct fixture *f = ctx;

	handled(ctx, m);
	post_one(f, 100);
}

/* A message posted while messages are handled must not be left lying. */
static void
mailbox_takes_messages_while_delivering(void **state)
{
	struct fixture *f = *state;
	struct note *l = new_note(f, 0, 1);

	l->message.handle = handle_and_posts;
	mailbox_post(f->box, &l->message, &l->message);
	loop_turn(f->loop);
	if (f->handled < 2)
		loop_turn(f->loop);
	check_size(f->handled, 2);
	check_int(f->order[1], 100);
}

static void
mailbox_drops_what_was_not_handled(void **state)
{
	struct fixture *f = *state;

	post_one(f, 1);
	post_one(f, 2);
	mailbox_free(f->box);
	f->box = NULL;
	check_size(f->handled, 0);
	check_size(f->dropped, 2);
	mailbox_free(NULL);
}

/* A loop that is awake finds its messages by itself. */
static void
mailbox_does_not_wake_who_is_awake(void **state)
{
	struct fixture *f = *state;
	const size_t before = atomic_load(&wake_ups);

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 3; i++)
			post_one(f, i);
		turn(f);
		check_size(f->handled, 3 * ((size_t)round + 1));
	}
	/* nor does a message that came before the wait let it wait */
	post_one(f, 1);
	loop_turn(f->loop);
	check_size(f->handled, 61);
	check_size(atomic_load(&wake_ups), before);
}

/* Posts just before its loop waits, after the mailbox has said how. */
struct late_poster {
	struct loop_wait_hook hook;
	struct mailbox *box;
	struct fixture *f;
	void (*post)(
	    struct mailbox *box, struct message *first, struct message *last);
};

static bool
post_late(void *ctx)
{
	struct late_poster *p = ctx;
	struct note *l = new_note(p->f, 0, 1);

	p->post(p->box, &l->message, &l->message);
	return false;
}

static void
ignore_wait(void *ctx)
{
	(void)ctx;
}

static void
ignore_event(void *ctx, unsigned events)
{
	(void)ctx;
	(void)events;
}

#define HOLD_US 400000 /* longer than a busy machine stalls */

/* Posts late, while the receiver holds back for so long. How often it was
 * woken; the message has come in any case. */
static size_t
wake_ups_of(struct late_poster *p, struct loop *loop, uint64_t hold_us)
{
	const size_t before = atomic_load(&wake_ups);
	const size_t handled_before = p->f->handled;

	if (hold_us > 0)
		check(loop_hold_high_rate(loop, clock_now_us() + hold_us));
	loop_turn(loop);
	check_size(p->f->handled, handled_before + 1);
	return atomic_load(&wake_ups) - before;
}

/* What may wait wakes nobody whose turn begins in a moment anyway. */
static void
mailbox_wakes_for_high_rate_only_who_sleeps(void **state)
{
	struct fixture *f = *state;
	struct fail why = { 0 };
	struct loop *loop = loop_new(&why);
	struct late_poster p = { .hook = { .before = post_late,
				     .after = ignore_wait,
				     .ctx = &p },
		.f = f,
		.post = mailbox_post_high_rate };
	int fds[2];
	struct loop_watch watch = { .events = LOOP_READ,
		.ready = ignore_event };

	check_int(pipe(fds), 0);
	watch.fd = fds[0];
	loop_add_wait_hook(loop, &p.hook); /* is called last */
	p.box = mailbox_new(loop, f, &why);
	check_int(loop_watch(loop, &watch), 0);
	loop_set_high_rate(loop, &watch, true);
	check_size(wake_ups_of(&p, loop, 0), 1);
	check_size(wake_ups_of(&p, loop, HOLD_US), 0);
	p.post = mailbox_post;
	check_size(wake_ups_of(&p, loop, HOLD_US), 1);
	loop_set_high_rate(loop, &watch, false);
	p.post = mailbox_post_high_rate;
	check_size(wake_ups_of(&p, loop, 0), 1);
	loop_unwatch(loop, &watch);
	mailbox_free(p.box);
	loop_remove_wait_hook(loop, &p.hook);
	loop_free(loop);
	close(fds[0]);
	close(fds[1]);
}

enum { BOUNCES = 20000 };

/* One of two loops that pass a message to and fro. */
struct player {
	struct loop *loop;
	struct mailbox *box;
	struct player *other;
	int bounces; /* left */
};

/* Passes it on; both stop once there was enough. */
static void
bounce(void *ctx, struct message *m)
{
	struct player *p = ctx;

	if (p->bounces-- > 0) {
		mailbox_post(p->other->box, m, m);
		return;
	}
	loop_stop(p->loop);
	loop_stop(p->other->loop);
}

static void *
play(void *ctx)
{
	loop_run(((struct player *)ctx)->loop);
	return NULL;
}

static void
drop_nothing(struct message *m)
{
	(void)m;
}

/* Both wait for ever between two messages: one wake-up that is lost, and the
 * test meets its time limit. */
static void
mailbox_loses_no_wake_up(void **state)
{
	struct message m = { .handle = bounce, .drop = drop_nothing };
	struct player players[2] = { 0 };
	struct fail why = { 0 };
	pthread_t threads[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		players[i].loop = loop_new(&why);
		players[i].box =
		    mailbox_new(players[i].loop, &players[i], &why);
		check_text(why.text, "");
		players[i].other = &players[1 - i];
		players[i].bounces = BOUNCES;
	}
	for (int i = 0; i < 2; i++)
		check_int(
		    pthread_create(&threads[i], NULL, play, &players[i]), 0);
	mailbox_post(players[0].box, &m, &m);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	check_int(players[0].bounces, -1);
	check_int(players[1].bounces, 0);
	for (int i = 0; i < 2; i++) {
		mailbox_free(players[i].box);
		loop_free(players[i].loop);
	}
}

static void
handle_in_sequence(void *ctx, struct message *m)
{
	struct note *l = (struct note *)m;
	struct fixture *f = ctx;

	check_int(l->number, f->next[l->sender]);
	f->next[l->sender]++;
	f->handled++;
	f->got_some = true;
	free(l);
	if (f->handled == (size_t)SENDERS * LETTERS)
		loop_stop(f->loop);
}

struct sender {
	struct fixture *f;
	int number;
};

/* Posts its messages in lists of LIST. */
static void *
send_all(void *ctx)
{
	const struct sender *s = ctx;
	struct note *list[LIST];

	for (int i = 0; i < LETTERS;) {
		int n = 0;

		for (; n < LIST && i < LETTERS; n++, i++) {
			list[n] = new_note(s->f, s->number, i);
			list[n]->message.handle = handle_in_sequence;
			if (n > 0)
				list[n - 1]->message.next = &list[n]->message;
		}
		mailbox_post(
		    s->f->box, &list[0]->message, &list[n - 1]->message);
	}
	return NULL;
}

static void
mailbox_loses_nothing_from_many_threads(void **state)
{
	struct fixture *f = *state;
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS];

	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ f, i };
		check_int(
		    pthread_create(&threads[i], NULL, send_all, &senders[i]),
		    0);
	}
	/* ends with the last message, or never: the test's time limit */
	loop_run(f->loop);
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(threads[i], NULL);
		check_int(f->next[i], LETTERS);
	}
	check_size(f->dropped, 0);
}

static void
mailbox_new_survives_lack_of_memory(void **state)
{
	struct fixture *f = *state;
	struct fail why = { 0 };
	struct mailbox *box;

	fake_alloc_fail_at(1);
	box = mailbox_new(f->loop, f, &why);
	check(fake_alloc_failed());
	check(box == NULL);
	check_text(why.text, "out of memory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mailbox_delivers_messages_in_order),
		TEST(mailbox_leaves_no_wake_up_behind),
		TEST(mailbox_takes_messages_while_delivering),
		TEST(mailbox_drops_what_was_not_handled),
		TEST(mailbox_does_not_wake_who_is_awake),
		TEST(mailbox_wakes_for_high_rate_only_who_sleeps),
		cmocka_unit_test(mailbox_loses_no_wake_up),
		TEST(mailbox_loses_nothing_from_many_threads),
		TEST(mailbox_new_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
