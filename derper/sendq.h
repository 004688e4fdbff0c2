/*
 * sendq: what goes out to one client, in order, bounded.
 *
 * Within a turn frames are not copied: the queue holds runs that point into
 * the turn's memory. sendq_flush sends them; only what the socket does not take
 * is copied into the backlog, packet by packet. The backlog holds so many
 * packets of each kind, disco first to go out, and drops the oldest of the same
 * kind when full, as upstream; frames that are not packets are never dropped.
 * Because the socket is tried before anything is dropped, a burst that it has
 * room for arrives whole, however long.
 *
 * Threads: loop-owned.
 */
#ifndef DERPKIT_SENDQ_H
#define DERPKIT_SENDQ_H

#include "bytes.h"

struct client;
struct core;
struct packet;

struct fifo {
	struct packet *first, *last; /* owned */
	uint32_t packets;            /* that count against the depth */
};

struct sendq {
	struct run *first_run, *last_run; /* this turn's memory */
	struct fifo disco, other;         /* the backlog */
	uint32_t bytes;                   /* in the backlog */
	bool pong_waits;                  /* a Pong is in the backlog */
	bool dirty;                       /* in the core's list of the dirty */
	struct client *next_dirty;
};

/* Frames (whole ones, behind each other, at most DERP_MAX_FRAME of them in
 * one call) that stay where they are until the turn ends. */
void sendq_add(struct client *c, uint8_t *frames, size_t len);

/* A frame that is copied, and never dropped while the connection lives. */
void sendq_control(struct client *c, struct slice frame);

/* Sends what is there. -1: the connection must be closed. */
int sendq_flush(struct client *c);

/* Sends bytes that are no frames, at once and before anything queued: HTTP
 * answers and ServerKey, while nothing else is on its way. Same errors. */
int sendq_write(struct client *c, struct slice bytes);

/* Whether what waits on the core for all clients, and `more` bytes, is over its
 * share of -queue-bytes-total. */
bool sendq_all_full(const struct core *core, size_t more);
/* That share, bytes. */
size_t sendq_all_max(const struct core *core);

/* Frees the backlog; counts what was in it as gone. */
void sendq_clear(struct client *c);

#endif
