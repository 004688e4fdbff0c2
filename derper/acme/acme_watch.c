/* acme_watch: see acme_watch.h. */
#include "acme_watch.h"

#include "clock.h"
#include "filestamp.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#define RECENT_S 2 /* a change whose time may not tell it from the next */

struct acme_watch {
	const struct acme_folder *folder; /* borrowed */
	struct acme_answers *answers;     /* borrowed */
	int stop_fd;                      /* owned */
	int changes_fd;                   /* owned; -1: cannot be had */
	pthread_t thread;
	bool has_thread;
	struct filestamp seen; /* the thread's own */
};

/* Whether the folder has, or may have, changed since the last look. */
static bool
may_have_changed(struct acme_watch *w)
{
	const struct filestamp now = filestamp_of(w->folder->dir);
	const bool same = filestamp_eq(&now, &w->seen);

	w->seen = now;
	return !same || now.mtime.tv_sec >= clock_wall_s() - RECENT_S;
}

static void
read_folder(struct acme_watch *w)
{
	struct acme_proofs proofs;

	if (acme_proofs_read(w->folder, &proofs) == 0)
		acme_answers_share(w->answers, &proofs);
	else /* what was known holds; the next look reads again */
		w->seen = (struct filestamp){ 0 };
}

/* Forgets what it was told. */
static void
drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof events) > 0)
		;
}

static void *
run(void *ctx)
{
	struct acme_watch *w = ctx;
	struct pollfd fds[] = { { .fd = w->stop_fd, .events = POLLIN },
		{ .fd = w->changes_fd, .events = POLLIN } };

	for (;;) {
		if (may_have_changed(w) || fds[1].revents != 0)
			read_folder(w);
		if (poll(fds, 2, ACME_WATCH_LOOK_MS) == -1)
			fds[0].revents = fds[1].revents = 0;
		if (fds[0].revents != 0)
			return NULL;
		if (fds[1].revents != 0)
			drain(w->changes_fd);
	}
}

/* -1 when the kernel does not tell: then it is looked at in turns only. */
static int
open_changes(const char *dir)
{
	const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd == -1)
		return -1;
	if (inotify_add_watch(fd, dir,
		IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE |
		    IN_CLOSE_WRITE | IN_ONLYDIR) != -1)
		return fd;
	close(fd);
	return -1;
}

struct acme_watch *
acme_watch_start(const struct acme_folder *folder, struct acme_answers *answers,
    struct fail *why)
{
	struct acme_watch *w = calloc(1, sizeof *w);

	if (w == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	w->folder = folder;
	w->answers = answers;
	w->changes_fd = open_changes(folder->dir);
	w->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->stop_fd == -1) {
		fail_errno(why, "eventfd");
		goto stop;
	}
	errno = pthread_create(&w->thread, NULL, run, w);
	w->has_thread = errno == 0;
	if (w->has_thread)
		return w;
	fail_errno(why, "cannot start a thread");
stop:
	acme_watch_stop(w);
	return NULL;
}

void
acme_watch_stop(struct acme_watch *w)
{
	if (w == NULL)
		return;
	if (w->has_thread) {
		(void)eventfd_write(w->stop_fd, 1);
		pthread_join(w->thread, NULL);
	}
	if (w->changes_fd != -1)
		close(w->changes_fd);
	if (w->stop_fd != -1)
		close(w->stop_fd);
	free(w);
}
