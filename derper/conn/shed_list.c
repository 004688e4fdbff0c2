/* shed_list: see shed_list.h. */
#include "shed_list.h"

#include "ip_limit.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The entries of one address; in the table while there are any. */
struct shed_source {
	struct shed_entry *first, *last; /* the oldest is first */
	size_t count;
	uint8_t key[KEYTABLE_KEY];
};

struct shed_list {
	struct keytable *table;          /* of struct shed_source, owned */
	struct shed_entry *first, *last; /* the oldest is first */
	size_t count;
	size_t total, each; /* immutable */
};

struct shed_list *
shed_list_new(size_t total, size_t each)
{
	struct shed_list *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	/* one that enters is in it together with the one that has to go */
	l->table = keytable_new(total + 1, offsetof(struct shed_source, key));
	if (l->table == NULL) {
		free(l);
		return NULL;
	}
	l->total = total;
	l->each = each;
	return l;
}

void
shed_list_free(struct shed_list *l)
{
	if (l == NULL)
		return;
	while (l->first != NULL)
		shed_list_leave(l, l->first);
	keytable_free(l->table);
	free(l);
}

/* The address's source, made when it is not there. */
static struct shed_source *
source_of(struct shed_list *l, const struct netaddr *from)
{
	uint8_t key[KEYTABLE_KEY];
	struct shed_source *s;

	ip_limit_key(key, from);
	s = keytable_get(l->table, key);
	if (s != NULL)
		return s;
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	memcpy(s->key, key, sizeof s->key);
	if (keytable_put(l->table, s) == 0)
		return s;
	free(s);
	return NULL;
}

static void
append(struct shed_list *l, struct shed_source *s, struct shed_entry *entry)
{
	entry->prev = l->last;
	entry->source_prev = s->last;
	entry->source = s;
	if (l->last == NULL)
		l->first = entry;
	else
		l->last->next = entry;
	l->last = entry;
	if (s->last == NULL)
		s->first = entry;
	else
		s->last->source_next = entry;
	s->last = entry;
	s->count++;
	l->count++;
}

int
shed_list_enter(struct shed_list *l, struct shed_entry *entry,
    const struct netaddr *from, uint64_t now_ms, struct shed_entry **shed)
{
	struct shed_source *s = source_of(l, from);

	*shed = NULL;
	if (s == NULL)
		return -1;
	*entry = (struct shed_entry){ .since_ms = now_ms };
	append(l, s, entry);
	if (s->count > l->each)
		*shed = s->first;
	else if (l->count > l->total)
		*shed = l->first;
	return 0;
}

static void
unlink_from_list(struct shed_list *l, struct shed_entry *entry)
{
	if (entry->prev == NULL)
		l->first = entry->next;
	else
		entry->prev->next = entry->next;
	if (entry->next == NULL)
		l->last = entry->prev;
	else
		entry->next->prev = entry->prev;
	l->count--;
}

static void
unlink_from_source(struct shed_source *s, struct shed_entry *entry)
{
	if (entry->source_prev == NULL)
		s->first = entry->source_next;
	else
		entry->source_prev->source_next = entry->source_next;
	if (entry->source_next == NULL)
		s->last = entry->source_prev;
	else
		entry->source_next->source_prev = entry->source_prev;
	s->count--;
}

void
shed_list_leave(struct shed_list *l, struct shed_entry *entry)
{
	struct shed_source *s = entry->source;

	if (s == NULL)
		return;
	unlink_from_list(l, entry);
	unlink_from_source(s, entry);
	*entry = (struct shed_entry){ 0 };
	if (s->count > 0)
		return;
	keytable_remove(l->table, s->key);
	free(s);
}

bool
shed_list_full(const struct shed_list *l)
{
	return l->count >= l->total;
}

struct shed_entry *
shed_list_oldest(const struct shed_list *l)
{
	return l->first;
}

size_t
shed_list_count(const struct shed_list *l)
{
	return l->count;
}
