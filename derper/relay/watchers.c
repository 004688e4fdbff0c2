/* watchers: see watchers.h. */
#include "watchers.h"

#include "conn.h"
#include "counters.h"
#include "derp_msg.h"
#include "worker.h"

#include <assert.h>
#include <stdlib.h>

/* Changes that one watcher gets before the next one has its turn. */
#define STEP 64
#define FRAME_MAX (DERP_HEADER + DERP_PEER_PRESENT_BODY)

static_assert(OUTQ_HEAD_MAX + STEP * FRAME_MAX <= TURN_MEMORY_ALLOC_MAX,
    "room for a step");

struct watcher {
	struct presence_watcher presence; /* first member */
	struct watcher *next;             /* in a ring of one worker's */
	struct conn *conn;                /* borrowed */
};

void
watchers_init(
    struct watchers *all, struct worker *worker, struct presence *presence)
{
	*all = (struct watchers){ .worker = worker, .presence = presence };
}

static void
link_last(struct watchers *all, struct watcher *w)
{
	struct watcher **at = &all->first;

	while (*at != NULL)
		at = &(*at)->next;
	w->next = NULL;
	*at = w;
}

int
watchers_add(struct watchers *all, struct conn *conn, struct watcher **w)
{
	struct watcher *new = *w;

	if (new == NULL)
		new = calloc(1, sizeof *new);
	if (new == NULL)
		return -1;
	if (presence_watch(all->presence, &new->presence) == -1) {
		if (*w == NULL)
			free(new);
		return -1;
	}
	if (*w == NULL) {
		new->conn = conn;
		link_last(all, new);
		atomic_store(&all->any, true);
		counters_add(&all->worker->counters->watchers, 1);
		*w = new;
	}
	loop_again(all->worker->loop);
	return 0;
}

void
watchers_remove(struct watchers *all, struct watcher *w)
{
	struct watcher **at = &all->first;

	if (w == NULL)
		return;
	presence_unwatch(all->presence, &w->presence);
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	atomic_store(&all->any, all->first != NULL);
	counters_subtract(&all->worker->counters->watchers, 1);
	free(w);
}

void
watchers_wake(struct watchers *all)
{
	if (atomic_load(&all->any) && !atomic_exchange(&all->changed, true))
		loop_wake(all->worker->loop);
}

/* Whether the watcher can take more now. What it does not take at once would
 * have to be kept for it. */
static bool
has_room(const struct watcher *w)
{
	return !w->conn->ended && !stream_blocked(&w->conn->stream) &&
	    w->conn->out.bytes == 0;
}

static void
put_change(struct worker *worker, struct writer *out,
    const struct presence_change *change)
{
	if (change->here) {
		derp_peer_present_put(
		    out, &change->key, &change->addr, change->flags);
		counters_add(&worker->counters->peer_present_frames, 1);
		return;
	}
	derp_peer_gone_put(out, &change->key, DERP_GONE_DISCONNECTED);
	counters_add(&worker->counters->peer_gone_disconnected_frames, 1);
}

/* Tells a watcher at most `max` changes. Returns how many, and at least what
 * it costs to find none. */
static size_t
tell_some(struct watchers *all, struct watcher *w, size_t max)
{
	struct presence_change changes[STEP];
	struct writer out;
	uint8_t *bytes;
	size_t count;

	bytes = turn_memory_alloc(
	    all->worker->memory, OUTQ_HEAD_MAX + STEP * FRAME_MAX);
	if (bytes == NULL) {
		conn_end(w->conn, "out of memory");
		return 1;
	}
	count = presence_take(
	    all->presence, &w->presence, changes, max < STEP ? max : STEP);
	bytes += OUTQ_HEAD_MAX;
	out = writer_of(bytes, STEP * FRAME_MAX);
	for (size_t i = 0; i < count; i++)
		put_change(all->worker, &out, &changes[i]);
	if (count == 0)
		return max < STEP ? max : STEP;
	conn_send(w->conn, OUTQ_CONTROL, bytes, out.n, (unsigned)count);
	counter_histogram_add(&all->worker->counters->mesh_batch,
	    &counters_bounds_mesh_batch, count);
	return count;
}

/* The watcher is too slow to be told any more, and knows nothing for sure. */
static void
end_given_up(struct watchers *all, struct watcher *w)
{
	counters_add(&all->worker->counters->watchers_given_up, 1);
	conn_fail(w->conn, "watches too slowly: more than %u keys have left",
	    PRESENCE_GONE_MAX);
}

/* One that is to be ended, or to be told something now; NULL: none. */
static struct watcher *
next_to_tell(struct watchers *all)
{
	for (struct watcher *w = all->first; w != NULL; w = w->next)
		if (!w->conn->ended &&
		    (w->presence.given_up ||
			(has_room(w) &&
			    presence_has_news(all->presence, &w->presence))))
			return w;
	return NULL;
}

/* So that the others have their turn before it. */
static void
move_last(struct watchers *all, struct watcher *w)
{
	struct watcher **at = &all->first;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	link_last(all, w);
}

void
watchers_turn(struct watchers *all)
{
	size_t left = WATCHERS_PER_TURN;
	struct watcher *w = NULL;
	uint64_t told = 0;

	if (all->first == NULL)
		return;
	atomic_store(&all->changed, false);
	while (left > 0 && (w = next_to_tell(all)) != NULL) {
		move_last(all, w);
		if (w->presence.given_up)
			end_given_up(all, w); /* which removes it */
		else
			left -= tell_some(all, w, left), told++;
	}
	if (told > 0)
		counter_histogram_add(&all->worker->counters->mesh_loops,
		    &counters_bounds_mesh_loops, told);
	if (left == 0)
		loop_again(all->worker->loop);
}
