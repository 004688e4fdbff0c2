/* verify_feed: see verify_feed.h. */
#include "verify_feed.h"

#include "verify_diff.h"
#include "verify_guard.h"
#include "verify_revoke.h"
#include "verify_tally.h"
#include "verify_wake.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHRINK_PART 50 /* percent, unless configured */
#define ALIKE_PART 10  /* two looks agree when their sizes differ by less */
#define WHY_MAX 256

struct verify_feed {
	/* immutable */
	char *label; /* owned */
	struct verify_source_config row;
	struct verify_source_context context;
	struct verify_observer observer;
	const atomic_bool *stop;
	struct verify_tally *tally; /* borrowed */
	/* atomic */
	_Atomic(struct verify_set *) set; /* held; NULL: none yet */
	struct verify_guard guard;        /* of set */
	_Atomic uint64_t generation;      /* of set */
	_Atomic(enum verify_fault) fault;
	_Atomic int64_t true_ms; /* when set was last true; at first: made */
	atomic_bool was_lost;
	/* one change after the other; locked by change_lock */
	pthread_mutex_t change_lock;
	bool has_doubt;
	size_t doubt_count; /* of the set that was not taken */
	char why[WHY_MAX];  /* it was lost; "" */
	bool tell_again;    /* the same reason, too */
	uint64_t lost_ms;
	/* used by verify_feed_expire only */
	int64_t expired_s;     /* keys that expire until then were handled */
	int64_t next_expiry_s; /* in the set of that generation */
	uint64_t expiry_of;
	struct verify_wake wake;
};

struct verify_feed *
verify_feed_new(const struct verify_feed_config *config)
{
	struct verify_feed *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->row = *config->row;
	f->context = *config->context;
	if (config->observer != NULL)
		f->observer = *config->observer;
	f->stop = config->stop;
	f->tally = config->tally;
	f->expired_s = f->context.wall_s();
	f->expiry_of = UINT64_MAX;
	atomic_init(&f->true_ms, (int64_t)f->context.now_ms());
	pthread_mutex_init(&f->change_lock, NULL);
	verify_wake_init(&f->wake);
	f->label = strdup(config->label);
	if (f->label == NULL) {
		verify_feed_free(f);
		return NULL;
	}
	return f;
}

void
verify_feed_free(struct verify_feed *f)
{
	if (f == NULL)
		return;
	verify_set_drop(atomic_load(&f->set));
	verify_wake_clear(&f->wake);
	pthread_mutex_destroy(&f->change_lock);
	free(f->label);
	free(f);
}

/* ---- lookups: no locks */

struct verify_set *
verify_feed_hold(struct verify_feed *f)
{
	const unsigned side = verify_guard_enter(&f->guard);
	struct verify_set *set = atomic_load(&f->set);

	if (set != NULL)
		verify_set_hold(set);
	verify_guard_leave(&f->guard, side);
	return set;
}

static uint64_t
age_of(const struct verify_feed *f)
{
	const int64_t now_ms = (int64_t)f->context.now_ms();
	const int64_t true_ms = atomic_load(&f->true_ms);

	return now_ms > true_ms ? (uint64_t)(now_ms - true_ms) : 0;
}

static struct verify_reply
reply_of(const struct verify_feed *f)
{
	return (struct verify_reply){
		.label = f->label,
		.row = &f->row,
		.fault = atomic_load(&f->fault),
		.age_ms = age_of(f),
		.now_s = f->context.wall_s(),
	};
}

enum verify_found
verify_feed_find(struct verify_feed *f, const struct derp_key *key,
    struct verify_answer *answer)
{
	const unsigned side = verify_guard_enter(&f->guard);
	const struct verify_set *set = atomic_load(&f->set);
	const struct verify_reply reply = reply_of(f);
	const enum verify_found found = verify_reply(&reply, set, key, answer);

	verify_guard_leave(&f->guard, side);
	return found;
}

/* ---- changes */

static void
tell(struct verify_feed *f, struct verify_event what)
{
	if (f->observer.tell == NULL)
		return;
	what.source = f->label;
	what.wall_s = f->context.wall_s();
	f->observer.tell(f->observer.ctx, &what);
}

/* Puts the set, which is taken over, in force. Returns the old one, held, which
 * no reader uses any more. Called with change_lock held. */
static struct verify_set *
swap(struct verify_feed *f, struct verify_set *set)
{
	struct verify_set *old = atomic_exchange(&f->set, set);

	atomic_fetch_add(&f->generation, 1);
	verify_guard_wait(&f->guard);
	f->has_doubt = false;
	return old;
}

static void
tell_difference(void *ctx, const struct verify_difference *d)
{
	struct verify_feed *f = ctx;

	tell(f,
	    (struct verify_event){ .kind = d->old == NULL ? VERIFY_EVENT_ADDED
		    : d->now == NULL                      ? VERIFY_EVENT_REMOVED
				     : VERIFY_EVENT_CHANGED,
		.node = d->now != NULL ? d->now : d->old });
}

static void
revoke_difference(void *ctx, const struct verify_difference *d)
{
	const struct verify_feed *f = ctx;
	const struct verify_set_node *node = d->old != NULL ? d->old : d->now;

	if (d->lost)
		verify_revoke_left(f->context.revoke, &node->key, node->name);
}

/* After a new set is in force: whoever lost their right is disconnected, who
 * observes is told. Both sets are held by the caller; old may be NULL. */
static void
compare(struct verify_feed *f, const struct verify_set *old,
    const struct verify_set *now)
{
	const struct verify_diff diff = {
		.old = old,
		.now = now,
		.denies = f->row.role == VERIFY_ROLE_DENY,
		.allow_expired = f->row.allow_expired,
		.now_s = f->context.wall_s(),
	};

	if (f->context.revoke != NULL &&
	    (old != NULL || f->row.role == VERIFY_ROLE_DENY)) {
		verify_revoke_changed(f->context.revoke);
		verify_diff_each(&diff, revoke_difference, f);
	}
	if (f->observer.tell == NULL)
		return;
	if (old == NULL)
		tell(f,
		    (struct verify_event){ .kind = VERIFY_EVENT_LISTED,
			.count = verify_set_count(now) });
	else
		verify_diff_each(&diff, tell_difference, f);
}

/* The source is there, and what is in force is true. Tells it if it was lost.
 */
static void
set_found(struct verify_feed *f, bool is_true)
{
	uint64_t away_ms = 0;
	bool was_lost;

	pthread_mutex_lock(&f->change_lock);
	was_lost = f->why[0] != '\0';
	f->why[0] = '\0';
	if (was_lost)
		away_ms = f->context.now_ms() - f->lost_ms;
	if (is_true)
		atomic_store(&f->true_ms, (int64_t)f->context.now_ms());
	atomic_store(&f->fault, VERIFY_FAULT_NONE);
	pthread_mutex_unlock(&f->change_lock);
	if (!was_lost)
		return;
	tell(f, (struct verify_event){ .kind = VERIFY_EVENT_BACK, .text = "" });
	if (!f->row.kind->list_first)
		verify_source_notify(&f->context,
		    "%s is back after %" PRIu64 " s", f->label, away_ms / 1000);
}

void
verify_feed_restore(
    struct verify_feed *f, struct verify_set *set, int64_t true_s)
{
	const int64_t now_s = f->context.wall_s();
	/* of a clock that was wrong, it is as old as can be told */
	const int64_t age_s = now_s > true_s ? now_s - true_s : 0;
	struct verify_set *old;

	pthread_mutex_lock(&f->change_lock);
	atomic_store(&f->true_ms, (int64_t)f->context.now_ms() - age_s * 1000);
	atomic_store(&f->fault, VERIFY_FAULT_AWAY);
	old = swap(f, set);
	pthread_mutex_unlock(&f->change_lock);
	verify_set_drop(old);
}

bool
verify_feed_inherit(struct verify_feed *f, struct verify_feed *from)
{
	struct verify_set *set = verify_feed_hold(from), *old;

	if (set == NULL)
		return false;
	pthread_mutex_lock(&f->change_lock);
	atomic_store(&f->true_ms, atomic_load(&from->true_ms));
	atomic_store(&f->fault, atomic_load(&from->fault));
	old = swap(f, set);
	pthread_mutex_unlock(&f->change_lock);
	verify_set_drop(old);
	return true;
}

uint64_t
verify_feed_generation(const struct verify_feed *f)
{
	return atomic_load(&f->generation);
}

void
verify_feed_confirm(struct verify_feed *f)
{
	bool has_doubt;

	pthread_mutex_lock(&f->change_lock);
	has_doubt = f->has_doubt;
	pthread_mutex_unlock(&f->change_lock);
	/* what the source still says is not what is in force */
	set_found(f, !has_doubt);
}

static bool
is_smaller(const struct verify_feed *f, size_t before, size_t now)
{
	const unsigned part =
	    f->row.shrink_part != 0 ? f->row.shrink_part : SHRINK_PART;

	return now == 0 ? before > 0 : now * 100 < before * part;
}

/* Whether another look found about as many as the one before. */
static bool
agrees(const struct verify_feed *f, size_t now)
{
	const size_t was = f->doubt_count;
	const size_t apart = now > was ? now - was : was - now;

	return f->has_doubt && apart * 100 <= was * ALIKE_PART;
}

/* Whether a set of that size must wait for a second look. A deny list that
 * shrinks admits more keys: that needs one, too. Called with change_lock held.
 */
static bool
is_doubted(struct verify_feed *f, size_t before, size_t now, bool believe)
{
	const bool never = now == 0 && f->row.kind->doubt_empty;

	if (believe || !is_smaller(f, before, now))
		return false;
	if (agrees(f, now) && !never)
		return false;
	f->has_doubt = true;
	f->doubt_count = now;
	return true;
}

static void
tell_doubt(struct verify_feed *f, size_t before, size_t now)
{
	tell(f,
	    (struct verify_event){
		.kind = VERIFY_EVENT_DOUBTED, .count = now });
	if (now == 0)
		verify_source_notify(&f->context,
		    "%s is empty now; keeping the %zu keys of the last good "
		    "list (%s)",
		    f->label, before,
		    f->row.kind->doubt_empty
			? "SIGHUP makes it take effect"
			: "a second look that says the same, or SIGHUP, makes "
			  "it take effect");
	else
		verify_source_notify(&f->context,
		    "%s has %zu keys now; keeping the %zu keys of the last "
		    "good list until a second look says the same",
		    f->label, now, before);
}

static void
count_difference(void *ctx, const struct verify_difference *difference)
{
	size_t *count = ctx;

	(void)difference;
	++*count;
}

/* A server that is asked again and again says the same most of the time. */
static bool
is_other(const struct verify_feed *f, const struct verify_set *old,
    const struct verify_set *now)
{
	const struct verify_diff diff = { .old = old, .now = now };
	size_t count = 0;

	if (f->row.kind->list_first)
		return true;
	verify_diff_each(&diff, count_difference, &count);
	return count > 0;
}

static void
notify_replaced(struct verify_feed *f, const struct verify_set *old,
    size_t before, size_t now)
{
	if (old != NULL)
		verify_source_notify(&f->context,
		    "%s reloaded: %zu keys (was %zu)%s", f->label, now, before,
		    now < before / 2 ? "; less than half of them are left"
				     : "");
	else if (now == 0)
		verify_source_notify(&f->context, "%s is empty: it %s",
		    f->label,
		    f->row.role == VERIFY_ROLE_DENY ? "denies nobody"
						    : "admits nobody");
}

enum verify_taken
verify_feed_replace(struct verify_feed *f, struct verify_set *set, bool believe)
{
	return verify_feed_replace_then(f, set, believe, NULL, NULL);
}

enum verify_taken
verify_feed_replace_then(struct verify_feed *f, struct verify_set *set,
    bool believe, verify_feed_settled_fn *settled, void *ctx)
{
	const size_t now = verify_set_count(set);
	struct verify_set *old;
	size_t before;
	bool doubted, had_doubt, same_doubt;

	verify_set_seal(set);
	pthread_mutex_lock(&f->change_lock);
	had_doubt = f->has_doubt;
	same_doubt = had_doubt && f->doubt_count == now;
	old = atomic_load(&f->set);
	before = old != NULL ? verify_set_count(old) : 0;
	doubted = is_doubted(f, before, now, believe);
	if (!doubted)
		old = swap(f, verify_set_hold(set));
	pthread_mutex_unlock(&f->change_lock);
	set_found(f, !doubted);
	if (settled != NULL)
		settled(ctx, doubted ? VERIFY_DOUBTED : VERIFY_TAKEN);
	if (doubted) {
		atomic_fetch_add(&f->tally->doubted, 1);
		if (!same_doubt) /* or it is told again at every look */
			tell_doubt(f, before, now);
		verify_set_drop(set);
		return VERIFY_DOUBTED;
	}
	atomic_fetch_add(&f->tally->replaced, 1);
	if (old == NULL || had_doubt || is_other(f, old, set))
		notify_replaced(f, old, before, now);
	compare(f, old, set);
	verify_set_drop(old);
	verify_set_drop(set);
	return VERIFY_TAKEN;
}

/* Texts of an absence may hold times, and differ each time; what is wrong with
 * an answer is news when it differs. Called with change_lock held. */
static bool
is_news(const struct verify_feed *f, enum verify_fault fault, const char *why)
{
	if (f->why[0] == '\0' || atomic_load(&f->fault) != fault ||
	    f->tell_again)
		return true;
	return fault == VERIFY_FAULT_BAD && strcmp(f->why, why) != 0;
}

void
verify_feed_tell_again(struct verify_feed *f)
{
	pthread_mutex_lock(&f->change_lock);
	f->tell_again = true;
	pthread_mutex_unlock(&f->change_lock);
}

void
verify_feed_lost(
    struct verify_feed *f, enum verify_fault fault, const char *why)
{
	char kept[64] = "";
	struct verify_set *set = verify_feed_hold(f);
	const size_t keys = set != NULL ? verify_set_count(set) : 0;
	const bool is_file = f->row.kind->list_first;
	struct verify_reply reply;
	bool news;

	verify_set_drop(set);
	pthread_mutex_lock(&f->change_lock);
	news = is_news(f, fault, why);
	f->tell_again = false;
	if (f->why[0] == '\0')
		f->lost_ms = f->context.now_ms();
	snprintf(f->why, sizeof f->why, "%s", why[0] != '\0' ? why : "?");
	atomic_store(&f->fault, fault);
	pthread_mutex_unlock(&f->change_lock);
	atomic_store(&f->was_lost, true);
	atomic_fetch_add(&f->tally->lost, 1);
	if (!news)
		return;
	reply = reply_of(f);
	if (set != NULL && verify_reply_is_in_force(&reply))
		snprintf(kept, sizeof kept,
		    ", keeping the %zu keys of the last good one", keys);
	tell(
	    f, (struct verify_event){ .kind = VERIFY_EVENT_LOST, .text = why });
	verify_source_notify(&f->context, "%s %s%s: %s",
	    is_file ? f->row.kind->label : f->label,
	    is_file ? "is bad" : verify_reply_fault_word(fault), kept, why);
}

void
verify_feed_expire(struct verify_feed *f)
{
	const int64_t now_s = f->context.wall_s(), since_s = f->expired_s;
	const uint64_t generation = atomic_load(&f->generation);
	struct verify_set *set;
	struct verify_set_node node;
	int64_t next_s = VERIFY_SET_NEVER;
	bool any = false;

	f->expired_s = now_s;
	if (f->row.allow_expired || f->row.role == VERIFY_ROLE_DENY ||
	    (f->expiry_of == generation && now_s >= since_s &&
		now_s < f->next_expiry_s))
		return;
	set = verify_feed_hold(f);
	for (size_t i = 0; set != NULL && i < verify_set_count(set); i++) {
		verify_set_at(set, i, &node);
		if (node.expires_s > now_s && node.expires_s < next_s)
			next_s = node.expires_s;
		if (node.expires_s <= since_s || node.expires_s > now_s)
			continue;
		/* an answer of a moment ago may rest on the old time */
		if (f->context.revoke != NULL && !any)
			verify_revoke_changed(f->context.revoke);
		any = true;
		if (f->context.revoke != NULL)
			verify_revoke_left(
			    f->context.revoke, &node.key, node.name);
		tell(f,
		    (struct verify_event){
			.kind = VERIFY_EVENT_EXPIRED, .node = &node });
	}
	verify_set_drop(set);
	f->expiry_of = generation;
	f->next_expiry_s = next_s;
}

const atomic_bool *
verify_feed_stop(const struct verify_feed *f)
{
	return f->stop;
}

void
verify_feed_wake(struct verify_feed *f, bool wanted)
{
	verify_wake_ring(&f->wake, wanted);
}

bool
verify_feed_wait(struct verify_feed *f, uint64_t ms, bool *wanted)
{
	return verify_wake_wait(&f->wake, ms, f->stop, wanted);
}

void
verify_feed_stats(struct verify_feed *f, struct verify_feed_stats *out)
{
	struct verify_set *set = verify_feed_hold(f);

	*out = (struct verify_feed_stats){
		.keys = set != NULL ? verify_set_count(set) : 0,
		.has_set = set != NULL,
		.was_lost = atomic_load(&f->was_lost),
		.fault = atomic_load(&f->fault),
		.age_ms = set != NULL ? age_of(f) : 0,
		.replaced = atomic_load(&f->tally->replaced),
		.doubted = atomic_load(&f->tally->doubted),
		.lost = atomic_load(&f->tally->lost),
	};
	verify_set_drop(set);
}
