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

#include "verify_current.h"

struct conn;
struct relay_shared;

enum admission_result {
	ADMISSION_DECIDED,   /* *answer is set */
	ADMISSION_PENDING,   /* answered() is called later, unless the
				connection has ended by then */
	ADMISSION_NO_MEMORY, /* nothing was asked */
};

/* The connection ends before its answer has come, if it has not: the question
 * need not be asked any more. */
void admission_cancel(const struct relay_shared *shared,
    const struct conn *conn, const struct derp_key *key);

/* For struct verify_watch, whose ctx is the struct relay_shared: finds and ends
 * the connections of a key that may no longer use the relay, on every worker.
 * Threads: any. */
bool admission_is_connected(void *ctx, const struct derp_key *key);
int admission_revoked(void *ctx, const struct derp_key *key, const char *name,
    const char *reason);
int admission_connected(
    void *ctx, struct verify_client **clients, size_t *count);

/* Ends a client, of the worker that calls, for that. The reason is logged. */
void admission_end(struct conn *conn, const char *reason);

/* Asks about the key of a connection. The later answer is borrowed for the
 * call. */
enum admission_result admission_ask(const struct relay_shared *shared,
    struct conn *conn, const struct derp_key *key,
    void (*answered)(struct conn *conn, const struct verify_answer *answer),
    struct verify_answer *answer);

#endif
