/*
 * admission: parks a client while verify decides whether it may come in.
 *
 * The question holds the connection's address, not its pointer: the answer
 * comes by message and finds the connection, or finds it gone. Threads:
 * loop-owned; the answer arrives on a worker and is mailed to the worker.
 */
#ifndef DERPKIT_ADMISSION_H
#define DERPKIT_ADMISSION_H

struct client;

/* Asks about c->key; the client runs, is parked or has ended afterwards. */
void admission_ask(struct client *c);

#endif
