/*
 * shed: ends connections of a worker that take what others need.
 *
 * Those that are not logged in have a part of the connection slots, of the
 * memory and of the handshakes in progress. When it is full the one that goes
 * is the oldest or largest of them: never the newcomer, and never a client. Of
 * the memory of clients, which has limits of its own, the largest holder goes.
 * Who ends is counted and logged. Threads: loop-owned.
 */
#ifndef DERPKIT_SHED_H
#define DERPKIT_SHED_H

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct worker;

/* A connection that has been here for so long leaves its slot to a newcomer. */
#define SHED_SLOT_MS 500

/* For how many ms newcomers should wait in the kernel's queue: all slots of
 * those that are not logged in are taken, and all of them are so young that
 * none would ever get to its login if they made room for each other. */
uint64_t shed_wait_ms(const struct worker *worker);
/* The connection is new and takes a slot of those that are not logged in. -1
 * when memory is short: end it. */
int shed_enter(struct conn *c);
/* Ends the oldest connection that is not logged in, to make room; false when
 * there is none. */
bool shed_oldest(struct worker *worker);

/* A handshake that has been in progress for so long makes room for another one
 * when there are as many as there may be; a younger one does not, as then a
 * relay that everybody comes back to at once would end all of them before any
 * is over. */
#define SHED_HANDSHAKE_MS 1000

/* Whether one more handshake may begin; *wait_ms: not before so many ms. */
bool shed_may_begin_handshake(const struct worker *worker, uint64_t *wait_ms);
/* Something was read from the connection: it may have begun its TLS handshake
 * or ended it. */
void shed_note_handshake(struct conn *c);

/* Something was read from a client: ends those who hold most of the input that
 * is not whole yet, if there is too much of it. At once, as all clients may be
 * read from in one turn. */
void shed_input(struct worker *worker);
/* Ends those who hold most of what has met its limit in this turn. */
void shed_memory(struct worker *worker);

#endif
