/*
 * input: what a connection sends us: read, handed on by state, and kept until
 * it is whole.
 *
 * Bytes are read into the turn's memory, in front of them what was left over
 * from the last time, and whole requests and frames are taken off the front.
 * Threads: loop-owned.
 */
#ifndef DERPKIT_INPUT_H
#define DERPKIT_INPUT_H

struct client;

/* Reads once and handles what is there; ends the client when there is nothing
 * more to come. */
void input_read(struct client *c);
/* Handles what was left over, after the client's state has changed. */
void input_resume(struct client *c);
/* Forgets what was left over; its memory goes with input_free. */
void input_clear(struct client *c);
void input_free(struct client *c);

#endif
