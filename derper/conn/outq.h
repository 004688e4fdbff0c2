/*
 * outq: what goes out to one client, in order, bounded.
 *
 * Within a turn frames are not copied: the queue holds runs that point into
 * the turn's memory. outq_flush sends them; only what the socket does not take
 * is copied into the backlog, packet by packet. The backlog holds so many
 * packets of each kind, disco first to go out, and drops the oldest of the same
 * kind when full, as upstream; frames that are not packets are never dropped.
 * Because the socket is tried before anything is dropped, a burst that it has
 * room for arrives whole, however long.
 *
 * Threads: loop-owned.
 */
#ifndef DERPKIT_OUTQ_H
#define DERPKIT_OUTQ_H

#include "bytes.h"

struct client;
struct worker;
struct packet;

struct fifo {
	struct packet *first, *last; /* owned */
	uint32_t packets;            /* that count against the depth */
};

struct outq {
	struct run *first_run, *last_run; /* this turn's memory */
	struct fifo disco, other;         /* the backlog */
	uint32_t bytes;                   /* in the backlog */
	bool pong_waits;                  /* a Pong is in the backlog */
	bool dirty; /* in the worker's list of the dirty */
	struct client *next_dirty;
};

/* Frames (whole ones, behind each other, at most DERP_MAX_FRAME of them in
 * one call) that stay where they are until the turn ends. */
void outq_add(struct client *c, uint8_t *frames, size_t len);

/* A frame that is copied, and never dropped while the connection lives. */
void outq_control(struct client *c, struct slice frame);

/* Sends what is there. -1: the connection must be closed. */
int outq_flush(struct client *c);

/* Sends bytes that are no frames, at once and before anything queued: HTTP
 * answers and ServerKey, while nothing else is on its way. Same errors. */
int outq_write(struct client *c, struct slice bytes);

/* Whether what waits on the worker for all clients, and `more` bytes, is over
 * its share of -queue-bytes-total. */
bool outq_all_full(const struct worker *worker, size_t more);
/* That share, bytes. */
size_t outq_all_max(const struct worker *worker);

/* Frees the backlog; counts what was in it as gone. */
void outq_clear(struct client *c);

#endif
