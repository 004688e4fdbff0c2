/* mailbox: see mailbox.h. */
#include "mailbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
	struct loop *loop; /* immutable */
	void *ctx;         /* immutable */
	struct loop_watch watch;
	pthread_mutex_t lock;
	struct message *first, *last; /* locked by lock */
};

static struct message *
take_all(struct mailbox *box)
{
	struct message *list;

	pthread_mutex_lock(&box->lock);
	list = box->first;
	box->first = box->last = NULL;
	pthread_mutex_unlock(&box->lock);
	return list;
}

static void
open_all(void *ctx, unsigned events)
{
	struct mailbox *box = ctx;
	struct message *m, *next;
	uint64_t n;

	(void)events;
	/* reset the wake-up before taking, so that a message posted in between
	 * causes another one */
	if (read(box->watch.fd, &n, sizeof n) == -1)
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
	box->watch = (struct loop_watch){
		.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.events = LOOP_READ,
		.ready = open_all,
		.ctx = box,
	};
	if (box->watch.fd == -1 || loop_watch(loop, &box->watch) == -1) {
		fail_errno(why, "cannot make a mailbox");
		mailbox_free(box);
		return NULL;
	}
	return box;
}

void
mailbox_post(struct mailbox *box, struct message *first, struct message *last)
{
	const uint64_t one = 1;
	bool was_empty;

	last->next = NULL;
	pthread_mutex_lock(&box->lock);
	was_empty = box->first == NULL;
	if (was_empty)
		box->first = first;
	else
		box->last->next = first;
	box->last = last;
	pthread_mutex_unlock(&box->lock);
	/* cannot fail but by overflow, and then a wake-up is already due */
	if (was_empty && write(box->watch.fd, &one, sizeof one) == -1)
		return;
}

void
mailbox_free(struct mailbox *box)
{
	struct message *m, *next;
	int fd;

	if (box == NULL)
		return;
	for (m = take_all(box); m != NULL; m = next) {
		next = m->next;
		m->drop(m);
	}
	fd = box->watch.fd;
	if (fd != -1) {
		loop_unwatch(box->loop, &box->watch);
		close(fd);
	}
	pthread_mutex_destroy(&box->lock);
	free(box);
}
