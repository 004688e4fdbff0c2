/*
 * intake: what a connection sends us: read, handed on by state, and kept until
 * it is whole.
 *
 * Bytes are read into the turn's memory, in front of them what was left over
 * from the last time, and whole requests and frames are taken off the front.
 * Threads: loop-owned.
 */
#ifndef DERPKIT_INTAKE_H
#define DERPKIT_INTAKE_H

struct client;

/* Reads once and handles what is there; ends the client when there is nothing
 * more to come. */
void intake_read(struct client *c);
/* Handles what was left over, after the client's state has changed. */
void intake_resume(struct client *c);
/* Forgets what was left over; its memory goes with intake_free. */
void intake_clear(struct client *c);
void intake_free(struct client *c);

#endif
