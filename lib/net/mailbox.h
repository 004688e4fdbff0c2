/*
 * mailbox: letters from any thread to one loop.
 *
 * The receiver gets whole lists of letters, in the order in which each sender
 * posted them; a wake-up is written only when the box was empty. Life:
 * mailbox_new -> mailbox_post ... -> mailbox_free. Threads: mailbox_post from
 * any thread; all else on the loop's. Locked inside, for the hand-over of a
 * pointer only.
 */
#ifndef DERPKIT_MAILBOX_H
#define DERPKIT_MAILBOX_H

#include "loop.h"

/* A letter; embedded as the first member of what is sent. */
struct mail {
	struct mail *next;
	/* Called on the receiver's loop with the mailbox's ctx; takes the
	 * letter. */
	void (*open)(void *ctx, struct mail *m);
	/* Called instead when the box is freed with the letter in it; takes
	 * the letter. */
	void (*discard)(struct mail *m);
};

struct mailbox;

/* A box that delivers on `loop`; ctx goes to every letter's open. NULL and the
 * reason when descriptors or memory are short. Returns owned. */
struct mailbox *mailbox_new(struct loop *loop, void *ctx, struct fail *why);

/* Takes the letters first..last, a list linked by next. */
void mailbox_post(struct mailbox *box, struct mail *first, struct mail *last);

/* Discards what has not been opened. */
void mailbox_free(struct mailbox *box);

#endif
