/*
 * shed_list: connections in the order of their age, and which of them is ended
 * when there are too many, in all or from one IPv4 address (IPv6 /64).
 *
 * It is never the newcomer: of an address that has more than its part the
 * oldest one goes, else the oldest of all. All operations are O(1). An entry is
 * in the list at most once. Life: shed_list_new -> shed_list_enter,
 * shed_list_leave -> shed_list_free. Threads: loop-owned.
 */
#ifndef DERPKIT_SHED_LIST_H
#define DERPKIT_SHED_LIST_H

#include "netaddr.h"

struct shed_list;
struct shed_source;

/* A place in the list; embedded in the connection, all zero at first. */
struct shed_entry {
	struct shed_entry *next, *prev;               /* in the list */
	struct shed_entry *source_next, *source_prev; /* of the same address */
	struct shed_source *source; /* NULL: not in the list */
	uint64_t since_ms;          /* when it entered */
};

/* For at most `total` entries, from 1, and `each` of one address, from 1.
 * Returns owned; NULL when memory is short. */
struct shed_list *shed_list_new(size_t total, size_t each);
/* The entries in it become free ones. */
void shed_list_free(struct shed_list *l);

/* Adds an entry as the youngest one, now. *shed is the entry whose connection
 * must end in its place, which takes it out (shed_list_leave); NULL: none. -1
 * when memory is short. */
int shed_list_enter(struct shed_list *l, struct shed_entry *entry,
    const struct netaddr *from, uint64_t now_ms, struct shed_entry **shed);
/* Takes an entry out; nothing happens when it is not in the list. */
void shed_list_leave(struct shed_list *l, struct shed_entry *entry);

/* Whether there are as many as there may be in all. */
bool shed_list_full(const struct shed_list *l);
/* The oldest entry; NULL: there is none. */
struct shed_entry *shed_list_oldest(const struct shed_list *l);
size_t shed_list_count(const struct shed_list *l);

#endif
