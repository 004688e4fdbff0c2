/*
 * conn_input: reads from a connection and hands what came to its protocol.
 *
 * Bytes are read into the turn's memory, after what was not whole the last
 * time. Connections that are not logged in are read in the order of the login
 * queue. Threads: loop-owned.
 */
#ifndef DERPKIT_CONN_INPUT_H
#define DERPKIT_CONN_INPUT_H

struct conn;
struct worker;

/* Begins to read from a connection that has its first protocol. */
void conn_input_start(struct conn *c);

/* Handles what was kept, after the protocol has changed from outside of
 * input (admission has answered, say). */
void conn_input_saved(struct conn *c);

/* Judges anew, once a window, those who were high-rate: one that has fallen
 * silent is not read from, which is when others are judged. At the end of a
 * turn. */
void conn_input_judge_rates(struct worker *worker);

/* Reads from as many of those in the login queue as one turn may handle. */
void conn_input_take_logins(struct worker *worker);

#endif
