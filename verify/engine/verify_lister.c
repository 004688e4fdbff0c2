/* verify_lister: see verify_lister.h. */
#include "verify_lister.h"

#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#define REFRESH_MS 60000 /* between two lists, unless configured */
#define SOON_MS 1000     /* after a shortage */
#define RETRY_MIN_MS 500 /* while it is away; doubled each time */
#define RETRY_MAX_MS 30000
#define RETRY_MISSED_MS 2000 /* while somebody is kept out by that */
#define MISS_MS 2000       /* a listing answers questions of this long after */
#define SECOND_LOOK_PART 4 /* of the interval */
#define JITTER_PART 10     /* the interval is longer by at most this part */
#define POLL_NS 50000000   /* while waiting: whether to stop */

struct verify_lister {
	/* immutable */
	struct verify_source *source;
	struct verify_feed *feed;
	struct verify_source_config row;
	struct verify_source_context context;
	pthread_t thread;
	bool has_thread;
	/* used by the thread only */
	unsigned failures; /* in a row */
	bool doubts;       /* the next look is a second one */
	uint64_t this_ms;  /* when the listing that runs began */
	/* atomic */
	atomic_bool forced; /* by the operator */
	/* locked by lock */
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool has_ended, running, requested, stopped;
	bool held; /* no question brings the next listing forward */
	/* but to this time, if one was asked meanwhile; 0: not even that */
	uint64_t hurry_ms;
	bool missed;                 /* one was */
	uint64_t began_ms, ended_ms; /* of the last listing that has ended */
};

struct verify_lister *
verify_lister_new(const struct verify_lister_config *config)
{
	struct verify_lister *l = calloc(1, sizeof *l);
	pthread_condattr_t attr;

	if (l == NULL)
		return NULL;
	l->source = config->source;
	l->feed = config->feed;
	l->row = *config->row;
	l->context = *config->context;
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->ended, &attr);
	pthread_condattr_destroy(&attr);
	return l;
}

static uint64_t
interval_of(const struct verify_lister *l)
{
	if (l->row.refresh_ms != 0)
		return l->row.refresh_ms;
	if (l->context.refresh_ms != 0)
		return l->context.refresh_ms;
	return l->row.kind->refresh_ms != 0 ? l->row.kind->refresh_ms
					    : REFRESH_MS;
}

/* Many relays that were started together must not ask together. A local file
 * has no such need. */
static uint64_t
with_jitter(const struct verify_lister *l, uint64_t ms)
{
	const uint32_t most = ms / JITTER_PART < UINT32_MAX
	    ? (uint32_t)(ms / JITTER_PART)
	    : UINT32_MAX - 1;

	return l->row.kind->list_first ? ms
				       : ms + randombytes_uniform(most + 1);
}

/* When to try again. A local file may be mended at any time. */
static uint64_t
retry_ms(struct verify_lister *l)
{
	const unsigned doublings = l->failures < 6 ? l->failures : 6;
	uint64_t ms = (uint64_t)RETRY_MIN_MS << doublings;

	if (l->row.kind->list_first)
		return interval_of(l);
	l->failures++;
	ms = ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
	ms = ms < interval_of(l) ? ms : interval_of(l);
	return with_jitter(l, ms);
}

static void
begin(struct verify_lister *l)
{
	l->this_ms = l->context.now_ms();
	pthread_mutex_lock(&l->lock);
	l->running = true;
	l->requested = l->missed = false;
	pthread_mutex_unlock(&l->lock);
}

static void
end(struct verify_lister *l, bool hold, uint64_t hurry_ms)
{
	pthread_mutex_lock(&l->lock);
	l->running = false;
	l->held = hold;
	l->hurry_ms = hurry_ms;
	l->has_ended = true;
	l->began_ms = l->this_ms;
	l->ended_ms = l->context.now_ms();
	pthread_cond_broadcast(&l->ended);
	pthread_mutex_unlock(&l->lock);
}

/* The set is in force. What follows from that may take its time, and may ask
 * this source, for which it must not look as if it still listed. */
static void
settled(void *ctx, enum verify_taken taken)
{
	end(ctx, taken != VERIFY_TAKEN, 0);
}

/* What came of a listing. The set is taken over. Returns when to list next. */
static uint64_t
apply(struct verify_lister *l, enum verify_listed listed,
    struct verify_listing *listing, bool believe, const struct fail *why)
{
	uint64_t next_ms = listing->again_ms != 0
	    ? listing->again_ms
	    : with_jitter(l, interval_of(l));
	bool is_final;

	l->doubts = false;
	switch (listed) {
	case VERIFY_LISTED:
		l->failures = 0;
		/* only the operator can settle what is doubted each time */
		is_final = l->row.kind->doubt_empty &&
		    verify_set_count(listing->set) == 0;
		if (verify_feed_replace_then(l->feed, listing->set,
			believe || l->context.allow_empty, settled,
			l) == VERIFY_TAKEN ||
		    is_final)
			return next_ms;
		l->doubts = true;
		return interval_of(l) / SECOND_LOOK_PART;
	case VERIFY_LIST_SAME:
		l->failures = 0;
		verify_feed_confirm(l->feed);
		break;
	case VERIFY_LIST_LATER:
	case VERIFY_LIST_STOPPED:
		break;
	case VERIFY_LIST_AWAY:
		verify_feed_lost(l->feed, VERIFY_FAULT_AWAY, why->text);
		next_ms = listing->again_ms != 0 ? next_ms : retry_ms(l);
		break;
	case VERIFY_LIST_BAD:
		if (listing->is_new)
			verify_feed_tell_again(l->feed);
		verify_feed_lost(l->feed, VERIFY_FAULT_BAD, why->text);
		next_ms = listing->again_ms != 0 ? next_ms : retry_ms(l);
		break;
	case VERIFY_LIST_OURS:
		verify_feed_lost(l->feed, VERIFY_FAULT_OURS, why->text);
		next_ms = SOON_MS;
		break;
	}
	verify_set_drop(listing->set);
	return next_ms;
}

static bool
is_away(enum verify_listed listed)
{
	return listed == VERIFY_LIST_AWAY || listed == VERIFY_LIST_BAD ||
	    listed == VERIFY_LIST_OURS;
}

/* When a question may bring forward what comes after a listing that failed: not
 * before the other side wants to be asked. 0: never. */
static uint64_t
hurry_of(const struct verify_lister *l, const struct verify_listing *listing)
{
	return listing->again_ms != 0
	    ? 0
	    : l->context.now_ms() + with_jitter(l, RETRY_MISSED_MS);
}

static enum verify_listed
list_once(
    struct verify_lister *l, bool believe, uint64_t *next_ms, struct fail *why)
{
	struct verify_listing listing = {
		.reread = believe || l->doubts,
		.stop = verify_feed_stop(l->feed),
		.set = verify_set_new(),
	};
	enum verify_listed listed = VERIFY_LIST_OURS;

	begin(l);
	if (listing.set == NULL)
		fail_set(why, "out of memory");
	else
		listed = l->source->ops->list(l->source, &listing, why);
	*next_ms = apply(l, listed, &listing, believe, why);
	if (listed != VERIFY_LISTED)
		end(l, is_away(listed),
		    is_away(listed) ? hurry_of(l, &listing) : 0);
	return listed;
}

int
verify_lister_first(struct verify_lister *l, bool believe, struct fail *why)
{
	struct verify_listing listing = { .stop = verify_feed_stop(l->feed),
		.set = verify_set_new() };

	l->this_ms = l->context.now_ms();
	if (listing.set == NULL)
		return fail_set(why, "out of memory");
	if (l->source->ops->list(l->source, &listing, why) != VERIFY_LISTED) {
		verify_set_drop(listing.set);
		return -1;
	}
	verify_feed_replace(
	    l->feed, listing.set, believe || l->context.allow_empty);
	end(l, false, 0);
	return 0;
}

/* Until the thread is told to stop, or the other side turns out not to be able
 * to push. */
static void
push(struct verify_lister *l)
{
	while (!atomic_load(verify_feed_stop(l->feed)) &&
	    l->source->ops->push(l->source, l->feed))
		if (!verify_feed_wait(l->feed, retry_ms(l), NULL))
			return;
}

static bool
is_held(struct verify_lister *l)
{
	bool held;

	pthread_mutex_lock(&l->lock);
	held = l->held;
	pthread_mutex_unlock(&l->lock);
	return held && !atomic_load(&l->forced);
}

/* How long until a listing that is due then, or earlier for those who are kept
 * out meanwhile. */
static uint64_t
left_ms(struct verify_lister *l, uint64_t due_ms)
{
	const uint64_t now_ms = l->context.now_ms();

	pthread_mutex_lock(&l->lock);
	if (l->missed && l->hurry_ms != 0 && l->hurry_ms < due_ms)
		due_ms = l->hurry_ms;
	pthread_mutex_unlock(&l->lock);
	return due_ms > now_ms ? due_ms - now_ms : 0;
}

/* Until the next listing is due. A question that was on its way when the last
 * one began does not count any more if that one failed. False: told to stop. */
static bool
wait_turn(struct verify_lister *l, uint64_t ms)
{
	const uint64_t due_ms = l->context.now_ms() + ms;
	bool wanted;

	do
		if (!verify_feed_wait(l->feed, left_ms(l, due_ms), &wanted))
			return false;
	while (wanted && is_held(l));
	return true;
}

static void *
run(void *ctx)
{
	struct verify_lister *l = ctx;
	uint64_t next_ms = 0;

	if (l->source->ops->push != NULL)
		push(l);
	if (l->source->ops->list == NULL)
		return NULL;
	/* what was listed first needs no second list now */
	if (l->has_ended)
		next_ms = interval_of(l);
	while (wait_turn(l, next_ms)) {
		struct fail why = { 0 };

		list_once(
		    l, atomic_exchange(&l->forced, false), &next_ms, &why);
	}
	return NULL;
}

/* Signals are handled by the main thread, as in thread_pool. */
int
verify_lister_start(struct verify_lister *l)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	l->has_thread = pthread_create(&l->thread, NULL, run, l) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return l->has_thread ? 0 : -1;
}

void
verify_lister_reload(struct verify_lister *l)
{
	atomic_store(&l->forced, true);
	verify_feed_wake(l->feed, true);
}

static bool
is_recent(const struct verify_lister *l, const struct verify_question *q)
{
	return l->has_ended &&
	    (l->began_ms >= q->asked_ms || l->ended_ms + MISS_MS > q->asked_ms);
}

/* Whether there is nothing to wait for. */
static bool
is_over(const struct verify_lister *l, const struct verify_question *q)
{
	return l->stopped || is_recent(l, q) || (l->held && !l->running);
}

/* Somebody is kept out because the last listing failed. Whether its thread must
 * be woken for that. */
static bool
miss(struct verify_lister *l)
{
	if (!l->held || l->running || l->hurry_ms == 0 || l->missed)
		return false;
	l->missed = true;
	return true;
}

/* Not while it lists: begin() alone takes a request back. Whether its thread
 * must be woken for that. */
static bool
request(struct verify_lister *l)
{
	if (l->running || l->requested)
		return false;
	l->requested = true;
	return true;
}

/* With the lock, which is given up meanwhile: no two are held together. */
static void
wake(struct verify_lister *l)
{
	pthread_mutex_unlock(&l->lock);
	verify_feed_wake(l->feed, true);
	pthread_mutex_lock(&l->lock);
}

static void
wait_a_moment(struct verify_lister *l)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += POLL_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&l->ended, &l->lock, &until);
}

void
verify_lister_want(struct verify_lister *l, const struct verify_question *q)
{
	pthread_mutex_lock(&l->lock);
	if (miss(l))
		wake(l);
	while (!is_over(l, q) && !atomic_load(q->stop) &&
	    verify_source_left_ms(q) > 0) {
		if (request(l))
			wake(l);
		else
			wait_a_moment(l);
	}
	pthread_mutex_unlock(&l->lock);
}

void
verify_lister_stop(struct verify_lister *l)
{
	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->stopped = true;
	pthread_cond_broadcast(&l->ended);
	pthread_mutex_unlock(&l->lock);
	if (!l->has_thread)
		return;
	verify_feed_wake(l->feed, false);
	pthread_join(l->thread, NULL);
	l->has_thread = false;
}

void
verify_lister_free(struct verify_lister *l)
{
	if (l == NULL)
		return;
	verify_lister_stop(l);
	pthread_cond_destroy(&l->ended);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
