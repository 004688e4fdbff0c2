/*
 * supervision: what a program with event loops tells the service manager: that
 * it is ready, reloads, stops, what it is doing, and that all its loops run.
 *
 * It is ready when it serves and has what it needs from elsewhere, or some
 * seconds after it began to serve. Where nobody has set the variables of
 * sd_notify.h, nothing happens. Life: { 0 } -> supervision_open ->
 * supervision_watch ... -> supervision_started -> supervision_poll ... ->
 * supervision_stopping -> supervision_close, after the mailboxes that are
 * watched. Threads: the main thread. Source: systemd 252, sd_notify(3).
 */
#ifndef DERPKIT_SUPERVISION_H
#define DERPKIT_SUPERVISION_H

#include "sd_notify.h"
#include "watchdog.h"

#include <time.h>

#define SUPERVISION_STATUS_MAX 160 /* bytes of a status, with NUL */

struct supervision {
	struct sd_notify notify;
	struct watchdog watchdog;
	uint64_t started_us; /* 0: it does not serve yet */
	bool is_ready;
	char status[SUPERVISION_STATUS_MAX]; /* as last told */
	uint64_t status_us;                  /* when it was */
};

/* getenv is injected. -1 and the reason when the variables are wrong. */
int supervision_open(
    struct supervision *s, char *(*env)(const char *name), struct fail *why);
/* One more loop that must run, see watchdog.h. */
void supervision_watch(struct supervision *s, struct mailbox *mailbox);
/* Idempotent, and fine on { 0 }. */
void supervision_close(struct supervision *s);

/* Whether somebody listens to all this. */
bool supervision_is_used(const struct supervision *s);

/* It serves. */
void supervision_started(struct supervision *s, uint64_t now_us);
/* Called at least every supervision_tick: tells that it is ready when it is,
 * and that it lives when all loops answer. is_complete: it has what it needs.
 * -1 and the reason when that cannot be told, or, once, when a loop does not
 * answer. */
int supervision_poll(
    struct supervision *s, uint64_t now_us, bool is_complete, struct fail *why);
/* The longest time between two polls, at most longest_us. */
struct timespec supervision_tick(
    const struct supervision *s, uint64_t longest_us);

/* Around a reload. */
void supervision_reloading(const struct supervision *s, uint64_t now_us);
void supervision_reloaded(const struct supervision *s);
/* The end begins, and output may be waited for so long. */
void supervision_stopping(const struct supervision *s, uint64_t drain_ms);
/* One line for people. It is told when it has changed, but not often. */
void supervision_status(
    struct supervision *s, uint64_t now_us, const char *text);

#endif
