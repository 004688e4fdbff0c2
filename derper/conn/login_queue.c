/* login_queue: see login_queue.h. */
#include "login_queue.h"

#include "ip_limit.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Those of one address that wait; in the ring while there are any. */
struct login_source {
	struct login_source *next, *prev; /* in the ring */
	struct login_entry *first, *last; /* who came first goes first */
	uint8_t key[KEYTABLE_KEY];
};

struct login_queue {
	struct keytable *table;     /* of struct login_source, owned */
	struct login_source *turn;  /* whose turn it is; NULL: nobody waits */
	struct login_source others; /* of addresses without their own */
	size_t waiting;             /* entries */
	unsigned per_turn, left;    /* logins; left in this turn */
};

static void remove_source(struct login_queue *q, struct login_source *s);

struct login_queue *
login_queue_new(unsigned per_turn, size_t max_sources)
{
	struct login_queue *q = calloc(1, sizeof *q);

	if (q == NULL)
		return NULL;
	q->table =
	    keytable_new(max_sources, offsetof(struct login_source, key));
	if (q->table == NULL) {
		free(q);
		return NULL;
	}
	q->per_turn = q->left = per_turn;
	return q;
}

void
login_queue_free(struct login_queue *q)
{
	if (q == NULL)
		return;
	while (q->turn != NULL)
		login_queue_remove(q, q->turn->first);
	keytable_free(q->table);
	free(q);
}

/* Puts a source at the end of the ring: just before the one whose turn it is.
 */
static void
ring_add(struct login_queue *q, struct login_source *s)
{
	if (q->turn == NULL) {
		q->turn = s->next = s->prev = s;
		return;
	}
	s->next = q->turn;
	s->prev = q->turn->prev;
	s->prev->next = s;
	s->next->prev = s;
}

static struct login_source *
add_source(struct login_queue *q, const uint8_t key[static KEYTABLE_KEY])
{
	struct login_source *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	memcpy(s->key, key, sizeof s->key);
	if (keytable_put(q->table, s) == 0)
		return s;
	free(s);
	return NULL;
}

/* The address's source, in the ring. */
static struct login_source *
source_of(struct login_queue *q, const struct netaddr *from)
{
	uint8_t key[KEYTABLE_KEY];
	struct login_source *s;

	ip_limit_key(key, from);
	s = keytable_get(q->table, key);
	if (s != NULL)
		return s;
	s = add_source(q, key);
	if (s == NULL) {
		s = &q->others;
		if (s->first != NULL)
			return s;
	}
	ring_add(q, s);
	return s;
}

bool
login_queue_enter(struct login_queue *q, struct login_entry *entry,
    const struct netaddr *from)
{
	if (entry->source != NULL)
		return false;
	if (q->waiting == 0 && q->left > 0) {
		q->left--;
		return true;
	}
	login_queue_wait(q, entry, from);
	return false;
}

void
login_queue_spend(struct login_queue *q)
{
	if (q->left > 0)
		q->left--;
}

void
login_queue_wait(struct login_queue *q, struct login_entry *entry,
    const struct netaddr *from)
{
	struct login_source *s;

	if (entry->source != NULL)
		return;
	s = source_of(q, from);
	*entry = (struct login_entry){ .source = s, .prev = s->last };
	if (s->last == NULL)
		s->first = entry;
	else
		s->last->next = entry;
	s->last = entry;
	q->waiting++;
}

void
login_queue_remove(struct login_queue *q, struct login_entry *entry)
{
	struct login_source *s = entry->source;

	if (s == NULL)
		return;
	if (entry->prev == NULL)
		s->first = entry->next;
	else
		entry->prev->next = entry->next;
	if (entry->next == NULL)
		s->last = entry->prev;
	else
		entry->next->prev = entry->prev;
	*entry = (struct login_entry){ 0 };
	q->waiting--;
	if (s->first == NULL)
		remove_source(q, s);
}

/* Takes an empty source out of the ring. */
static void
remove_source(struct login_queue *q, struct login_source *s)
{
	if (q->turn == s)
		q->turn = s->next != s ? s->next : NULL;
	s->next->prev = s->prev;
	s->prev->next = s->next;
	if (s == &q->others)
		return;
	keytable_remove(q->table, s->key);
	free(s);
}

bool
login_queue_waits(const struct login_entry *entry)
{
	return entry->source != NULL;
}

struct login_entry *
login_queue_take(struct login_queue *q)
{
	struct login_entry *entry;

	if (q->turn == NULL || q->left == 0)
		return NULL;
	q->left--;
	entry = q->turn->first;
	q->turn = q->turn->next;
	login_queue_remove(q, entry);
	return entry;
}

size_t
login_queue_new_turn(struct login_queue *q)
{
	q->left = q->per_turn;
	return q->waiting;
}
