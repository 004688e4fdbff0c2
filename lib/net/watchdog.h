/*
 * watchdog: whether all event loops of a program run.
 *
 * Each loop is asked by a message now and then; when all have answered, the
 * program is alive. One that hangs, in a lock or an endless loop, keeps the
 * whole from being called alive. Life: watchdog_init -> watchdog_add ... ->
 * watchdog_poll ...; the struct must outlive the mailboxes. Threads: the main
 * thread; answers are atomic.
 */
#ifndef DERPKIT_WATCHDOG_H
#define DERPKIT_WATCHDOG_H

#include "mailbox.h"

#include <stdatomic.h>

#define WATCHDOG_LOOPS_MAX 64

struct watchdog_loop {
	struct message message;  /* first member */
	struct mailbox *mailbox; /* borrowed */
	atomic_bool asked;       /* and has not answered */
};

struct watchdog {
	struct watchdog_loop loops[WATCHDOG_LOOPS_MAX];
	size_t count;
	uint64_t interval_us; /* between two rounds; 0: there are none */
	uint64_t round_us;    /* when the last one began */
	bool waiting;         /* for its answers */
	size_t told;          /* 1 + the loop that was told; 0: none */
};

enum watchdog_result {
	WATCHDOG_NOTHING,
	WATCHDOG_ALIVE, /* every loop has answered since the last time */
	WATCHDOG_HANGS, /* loop *late does not answer; told once */
};

/* Rounds begin that long after each other, or never for 0. */
void watchdog_init(struct watchdog *w, uint64_t interval_us);
/* Watches one more loop, through its mailbox. No more than
 * WATCHDOG_LOOPS_MAX. */
void watchdog_add(struct watchdog *w, struct mailbox *mailbox);
/* Begins a round when it is time, and looks for answers. */
enum watchdog_result watchdog_poll(
    struct watchdog *w, uint64_t now_us, size_t *late);

#endif
