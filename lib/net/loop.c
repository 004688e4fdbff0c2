/* loop: see loop.h. Timers are a binary heap; each knows its place in it. */
#include "loop.h"

#include "clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOP_EVENTS 512 /* descriptors handled in one turn */

struct loop {
	int epoll_fd;
	int wake_fd; /* eventfd: ends a wait */
	struct loop_watch wake;
	/* What is high-rate is in an epoll set of its own, which is not looked
	 * at while it is held back. Not a set within the set: each event of the
	 * inner one wakes who waits for the outer one, asked for or not. */
	int high_rate_fd;
	size_t high_rate_count;
	uint64_t hold_us;     /* until then; 0: it is not held back */
	atomic_bool stopping; /* atomic; the rest is loop-owned */
	uint64_t now_us;      /* when the wait of this turn ended */
	uint64_t now_ms;
	bool again;
	struct loop_wait_hook *wait_hooks;
	void (*hook)(void *ctx);
	void *hook_ctx;
	struct loop_timer **heap; /* heap[1..timers] */
	size_t timers, timer_cap;
	bool firing; /* timers' callbacks are running */
	struct epoll_event events[LOOP_EVENTS];
	struct epoll_event high_rate_events[LOOP_EVENTS];
};

static void
wake_ready(void *ctx, unsigned events)
{
	struct loop *l = ctx;
	uint64_t n;

	(void)events;
	if (read(l->wake_fd, &n, sizeof n) == -1)
		return; /* EAGAIN: another wake-up took it */
}

struct loop *
loop_new(struct fail *why)
{
	struct loop *l = calloc(1, sizeof *l);

	if (l == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	l->now_us = clock_now_us();
	l->now_ms = l->now_us / 1000;
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->high_rate_fd = epoll_create1(EPOLL_CLOEXEC);
	l->wake = (struct loop_watch){ .fd = l->wake_fd,
		.events = LOOP_READ,
		.ready = wake_ready,
		.ctx = l };
	if (l->wake_fd == -1 || l->epoll_fd == -1 || l->high_rate_fd == -1 ||
	    loop_watch(l, &l->wake) == -1) {
		fail_errno(why, "cannot make an event loop");
		loop_free(l);
		return NULL;
	}
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	if (l->epoll_fd != -1)
		close(l->epoll_fd);
	if (l->high_rate_fd != -1)
		close(l->high_rate_fd);
	if (l->wake_fd != -1)
		close(l->wake_fd);
	free(l->heap);
	free(l);
}

static uint32_t
to_epoll(unsigned events)
{
	return ((events & LOOP_READ) != 0 ? (uint32_t)EPOLLIN : 0) |
	    ((events & LOOP_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0);
}

static unsigned
from_epoll(uint32_t events)
{
	return ((events & (EPOLLIN | EPOLLRDHUP)) != 0 ? LOOP_READ : 0U) |
	    ((events & EPOLLOUT) != 0 ? LOOP_WRITE : 0U) |
	    ((events & (EPOLLERR | EPOLLHUP)) != 0 ? LOOP_HANGUP : 0U);
}

/* The set that the descriptor is in. */
static int
set_of(const struct loop *l, const struct loop_watch *w)
{
	return w->high_rate ? l->high_rate_fd : l->epoll_fd;
}

int
loop_watch(struct loop *l, struct loop_watch *w)
{
	struct epoll_event e = { .events = to_epoll(w->events), .data.ptr = w };

	w->high_rate = false;
	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, w->fd, &e);
}

void
loop_rewatch(struct loop *l, struct loop_watch *w, unsigned events)
{
	struct epoll_event e = { .events = to_epoll(events), .data.ptr = w };

	if (w->fd == -1 || w->events == events)
		return;
	w->events = (uint8_t)events;
	/* MOD of a watched descriptor fails only for lack of kernel memory;
	 * the timers of its owner then end the connection */
	(void)epoll_ctl(set_of(l, w), EPOLL_CTL_MOD, w->fd, &e);
}

void
loop_unwatch(struct loop *l, struct loop_watch *w)
{
	if (w->fd == -1)
		return;
	(void)epoll_ctl(set_of(l, w), EPOLL_CTL_DEL, w->fd, NULL);
	w->fd = -1;
	l->high_rate_count -= w->high_rate;
	w->high_rate = false;
}

void
loop_set_high_rate(struct loop *l, struct loop_watch *w, bool high_rate)
{
	struct epoll_event e = { .events = to_epoll(w->events), .data.ptr = w };
	int from = set_of(l, w);

	if (w->fd == -1 || w->high_rate == high_rate ||
	    epoll_ctl(high_rate ? l->high_rate_fd : l->epoll_fd, EPOLL_CTL_ADD,
		w->fd, &e) == -1)
		return; /* it stays where it is, which is good enough */
	(void)epoll_ctl(from, EPOLL_CTL_DEL, w->fd, NULL);
	w->high_rate = high_rate;
	if (high_rate)
		l->high_rate_count++;
	else
		l->high_rate_count--;
}

bool
loop_hold_high_rate(struct loop *l, uint64_t until_us)
{
	if (l->high_rate_count == 0 || l->hold_us != 0)
		return false;
	l->hold_us = until_us;
	return true;
}

bool
loop_holds_high_rate(const struct loop *l)
{
	return l->high_rate_count > 0 && l->hold_us != 0;
}

static void
heap_put(struct loop *l, size_t place, struct loop_timer *t)
{
	l->heap[place] = t;
	t->place = place;
}

static void
sift_up(struct loop *l, struct loop_timer *t, size_t place)
{
	for (; place > 1 && l->heap[place / 2]->due_ms > t->due_ms; place /= 2)
		heap_put(l, place, l->heap[place / 2]);
	heap_put(l, place, t);
}

static void
sift_down(struct loop *l, struct loop_timer *t, size_t place)
{
	size_t child;

	while ((child = place * 2) <= l->timers) {
		if (child < l->timers &&
		    l->heap[child + 1]->due_ms < l->heap[child]->due_ms)
			child++;
		if (l->heap[child]->due_ms >= t->due_ms)
			break;
		heap_put(l, place, l->heap[child]);
		place = child;
	}
	heap_put(l, place, t);
}

static int
heap_grow(struct loop *l)
{
	size_t cap = l->timer_cap > 0 ? l->timer_cap * 2 : 64;
	struct loop_timer **heap = realloc(l->heap, (cap + 1) * sizeof *heap);

	if (heap == NULL)
		return -1;
	l->heap = heap;
	l->timer_cap = cap;
	return 0;
}

int
loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t due_ms)
{
	/* what is set to now by what fires now would fire again and again,
	 * and no turn would end before its owner has nothing left to do */
	if (l->firing && due_ms <= l->now_ms)
		due_ms = l->now_ms + 1;
	if (t->place == 0) {
		if (l->timers == l->timer_cap && heap_grow(l) == -1)
			return -1;
		l->timers++;
		t->due_ms = due_ms;
		sift_up(l, t, l->timers);
		return 0;
	}
	if (due_ms < t->due_ms) {
		t->due_ms = due_ms;
		sift_up(l, t, t->place);
	} else {
		t->due_ms = due_ms;
		sift_down(l, t, t->place);
	}
	return 0;
}

void
loop_timer_clear(struct loop *l, struct loop_timer *t)
{
	struct loop_timer *last;
	size_t place = t->place;

	if (place == 0)
		return;
	last = l->heap[l->timers--];
	t->place = 0;
	if (last == t)
		return;
	if (place > 1 && l->heap[place / 2]->due_ms > last->due_ms)
		sift_up(l, last, place);
	else
		sift_down(l, last, place);
}

static void
fire_timers(struct loop *l)
{
	l->firing = true;
	while (l->timers > 0 && l->heap[1]->due_ms <= l->now_ms) {
		struct loop_timer *t = l->heap[1];

		loop_timer_clear(l, t);
		t->fire(t->ctx);
	}
	l->firing = false;
}

void
loop_on_turn(struct loop *l, void (*hook)(void *ctx), void *ctx)
{
	l->hook = hook;
	l->hook_ctx = ctx;
}

void
loop_add_wait_hook(struct loop *l, struct loop_wait_hook *hook)
{
	hook->next = l->wait_hooks;
	l->wait_hooks = hook;
}

void
loop_remove_wait_hook(struct loop *l, struct loop_wait_hook *hook)
{
	struct loop_wait_hook **at = &l->wait_hooks;

	while (*at != hook)
		at = &(*at)->next;
	*at = hook->next;
}

void
loop_again(struct loop *l)
{
	l->again = true;
}

uint64_t
loop_now_ms(const struct loop *l)
{
	return l->now_ms;
}

uint64_t
loop_now_us(const struct loop *l)
{
	return l->now_us;
}

#define FOR_EVER UINT64_MAX

/* How long a turn may wait: until the first timer is due or what is held back
 * is let go. */
static uint64_t
wait_us(const struct loop *l)
{
	uint64_t until_us = l->hold_us != 0 ? l->hold_us : FOR_EVER;
	uint64_t now_us;

	if (l->timers > 0 && l->heap[1]->due_ms < until_us / 1000)
		until_us = l->heap[1]->due_ms * 1000;
	if (until_us == FOR_EVER)
		return FOR_EVER;
	now_us = clock_now_us();
	return until_us > now_us ? until_us - now_us : 0;
}

/* The same as epoll_wait wants it; not early, or a turn would run for
 * nothing. */
static int
wait_ms(const struct loop *l)
{
	const uint64_t us = wait_us(l);

	if (us == FOR_EVER)
		return -1;
	return us / 1000 < INT_MAX ? (int)((us + 999) / 1000) : INT_MAX;
}

/* Waits for either set, or only for what is not high-rate while high_rate is
 * held back. ppoll, as epoll_wait knows one set and milliseconds only; cut
 * short it does no harm. */
static void
wait_for_sets(struct loop *l)
{
	struct pollfd sets[] = {
		{ .fd = l->epoll_fd, .events = POLLIN },
		{ .fd = l->high_rate_fd, .events = POLLIN },
	};
	const uint64_t us = l->again ? 0 : wait_us(l);
	const struct timespec wait = { .tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000 * 1000) };

	if (us > 0)
		(void)ppoll(sets, l->hold_us != 0 ? 1 : 2,
		    us == FOR_EVER ? NULL : &wait, NULL);
	if (l->hold_us != 0 && clock_now_us() >= l->hold_us)
		l->hold_us = 0;
}

/* Waits for events; how many there are of what is not high-rate. */
static int
wait_events(struct loop *l)
{
	int timeout_ms = 0;

	if (l->high_rate_count > 0) {
		wait_for_sets(l);
	} else {
		l->hold_us = 0;
		if (!l->again)
			timeout_ms = wait_ms(l);
	}
	l->again = false;
	return epoll_wait(l->epoll_fd, l->events, LOOP_EVENTS, timeout_ms);
}

static void
dispatch(const struct epoll_event *events, int n)
{
	for (int i = 0; i < n; i++) {
		struct loop_watch *w = events[i].data.ptr;

		if (w->fd != -1)
			w->ready(w->ctx, from_epoll(events[i].events));
	}
}

static void
before_wait(struct loop *l)
{
	struct loop_wait_hook *hook = l->wait_hooks;

	for (; hook != NULL && !l->again; hook = hook->next)
		l->again = hook->before(hook->ctx);
}

static void
after_wait(struct loop *l)
{
	for (struct loop_wait_hook *h = l->wait_hooks; h != NULL; h = h->next)
		h->after(h->ctx);
}

void
loop_turn(struct loop *l)
{
	int n;

	before_wait(l);
	n = wait_events(l);
	l->now_us = clock_now_us();
	l->now_ms = l->now_us / 1000;
	after_wait(l);
	dispatch(l->events, n);
	if (l->high_rate_count > 0 && l->hold_us == 0)
		dispatch(l->high_rate_events,
		    epoll_wait(
			l->high_rate_fd, l->high_rate_events, LOOP_EVENTS, 0));
	fire_timers(l);
	if (l->hook != NULL)
		l->hook(l->hook_ctx);
}

void
loop_run(struct loop *l)
{
	while (!atomic_load_explicit(&l->stopping, memory_order_acquire))
		loop_turn(l);
}

void
loop_stop(struct loop *l)
{
	atomic_store_explicit(&l->stopping, true, memory_order_release);
	loop_wake(l);
}

void
loop_wake(struct loop *l)
{
	const uint64_t one = 1;
	int saved = errno;

	/* a full counter means that a wake-up is already due */
	if (write(l->wake_fd, &one, sizeof one) == -1)
		errno = saved;
}
