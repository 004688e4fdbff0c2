/* supervision: see supervision.h. */
#include "supervision.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What is missing by then does not hold up what works. */
#define READY_US 10000000
#define READY_TICK_US 50000 /* how often it is looked at before */
/* Each status is a signal on the system's message bus. */
#define STATUS_US 5000000
/* Rounds in the time after which the service manager acts, and polls in it: an
 * answer is seen at the poll after it, so one round and one poll must fit with
 * room to spare on a busy machine. */
#define ROUNDS 4
#define POLLS 8
/* From the end of waiting for output to that of the process. */
#define STOP_MARGIN_MS 10000

int
supervision_open(
    struct supervision *s, char *(*env)(const char *name), struct fail *why)
{
	*s = (struct supervision){ .is_ready = false };
	if (sd_notify_open(&s->notify, env, why) == -1)
		return -1;
	watchdog_init(&s->watchdog, s->notify.watchdog_us / ROUNDS);
	return 0;
}

void
supervision_watch(struct supervision *s, struct mailbox *mailbox)
{
	watchdog_add(&s->watchdog, mailbox);
}

void
supervision_close(struct supervision *s)
{
	sd_notify_close(&s->notify);
}

bool
supervision_is_used(const struct supervision *s)
{
	return s->notify.used;
}

void
supervision_started(struct supervision *s, uint64_t now_us)
{
	s->started_us = now_us;
}

static int
tell_if_ready(
    struct supervision *s, uint64_t now_us, bool is_complete, struct fail *why)
{
	if (s->is_ready || s->started_us == 0 ||
	    (!is_complete && now_us - s->started_us < READY_US))
		return 0;
	s->is_ready = true;
	if (sd_notify_send(&s->notify, "READY=1") == 0)
		return 0;
	return fail_errno(
	    why, "NOTIFY_SOCKET: cannot tell the service manager to go on");
}

static int
tell_if_alive(struct supervision *s, uint64_t now_us, struct fail *why)
{
	size_t late;

	switch (watchdog_poll(&s->watchdog, now_us, &late)) {
	case WATCHDOG_NOTHING:
		return 0;
	case WATCHDOG_ALIVE:
		(void)sd_notify_send(&s->notify, "WATCHDOG=1");
		return 0;
	case WATCHDOG_HANGS:
		return fail_set(why,
		    "event loop %zu does not answer: unless it does, the "
		    "watchdog of the service manager will end this process",
		    late);
	}
	return 0;
}

int
supervision_poll(
    struct supervision *s, uint64_t now_us, bool is_complete, struct fail *why)
{
	const int ready = tell_if_ready(s, now_us, is_complete, why);
	const int alive = tell_if_alive(s, now_us, why);

	return ready == 0 && alive == 0 ? 0 : -1;
}

struct timespec
supervision_tick(const struct supervision *s, uint64_t longest_us)
{
	const uint64_t watchdog_us = s->notify.watchdog_us / POLLS;
	uint64_t us = longest_us;

	if (s->notify.used && !s->is_ready && us > READY_TICK_US)
		us = READY_TICK_US;
	if (s->notify.watchdog_us > 0 && us > watchdog_us)
		us = watchdog_us > 0 ? watchdog_us : 1;
	return (struct timespec){ .tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000) * 1000 };
}

void
supervision_reloading(const struct supervision *s, uint64_t now_us)
{
	if (s->is_ready)
		(void)sd_notify_send(&s->notify,
		    "RELOADING=1\nMONOTONIC_USEC=%llu",
		    (unsigned long long)now_us);
}

void
supervision_reloaded(const struct supervision *s)
{
	if (s->is_ready)
		(void)sd_notify_send(&s->notify, "READY=1");
}

void
supervision_stopping(const struct supervision *s, uint64_t drain_ms)
{
	(void)sd_notify_send(&s->notify, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu",
	    (unsigned long long)(drain_ms + STOP_MARGIN_MS) * 1000);
}

void
supervision_status(struct supervision *s, uint64_t now_us, const char *text)
{
	if (!s->notify.used || strcmp(s->status, text) == 0 ||
	    (s->status_us != 0 && now_us - s->status_us < STATUS_US))
		return;
	snprintf(s->status, sizeof s->status, "%s", text);
	s->status_us = now_us;
	(void)sd_notify_send(&s->notify, "STATUS=%s", s->status);
}
