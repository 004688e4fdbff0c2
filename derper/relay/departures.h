/*
 * departures: keys that have left, and whose receivers are being told.
 *
 * Telling one receiver costs about as much as a packet, and a key may have
 * thousands: told in one turn, everybody else on the worker would wait for
 * that. So they are told a number at a time, turn by turn, one key after the
 * other. Nothing is allocated for it, and what finds no memory on its way is
 * tried again, so nobody is missed. A key that comes back before all were told
 * is here again, and the rest is not told.
 *
 * Life: departures_init -> departures_add, departures_turn ... ->
 * departures_clear. Threads: loop-owned.
 */
#ifndef DERPKIT_DEPARTURES_H
#define DERPKIT_DEPARTURES_H

#include "loop.h"
#include "notify.h"

struct crossing;
struct derp_key;
struct registry;
struct worker;

/* Receivers told in one turn: as long as the logins of a turn may take. */
#define DEPARTURES_PER_TURN 128
/* Departures that are left at the end of a turn; beyond that the oldest are
 * told of at once, however many receivers they have. */
#define DEPARTURES_MAX 1024
/* When what found no memory is tried again. */
#define DEPARTURES_RETRY_MS 20

/* The first member of something on the heap, which is freed when it is over. */
struct departure {
	struct departure *next;
	const struct derp_key *key; /* borrowed; in the same memory */
	struct notify_departure left;
};

struct departures {
	/* borrowed */
	struct worker *worker;
	struct registry *registry;
	struct crossing *crossing;

	struct departure *first, *last; /* owned; the oldest first */
	size_t count;
	struct loop_timer retry;
};

void departures_init(struct departures *d, struct worker *worker,
    struct registry *registry, struct crossing *crossing);
/* The key has left: takes the departure, with the memory that it begins. Its
 * packets must have been queued before. */
void departures_add(struct departures *d, struct departure *departure);
/* Tells as many as may be told in one turn; before its output is flushed. */
void departures_turn(struct departures *d);
/* Frees those that wait, also after what is borrowed has been freed. */
void departures_clear(struct departures *d);

#endif
