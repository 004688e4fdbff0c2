/*
 * mailbox: messages from any thread to one loop.
 *
 * The receiver gets whole lists of messages, in the order in which each sender
 * posted them, at the beginning of its next turn. It is woken only when it
 * waits for events: while it is awake, posting costs no system call. Life:
 * mailbox_new
 * -> mailbox_post ... -> mailbox_free. Threads: mailbox_post from any thread;
 * all else on the loop's. Locked inside, to pass a pointer on only.
 */
#ifndef DERPKIT_MAILBOX_H
#define DERPKIT_MAILBOX_H

#include "loop.h"

/* A message; embedded as the first member of what is sent. */
struct message {
	struct message *next;
	/* Called on the receiver's loop with the mailbox's ctx; takes the
	 * message. */
	void (*handle)(void *ctx, struct message *m);
	/* Called instead when the mailbox is freed with the message in it;
	 * takes the message. */
	void (*drop)(struct message *m);
};

struct mailbox;

/* A box that delivers on `loop`; ctx goes to every message's handle. NULL and
 * the reason when memory is short. Returns owned. */
struct mailbox *mailbox_new(struct loop *loop, void *ctx, struct fail *why);

/* Takes the messages first..last, a list linked by next. */
void mailbox_post(
    struct mailbox *box, struct message *first, struct message *last);
/* The same for what may wait as long as the receiver holds back what is
 * high-rate (loop.h): a receiver that does is not woken for it. */
void mailbox_post_high_rate(
    struct mailbox *box, struct message *first, struct message *last);

/* Discards what has not been handled. */
void mailbox_free(struct mailbox *box);

#endif
