/* mailbox: order, wake-ups, discarding; many senders at once. */
#include "check.h"
#include "fake_alloc.h"

#include "mailbox.h"

#include <pthread.h>
#include <stdlib.h>

enum { SENDERS = 4, LETTERS = 5000, LIST = 3 };

struct fixture {
	struct loop *loop;
	struct mailbox *box;
	size_t opened, discarded;
	int order[64];
	int next[SENDERS]; /* what each sender's next letter must be */
	size_t turns_with_mail;
	bool got_some; /* in this turn */
};

struct letter {
	struct mail mail; /* first member */
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
opened(void *ctx, struct mail *m)
{
	struct letter *l = (struct letter *)m;
	struct fixture *f = ctx;

	check_ptr(f, l->f);
	if (f->opened < 64)
		f->order[f->opened] = l->number;
	f->opened++;
	f->got_some = true;
	free(l);
}

static void
discarded(struct mail *m)
{
	struct letter *l = (struct letter *)m;

	l->f->discarded++;
	free(l);
}

static struct letter *
letter(struct fixture *f, int sender, int number)
{
	struct letter *l = calloc(1, sizeof *l);

	*l = (struct letter){ .mail = { .open = opened, .discard = discarded },
		.f = f,
		.sender = sender,
		.number = number };
	return l;
}

static void
post_one(struct fixture *f, int number)
{
	struct letter *l = letter(f, 0, number);

	mailbox_post(f->box, &l->mail, &l->mail);
}

static void
turn(struct fixture *f)
{
	loop_again(f->loop);
	loop_turn(f->loop);
}

static void
mailbox_opens_letters_in_order(void **state)
{
	struct fixture *f = *state;
	struct letter *a = letter(f, 0, 3), *b = letter(f, 0, 4);

	post_one(f, 1);
	post_one(f, 2);
	a->mail.next = &b->mail;
	b->mail.next = &a->mail; /* the box ends the list itself */
	mailbox_post(f->box, &a->mail, &b->mail);
	check_size(f->opened, 0);
	/* it wakes a loop that waits */
	loop_turn(f->loop);
	check_size(f->opened, 4);
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
	check_size(f->opened, 50);
	/* no wake-up is left over: the loop would not wait */
	turn(f);
	post_one(f, 50);
	loop_turn(f->loop);
	check_size(f->opened, 51);
}

static void
opened_and_posts(void *ctx, struct mail *m)
{
	struct fixture *f = ctx;

	opened(ctx, m);
	post_one(f, 100);
}

/* A letter posted while letters are opened must not be left lying. */
static void
mailbox_takes_letters_while_opening(void **state)
{
	struct fixture *f = *state;
	struct letter *l = letter(f, 0, 1);

	l->mail.open = opened_and_posts;
	mailbox_post(f->box, &l->mail, &l->mail);
	loop_turn(f->loop);
	if (f->opened < 2)
		loop_turn(f->loop);
	check_size(f->opened, 2);
	check_int(f->order[1], 100);
}

static void
mailbox_discards_what_was_not_opened(void **state)
{
	struct fixture *f = *state;

	post_one(f, 1);
	post_one(f, 2);
	mailbox_free(f->box);
	f->box = NULL;
	check_size(f->opened, 0);
	check_size(f->discarded, 2);
	mailbox_free(NULL);
}

static void
opened_in_sequence(void *ctx, struct mail *m)
{
	struct letter *l = (struct letter *)m;
	struct fixture *f = ctx;

	check_int(l->number, f->next[l->sender]);
	f->next[l->sender]++;
	f->opened++;
	f->got_some = true;
	free(l);
	if (f->opened == (size_t)SENDERS * LETTERS)
		loop_stop(f->loop);
}

struct sender {
	struct fixture *f;
	int number;
};

/* Posts its letters in lists of LIST. */
static void *
send_all(void *ctx)
{
	const struct sender *s = ctx;
	struct letter *list[LIST];

	for (int i = 0; i < LETTERS;) {
		int n = 0;

		for (; n < LIST && i < LETTERS; n++, i++) {
			list[n] = letter(s->f, s->number, i);
			list[n]->mail.open = opened_in_sequence;
			if (n > 0)
				list[n - 1]->mail.next = &list[n]->mail;
		}
		mailbox_post(s->f->box, &list[0]->mail, &list[n - 1]->mail);
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
	/* ends with the last letter, or never: the test's time limit */
	loop_run(f->loop);
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(threads[i], NULL);
		check_int(f->next[i], LETTERS);
	}
	check_size(f->discarded, 0);
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
		TEST(mailbox_opens_letters_in_order),
		TEST(mailbox_leaves_no_wake_up_behind),
		TEST(mailbox_takes_letters_while_opening),
		TEST(mailbox_discards_what_was_not_opened),
		TEST(mailbox_loses_nothing_from_many_threads),
		TEST(mailbox_new_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
