/*
 * notify: who must be told when a key leaves.
 *
 * Whoever got a packet from a key is told once the key has left. Parties are
 * keys (senders) and connections (receivers), each with a number. A pair of the
 * two is kept with both, as a number of four bytes in a set, so that either end
 * can leave: at most 16 bytes a pair in all. Pairs are limited in total and for
 * each key; one that does not fit is refused and counted, and its receiver is
 * not told.
 *
 * Life: notify_new -> notify_add -> notify_note ... -> notify_leave_key or
 * notify_leave_conn -> notify_free. Threads: any; locked inside, never two
 * locks together. A party leaves once, and nothing is noted for a key while it
 * leaves.
 */
#ifndef DERPKIT_NOTIFY_H
#define DERPKIT_NOTIFY_H

#include "conn_addr.h"

#include <stddef.h>

/* Receivers that are told when one key leaves. */
#define NOTIFY_KEY_MAX 16384

struct notify;

/* For at most max_parties and max_pairs at a time. Returns owned; NULL when
 * memory is short. */
struct notify *notify_new(uint32_t max_parties, size_t max_pairs);
void notify_free(struct notify *n);

/* A number for a connection, or for a key (addr all zero). 0 when memory is
 * short or there are too many parties. */
uint32_t notify_add(struct notify *n, struct conn_addr addr);

enum notify_result {
	NOTIFY_NOTED,     /* now or before */
	NOTIFY_GONE,      /* the receiver has left meanwhile */
	NOTIFY_FULL,      /* refused: a limit */
	NOTIFY_NO_MEMORY, /* not noted: try again with the next packet */
};

/* The connection at addr, number `receiver`, gets a packet from the key. */
enum notify_result notify_note(
    struct notify *n, uint32_t key, uint32_t receiver, struct conn_addr addr);

/* The key leaves, its number is void: *told is the list of connections to tell,
 * *count long, owned by the caller (free); NULL when there are none or memory
 * is short. */
void notify_leave_key(
    struct notify *n, uint32_t key, struct conn_addr **told, size_t *count);
/* The connection leaves: it is not told any more, and its number is void. */
void notify_leave_conn(struct notify *n, uint32_t receiver);

/* What is kept now, and what was refused for a limit since the start. */
struct notify_stats {
	size_t pairs;
	size_t bytes; /* of their sets */
	uint64_t refused;
};
struct notify_stats notify_stats(const struct notify *n);

#endif
