/* presence: see presence.h. */
#include "presence.h"

#include "keytable.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

static_assert(DERP_KEY == KEYTABLE_KEY, "a key is a key");

/* Keys that are looked at in one presence_take, for each that may be told. */
#define LOOK_AT 4

/* A key. */
struct record {
	struct presence_link link;
	struct record *gone_next, *gone_prev; /* while it has left */
	struct derp_key key;
	uint64_t happened; /* when, as counted by presence.happened */
	struct netaddr addr;
	uint32_t connections; /* 0: it has left */
	uint8_t flags;
};

static_assert(offsetof(struct record, link) == 0, "a record is a link");

struct presence {
	pthread_mutex_t lock;
	_Atomic uint64_t happened; /* changes so far; atomic */
	atomic_size_t watching;    /* watchers; atomic */
	/* all below: locked by lock */
	struct keytable *table;    /* of struct record, owned */
	struct presence_link list; /* head of the ring; the oldest first */
	struct presence_watcher *watchers;
	struct record *gone_first, *gone_last; /* the oldest first */
	size_t gone;
};

struct presence *
presence_new(size_t max)
{
	struct presence *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->table =
	    keytable_new(max + PRESENCE_GONE_MAX, offsetof(struct record, key));
	if (p->table == NULL) {
		free(p);
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	p->list.next = p->list.prev = &p->list;
	return p;
}

void
presence_free(struct presence *p)
{
	struct record *record;
	size_t at = 0;

	if (p == NULL)
		return;
	while ((record = keytable_next(p->table, &at)) != NULL)
		free(record);
	keytable_free(p->table);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* An element that is in no list may be unlinked as well. */
static void
unlink_from(struct presence_link *link)
{
	if (link->next == NULL)
		return;
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->next = link->prev = NULL;
}

static void
link_after(struct presence_link *before, struct presence_link *link)
{
	link->prev = before;
	link->next = before->next;
	before->next->prev = link;
	before->next = link;
}

/* It has changed: it is the last thing that has happened. */
static void
happened(struct presence *p, struct record *record)
{
	record->happened = atomic_load(&p->happened) + 1;
	unlink_from(&record->link);
	link_after(p->list.prev, &record->link);
	atomic_store(&p->happened, record->happened);
}

static void
gone_add(struct presence *p, struct record *record)
{
	record->gone_next = NULL;
	record->gone_prev = p->gone_last;
	if (p->gone_last != NULL)
		p->gone_last->gone_next = record;
	else
		p->gone_first = record;
	p->gone_last = record;
	p->gone++;
}

static void
gone_remove(struct presence *p, struct record *record)
{
	if (record->gone_prev != NULL)
		record->gone_prev->gone_next = record->gone_next;
	else
		p->gone_first = record->gone_next;
	if (record->gone_next != NULL)
		record->gone_next->gone_prev = record->gone_prev;
	else
		p->gone_last = record->gone_prev;
	p->gone--;
}

static void
forget(struct presence *p, struct record *record)
{
	unlink_from(&record->link);
	keytable_remove(p->table, record->key.b);
	free(record);
}

/* The one that is told last; NULL: there is none. */
static struct presence_watcher *
slowest(const struct presence *p)
{
	struct presence_watcher *last = NULL;

	for (struct presence_watcher *w = p->watchers; w != NULL; w = w->next)
		if (!w->given_up && (last == NULL || w->seen < last->seen))
			last = w;
	return last;
}

/* Forgets those that have left and that all were told of. */
static void
trim(struct presence *p)
{
	const struct presence_watcher *last = slowest(p);
	struct record *record;

	while ((record = p->gone_first) != NULL &&
	    (last == NULL || record->happened <= last->seen)) {
		gone_remove(p, record);
		forget(p, record);
	}
}

/* Too many have left for a watcher that does not keep up. */
static void
give_up_slowest(struct presence *p)
{
	struct presence_watcher *last;

	while (p->gone > PRESENCE_GONE_MAX && (last = slowest(p)) != NULL) {
		last->given_up = true;
		unlink_from(&last->link);
		trim(p);
	}
}

/* With the lock. NULL when memory or the limit is reached. */
static struct record *
record_new(struct presence *p, const struct derp_key *key)
{
	struct record *record = calloc(1, sizeof *record);

	if (record == NULL)
		return NULL;
	record->key = *key;
	if (keytable_put(p->table, record) == 0)
		return record;
	free(record);
	return NULL;
}

int
presence_join(struct presence *p, const struct derp_key *key,
    const struct netaddr *addr, uint8_t flags)
{
	struct record *record;

	pthread_mutex_lock(&p->lock);
	record = keytable_get(p->table, key->b);
	if (record == NULL)
		record = record_new(p, key);
	else if (record->connections == 0)
		gone_remove(p, record);
	if (record != NULL) {
		record->connections++;
		record->addr = *addr;
		record->flags = flags;
		happened(p, record);
	}
	pthread_mutex_unlock(&p->lock);
	return record != NULL ? 0 : -1;
}

void
presence_leave(struct presence *p, const struct derp_key *key)
{
	struct record *record;

	pthread_mutex_lock(&p->lock);
	record = keytable_get(p->table, key->b);
	assert(record != NULL && record->connections > 0);
	if (--record->connections == 0) {
		happened(p, record);
		gone_add(p, record);
		trim(p);
		give_up_slowest(p);
	}
	pthread_mutex_unlock(&p->lock);
}

/* With the lock. */
static void
remove_watcher(struct presence *p, struct presence_watcher *w)
{
	struct presence_watcher **at = &p->watchers;

	while (*at != NULL && *at != w)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	*at = w->next;
	unlink_from(&w->link);
	atomic_fetch_sub(&p->watching, 1);
}

int
presence_watch(struct presence *p, struct presence_watcher *w)
{
	int rc = -1;

	pthread_mutex_lock(&p->lock);
	remove_watcher(p, w);
	if (atomic_load(&p->watching) < PRESENCE_WATCHERS_MAX) {
		*w = (struct presence_watcher){ .link.is_watcher = true,
			.next = p->watchers,
			.since = atomic_load(&p->happened) };
		p->watchers = w;
		link_after(&p->list, &w->link);
		atomic_fetch_add(&p->watching, 1);
		rc = 0;
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

void
presence_unwatch(struct presence *p, struct presence_watcher *w)
{
	pthread_mutex_lock(&p->lock);
	remove_watcher(p, w);
	trim(p);
	pthread_mutex_unlock(&p->lock);
}

bool
presence_has_news(struct presence *p, const struct presence_watcher *w)
{
	return w->seen < atomic_load(&p->happened);
}

/* What a watcher is told of a record; false: nothing, as it has left before
 * the watcher began. */
static bool
change_of(const struct record *record, const struct presence_watcher *w,
    struct presence_change *change)
{
	if (record->connections == 0 && record->happened <= w->since)
		return false;
	*change = (struct presence_change){ .key = record->key,
		.here = record->connections > 0,
		.addr = record->addr,
		.flags = record->flags };
	return true;
}

/* With the lock: moves the watcher on, past what it is told. */
static size_t
take(struct presence *p, struct presence_watcher *w,
    struct presence_change *out, size_t max)
{
	struct presence_link *at = w->link.next;
	const struct record *record;
	size_t count = 0, looks = max * LOOK_AT;

	for (; at != &p->list && count < max && looks > 0; at = at->next) {
		looks--;
		if (at->is_watcher)
			continue;
		record = (const struct record *)at;
		w->seen = record->happened;
		if (change_of(record, w, &out[count]))
			count++;
	}
	if (at == &p->list)
		w->seen = atomic_load(&p->happened);
	at = at->prev;
	if (at != &w->link) {
		unlink_from(&w->link);
		link_after(at, &w->link);
	}
	return count;
}

size_t
presence_take(struct presence *p, struct presence_watcher *w,
    struct presence_change *out, size_t max)
{
	size_t count = 0;

	pthread_mutex_lock(&p->lock);
	if (!w->given_up) {
		count = take(p, w, out, max);
		trim(p);
	}
	pthread_mutex_unlock(&p->lock);
	return count;
}

size_t
presence_watchers(struct presence *p)
{
	return atomic_load(&p->watching);
}
