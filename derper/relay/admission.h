/*
 * admission: asks the engine whether a key may use the relay.
 *
 * The question holds the connection's address, not its pointer: an answer that
 * does not come at once comes by message and finds the connection, or finds it
 * gone. Threads: loop-owned; the engine answers on a thread of its own and the
 * answer is posted to the worker.
 */
#ifndef DERPKIT_ADMISSION_H
#define DERPKIT_ADMISSION_H

#include "verify.h"

struct conn;
struct relay_shared;

enum admission_result {
	ADMISSION_DECIDED,   /* *answer is set */
	ADMISSION_PENDING,   /* answered() is called later, unless the
				connection has ended by then */
	ADMISSION_NO_MEMORY, /* nothing was asked */
};

/* Asks about the key of a connection. The later answer is borrowed for the
 * call. */
enum admission_result admission_ask(const struct relay_shared *shared,
    struct conn *conn, const struct derp_key *key,
    void (*answered)(struct conn *conn, const struct verify_answer *answer),
    struct verify_answer *answer);

#endif
