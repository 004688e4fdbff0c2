/* mailbox: see mailbox.h. */
#include "mailbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* What the receiver does. */
enum receiver {
	RECEIVER_AWAKE,
	RECEIVER_NAPS, /* waits for a moment at most */
	RECEIVER_SLEEPS,
};

struct mailbox {
	struct loop *loop; /* immutable */
	void *ctx;         /* immutable */
	struct loop_wait_hook hook;
	pthread_mutex_t lock;
	struct message *first, *last; /* locked by lock */
	/*
	 * The receiver says that it sleeps and then looks for messages; a
	 * sender adds its messages and then looks whether the receiver sleeps.
	 * Sequentially consistent, so that one of them sees the other.
	 */
	_Atomic int receiver; /* atomic; enum receiver, as it is about to be */
	atomic_bool has_some; /* atomic: there are messages */
};

static struct message *
take_all(struct mailbox *box)
{
	struct message *list;

	pthread_mutex_lock(&box->lock);
	list = box->first;
	box->first = box->last = NULL;
	atomic_store(&box->has_some, false);
	pthread_mutex_unlock(&box->lock);
	return list;
}

static bool
before_wait(void *ctx)
{
	struct mailbox *box = ctx;

	atomic_store(&box->receiver,
	    loop_holds_high_rate(box->loop) ? RECEIVER_NAPS : RECEIVER_SLEEPS);
	if (!atomic_load(&box->has_some))
		return false;
	atomic_store(&box->receiver, RECEIVER_AWAKE);
	return true;
}

static void
after_wait(void *ctx)
{
	struct mailbox *box = ctx;
	struct message *m, *next;

	atomic_store_explicit(
	    &box->receiver, RECEIVER_AWAKE, memory_order_relaxed);
	/* what is posted from here on is found before the next wait */
	if (!atomic_load_explicit(&box->has_some, memory_order_acquire))
		return;
	for (m = take_all(box); m != NULL; m = next) {
		next = m->next;
		m->handle(box->ctx, m);
	}
}

struct mailbox *
mailbox_new(struct loop *loop, void *ctx, struct fail *why)
{
	struct mailbox *box = calloc(1, sizeof *box);

	if (box == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	box->loop = loop;
	box->ctx = ctx;
	pthread_mutex_init(&box->lock, NULL);
	box->hook = (struct loop_wait_hook){
		.before = before_wait,
		.after = after_wait,
		.ctx = box,
	};
	loop_add_wait_hook(loop, &box->hook);
	return box;
}

/* Posts; wakes a receiver that does what `wake` says, or more than that. */
static void
post(struct mailbox *box, struct message *first, struct message *last,
    enum receiver wake)
{
	last->next = NULL;
	pthread_mutex_lock(&box->lock);
	if (box->first == NULL)
		box->first = first;
	else
		box->last->next = first;
	box->last = last;
	atomic_store(&box->has_some, true);
	pthread_mutex_unlock(&box->lock);
	/* one sender wakes it, all others see that it is awake */
	if (atomic_load(&box->receiver) >= (int)wake &&
	    atomic_exchange(&box->receiver, RECEIVER_AWAKE) != RECEIVER_AWAKE)
		loop_wake(box->loop);
}

void
mailbox_post(struct mailbox *box, struct message *first, struct message *last)
{
	post(box, first, last, RECEIVER_NAPS);
}

void
mailbox_post_high_rate(
    struct mailbox *box, struct message *first, struct message *last)
{
	post(box, first, last, RECEIVER_SLEEPS);
}

void
mailbox_free(struct mailbox *box)
{
	struct message *m, *next;

	if (box == NULL)
		return;
	for (m = take_all(box); m != NULL; m = next) {
		next = m->next;
		m->drop(m);
	}
	loop_remove_wait_hook(box->loop, &box->hook);
	pthread_mutex_destroy(&box->lock);
	free(box);
}
