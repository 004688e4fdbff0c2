/* verify_queue: see verify_queue.h. */
#include "verify_queue.h"

#include "keytable.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX ((size_t)1 << 20) /* that wait at once */
#define NETWORK_BYTES 8               /* of an IPv6 address */

/* A source that has entries; it is in the table and in the ring. */
struct verify_queue_source {
	uint8_t id[KEYTABLE_KEY];
	struct verify_queue_source *next; /* whose turn it is after this one */
	struct verify_queue_entry *first, *last;
	size_t count;
};

struct verify_queue {
	struct keytable *sources;         /* owned, with its values */
	struct verify_queue_source *turn; /* first of the list, or NULL */
	struct verify_queue_source *last;
	size_t max_per_source;
};

struct verify_queue *
verify_queue_new(size_t max_per_source)
{
	struct verify_queue *q = calloc(1, sizeof *q);

	if (q == NULL)
		return NULL;
	q->max_per_source = max_per_source;
	q->sources =
	    keytable_new(SOURCES_MAX, offsetof(struct verify_queue_source, id));
	if (q->sources == NULL) {
		free(q);
		return NULL;
	}
	return q;
}

void
verify_queue_free(struct verify_queue *q)
{
	struct verify_queue_source *s;

	if (q == NULL)
		return;
	while ((s = q->turn) != NULL) {
		q->turn = s->next;
		free(s);
	}
	keytable_free(q->sources);
	free(q);
}

static void
append(struct verify_queue *q, struct verify_queue_source *s)
{
	s->next = NULL;
	if (q->turn == NULL)
		q->turn = s;
	else
		q->last->next = s;
	q->last = s;
}

static struct verify_queue_source *
add_source(struct verify_queue *q, const uint8_t id[static KEYTABLE_KEY])
{
	struct verify_queue_source *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	memcpy(s->id, id, sizeof s->id);
	if (keytable_put(q->sources, s) == -1) {
		free(s);
		return NULL;
	}
	append(q, s);
	return s;
}

/* Who has an IPv6 address has 2^64 of them. */
static void
make_id(const struct netaddr *from, uint8_t id[static KEYTABLE_KEY])
{
	memset(id, 0, KEYTABLE_KEY);
	if (from == NULL)
		return;
	memcpy(id, from->ip, from->is_v4 ? sizeof from->ip : NETWORK_BYTES);
	id[sizeof from->ip] = 1; /* not the unknown one */
}

int
verify_queue_put(struct verify_queue *q, const struct netaddr *from,
    struct verify_queue_entry *entry)
{
	uint8_t id[KEYTABLE_KEY];
	struct verify_queue_source *s;

	make_id(from, id);
	s = keytable_get(q->sources, id);
	if (s == NULL)
		s = add_source(q, id);
	if (s == NULL || (from != NULL && s->count >= q->max_per_source))
		return -1;
	entry->next = NULL;
	if (s->first == NULL)
		s->first = entry;
	else
		s->last->next = entry;
	s->last = entry;
	s->count++;
	return 0;
}

struct verify_queue_entry *
verify_queue_take(struct verify_queue *q)
{
	struct verify_queue_source *s = q->turn;
	struct verify_queue_entry *entry;

	if (s == NULL)
		return NULL;
	entry = s->first;
	s->first = entry->next;
	s->count--;
	q->turn = s->next;
	if (s->count > 0) {
		append(q, s);
		return entry;
	}
	keytable_remove(q->sources, s->id);
	free(s);
	return entry;
}
