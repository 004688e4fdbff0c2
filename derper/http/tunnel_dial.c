/* tunnel_dial: see tunnel_dial.h. */
#include "tunnel_dial.h"

#include "clock.h"
#include "dial.h"
#include "mailbox.h"
#include "resolve.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct tunnel_dial {
	struct message message; /* first member */
	/* immutable */
	struct connect_target target;
	tunnel_dial_fn *connected;
	void *ctx;
	/* result: the thread's until it is posted */
	int fd;
	struct netaddr remote;
	/* state */
	pthread_mutex_t lock;
	struct mailbox *mailbox; /* locked; NULL: abandoned before the end */
	bool posted;             /* locked */
	bool abandoned;          /* loop-owned; once it was posted */
};

static void
discard(struct tunnel_dial *d)
{
	if (d->fd != -1)
		close(d->fd);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* The thread, which has posted the message, may still be about to unlock. */
static void
wait_for_thread(struct tunnel_dial *d)
{
	pthread_mutex_lock(&d->lock);
	pthread_mutex_unlock(&d->lock);
}

static void
handle(void *ctx, struct message *m)
{
	struct tunnel_dial *d = (struct tunnel_dial *)m;

	(void)ctx;
	wait_for_thread(d);
	if (!d->abandoned) {
		d->connected(d->ctx, d->fd, &d->remote);
		d->fd = -1;
	}
	discard(d);
}

static void
drop(struct message *m)
{
	struct tunnel_dial *d = (struct tunnel_dial *)m;

	wait_for_thread(d);
	discard(d);
}

static bool
is_abandoned(struct tunnel_dial *d)
{
	bool abandoned;

	pthread_mutex_lock(&d->lock);
	abandoned = d->mailbox == NULL;
	pthread_mutex_unlock(&d->lock);
	return abandoned;
}

/* The first of its addresses that answers. */
static void
connect_any(struct tunnel_dial *d)
{
	const uint64_t deadline_ms = clock_now_ms() + TUNNEL_DIAL_MS;
	struct resolve_answer answer = { .n = 0 };
	struct fail why = { 0 };
	int error;

	if (resolve_name(d->target.host, deadline_ms, &answer, &why) !=
	    RESOLVE_OK)
		return;
	for (size_t i = 0; i < answer.n && d->fd == -1 && !is_abandoned(d);
	     i++) {
		const uint64_t part_ms = clock_now_ms() + TUNNEL_DIAL_PART_MS;

		d->remote = answer.v[i];
		d->remote.port = d->target.port;
		d->fd = dial_connect(&d->remote,
		    part_ms < deadline_ms ? part_ms : deadline_ms, &error,
		    &why);
	}
}

static void *
run(void *ctx)
{
	struct tunnel_dial *d = ctx;
	bool wanted;

	connect_any(d);
	pthread_mutex_lock(&d->lock);
	wanted = d->mailbox != NULL;
	if (wanted) {
		d->posted = true;
		mailbox_post(d->mailbox, &d->message, &d->message);
	}
	pthread_mutex_unlock(&d->lock);
	if (!wanted)
		discard(d);
	return NULL;
}

struct tunnel_dial *
tunnel_dial_start(const struct connect_target *target, struct mailbox *mailbox,
    tunnel_dial_fn *connected, void *ctx)
{
	struct tunnel_dial *d = calloc(1, sizeof *d);
	pthread_t thread;

	if (d == NULL)
		return NULL;
	*d = (struct tunnel_dial){
		.message = { .handle = handle, .drop = drop },
		.target = *target,
		.connected = connected,
		.ctx = ctx,
		.fd = -1,
		.mailbox = mailbox,
	};
	pthread_mutex_init(&d->lock, NULL);
	if (pthread_create(&thread, NULL, run, d) != 0) {
		discard(d);
		return NULL;
	}
	pthread_detach(thread);
	return d;
}

void
tunnel_dial_abandon(struct tunnel_dial *d)
{
	bool posted;

	pthread_mutex_lock(&d->lock);
	posted = d->posted;
	if (posted)
		d->abandoned = true; /* and the message frees it */
	else
		d->mailbox = NULL; /* and the thread does */
	pthread_mutex_unlock(&d->lock);
}
