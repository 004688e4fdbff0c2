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
 * The receivers of a key that has left are told little by little, at the pace
 * of the caller. A pair stays until its receiver has been told, so nothing has
 * to be copied for it, a receiver that leaves meanwhile takes its pair with it,
 * and a key that comes back before all were told goes on with the rest.
 *
 * Life: notify_new -> notify_add -> notify_note ... -> notify_leave_key ->
 * notify_receivers, notify_told ... -> notify_remove_key; or notify_leave_conn
 * -> notify_free. Threads: any; locked inside, never two locks together,
 * though a caller may hold one of its own meanwhile (registry_note_key). A
 * connection leaves once, and nothing is noted for a key between
 * notify_leave_key and notify_return_key.
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

/* A key that has left. Void when the key comes back or is removed. */
struct notify_departure {
	uint32_t key;  /* 0: none */
	uint32_t stay; /* which of its stays has ended */
};

/* One that is to be told. */
struct notify_receiver {
	struct conn_addr addr;
	uint32_t number;
};

/* The key leaves. No lock. */
struct notify_departure notify_leave_key(struct notify *n, uint32_t key);
/* At most `max` of those that have not been told of the departure yet, and how
 * many these are: 0 when all were told, or when the departure is void. They are
 * given again until notify_told. */
size_t notify_receivers(struct notify *n, struct notify_departure departure,
    struct notify_receiver *out, size_t max);
/* The receiver has been told of the departure. */
void notify_told(struct notify *n, struct notify_departure departure,
    const struct notify_receiver *receiver);
/* Whether the departure is not void. No lock. */
bool notify_is_away(struct notify *n, struct notify_departure departure);
/* The key comes back: who has not been told of its departure will not be. No
 * lock. */
void notify_return_key(struct notify *n, uint32_t key);
/* Forgets a key without receivers; its number is void. */
void notify_remove_key(struct notify *n, uint32_t key);
/* The connection leaves: it is not told any more, and its number is void. */
void notify_leave_conn(struct notify *n, uint32_t receiver);

/* Keys from which the connection got packets and that have not been said to
 * have left. */
uint32_t notify_senders(struct notify *n, uint32_t receiver);

/* What is kept now, and what was refused for a limit since the start. */
struct notify_stats {
	size_t pairs;
	size_t bytes; /* of their sets */
	uint64_t refused;
};
struct notify_stats notify_stats(const struct notify *n);

#endif
