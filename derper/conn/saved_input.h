/*
 * saved_input: input of a connection that is not whole yet.
 *
 * It is NULL while nothing is kept, and charged to the input of all clients of
 * the worker as far as saved_input_charge says. Life: NULL -> saved_input_keep
 * ... -> saved_input_drop. Threads: loop-owned.
 */
#ifndef DERPKIT_SAVED_INPUT_H
#define DERPKIT_SAVED_INPUT_H

#include "bytes.h"
#include "memory_budget.h"

struct conn;

struct saved_input {
	/* what a connection that is logged in holds of its input, here and in
	 * its stream */
	struct conn *conn; /* borrowed: it owns this */
	struct memory_share share;
	uint32_t len; /* bytes */
	uint8_t bytes[];
};

/* Keeps a copy of the bytes instead of what was kept before; none: nothing is.
 * Uncharged afterwards. -1 when memory is short. */
int saved_input_keep(struct saved_input **saved, struct conn *conn,
    struct memory_budget *budget, struct slice bytes);
/* Keeps nothing, and charges nothing. */
void saved_input_drop(struct saved_input **saved, struct memory_budget *budget);
/* Charges `held` bytes, which may be held elsewhere. -1 when memory is short.
 */
int saved_input_charge(struct saved_input **saved, struct conn *conn,
    struct memory_budget *budget, size_t held);

/* What is kept; empty when nothing is. Borrowed until it changes. */
struct slice saved_input_bytes(const struct saved_input *saved);
/* Whose share that is. */
struct conn *saved_input_conn(struct memory_share *share);

#endif
