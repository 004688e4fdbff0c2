/*
 * loop: epoll for one thread: descriptors, timers, end-of-turn work, stop.
 *
 * A turn is: wait, read the clock once, run the ready callbacks, run the due
 * timers, run the turn hook. Descriptors that bring much can be called
 * high-rate, and high-rate can be held back for a moment, so that more of it is
 * handled together, while everything else is handled as it comes. Life:
 * loop_new -> add watches and timers -> loop_run -> loop_free. Threads: a loop
 * belongs to the thread that runs it; only loop_stop and loop_wake may be
 * called from elsewhere, signal handlers included.
 */
#ifndef DERPKIT_LOOP_H
#define DERPKIT_LOOP_H

#include "fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

enum loop_events { /* may be or-ed */
	LOOP_READ = 1,
	LOOP_WRITE = 2,
	LOOP_HANGUP = 4, /* only reported: error or both directions closed */
};

/* A watched descriptor; embedded in its owner, who keeps it until
 * loop_unwatch and then to the end of the turn. */
struct loop_watch {
	int fd;         /* owner's; -1: not watched */
	uint8_t events; /* what is asked for now, enum loop_events bits */
	bool high_rate; /* by loop_set_high_rate */
	void (*ready)(void *ctx, unsigned events);
	void *ctx;
};

/* A one-shot timer; embedded in its owner. */
struct loop_timer {
	uint64_t due_ms; /* on the monotonic clock */
	size_t place;    /* in the heap, 1-based; 0: not set */
	void (*fire)(void *ctx);
	void *ctx;
};

/* Told around each wait; embedded in its owner. */
struct loop_wait_hook {
	/* Before a wait that may block. True: there is something to do, the
	 * wait does not block. */
	bool (*before)(void *ctx);
	/* After each wait, with the time of the turn set. */
	void (*after)(void *ctx);
	void *ctx;
	struct loop_wait_hook *next; /* the loop's */
};

/* Returns owned; NULL and the reason when descriptors or memory are short. */
struct loop *loop_new(struct fail *why);
void loop_free(struct loop *l);

/* Starts watching w->fd for w->events. -1 when the kernel refuses. */
int loop_watch(struct loop *l, struct loop_watch *w);
/* Changes what is asked for; cheap when nothing changes. */
void loop_rewatch(struct loop *l, struct loop_watch *w, unsigned events);
/* Stops watching; the descriptor stays open. Idempotent. */
void loop_unwatch(struct loop *l, struct loop_watch *w);

/* Says whether a watched descriptor is high-rate; new ones are not. Two system
 * calls when that changes, none else. */
void loop_set_high_rate(struct loop *l, struct loop_watch *w, bool high_rate);
/* Holds back what is high-rate until then, microseconds on the monotonic clock.
 * No effect while it is held already, or when nothing is high-rate: then false.
 */
bool loop_hold_high_rate(struct loop *l, uint64_t until_us);
/* Whether it is held back: then a turn begins when that ends, if not before. */
bool loop_holds_high_rate(const struct loop *l);

/* Sets (or moves) a timer. Each fires once in a turn at most: set by a timer's
 * callback, it is due in the next millisecond at the earliest. -1 when memory
 * is short; not when it is moved, nor when a callback sets its own timer before
 * any other. */
int loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t due_ms);
void loop_timer_clear(struct loop *l, struct loop_timer *t);

/* Called at the end of every turn. */
void loop_on_turn(struct loop *l, void (*hook)(void *ctx), void *ctx);
/* Adds or removes a hook; not from within one. Borrowed until removed. */
void loop_add_wait_hook(struct loop *l, struct loop_wait_hook *hook);
void loop_remove_wait_hook(struct loop *l, struct loop_wait_hook *hook);
/* Makes the next wait not block: there is work left for the next turn. */
void loop_again(struct loop *l);

/* Time of this turn. */
uint64_t loop_now_ms(const struct loop *l);
uint64_t loop_now_us(const struct loop *l);

/* Runs one turn; blocks until something happens or a timer is due. For those
 * who step through turns, as tests do. */
void loop_turn(struct loop *l);
/* Runs turns until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* Ends the wait that the loop is in, or the next one. Any thread. */
void loop_wake(struct loop *l);

#endif
