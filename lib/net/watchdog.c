/* watchdog: see watchdog.h. */
#include "watchdog.h"

#include <assert.h>

/* The loop runs: it has come to its mailbox. */
static void
answer(void *ctx, struct message *m)
{
	struct watchdog_loop *loop = (struct watchdog_loop *)m;

	(void)ctx;
	atomic_store(&loop->asked, false);
}

/* The loop has ended; the message is part of the watchdog. */
static void
drop(struct message *m)
{
	(void)m;
}

void
watchdog_init(struct watchdog *w, uint64_t interval_us)
{
	*w = (struct watchdog){ .interval_us = interval_us };
}

void
watchdog_add(struct watchdog *w, struct mailbox *mailbox)
{
	struct watchdog_loop *loop = &w->loops[w->count++];

	assert(w->count <= WATCHDOG_LOOPS_MAX);
	loop->message = (struct message){ .handle = answer, .drop = drop };
	loop->mailbox = mailbox;
	atomic_init(&loop->asked, false);
}

static void
begin_round(struct watchdog *w, uint64_t now_us)
{
	for (size_t i = 0; i < w->count; i++) {
		struct watchdog_loop *loop = &w->loops[i];

		atomic_store(&loop->asked, true);
		mailbox_post(loop->mailbox, &loop->message, &loop->message);
	}
	w->round_us = now_us;
	w->waiting = true;
}

/* The first loop that has not answered; count: all have. */
static size_t
find_late(struct watchdog *w)
{
	size_t i = 0;

	while (i < w->count && !atomic_load(&w->loops[i].asked))
		i++;
	return i;
}

enum watchdog_result
watchdog_poll(struct watchdog *w, uint64_t now_us, size_t *late)
{
	if (w->interval_us == 0)
		return WATCHDOG_NOTHING;
	if (!w->waiting) {
		if (w->round_us == 0 || now_us - w->round_us >= w->interval_us)
			begin_round(w, now_us);
		return WATCHDOG_NOTHING;
	}
	*late = find_late(w);
	if (*late == w->count) {
		w->waiting = false;
		w->told = 0;
		return WATCHDOG_ALIVE;
	}
	if (w->told == *late + 1 || now_us - w->round_us < w->interval_us)
		return WATCHDOG_NOTHING;
	w->told = *late + 1;
	return WATCHDOG_HANGS;
}
