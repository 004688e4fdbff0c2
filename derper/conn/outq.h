/*
 * outq: the output queue of one connection, in order and bounded.
 *
 * Within a turn frames are not copied: the queue holds runs that point into
 * the turn's memory. outq_flush sends them; only what the socket does not take
 * is copied into the backlog, frame by frame. The backlog is three FIFOs, one
 * per class. Disco goes out first; control and data keep the order in which
 * they were added. Packets (disco and data) are limited in number per class,
 * the oldest of the class dropped first; control frames are never dropped.
 * Because the socket is tried before anything is dropped, a burst that it has
 * room for arrives whole, however long.
 *
 * Below the queue is a stream, and between the two there may be a framing that
 * cuts what is sent into messages with a head each (WebSocket). Every operation
 * is O(1), or O(1) per frame that it moves. Threads: loop-owned.
 */
#ifndef DERPKIT_OUTQ_H
#define DERPKIT_OUTQ_H

#include "bytes.h"
#include "memory_budget.h"

struct counters;
struct stream;
struct turn_memory;

enum outq_class {
	OUTQ_CONTROL, /* is never dropped */
	OUTQ_DISCO,   /* packets that go first */
	OUTQ_DATA,    /* all other packets */
};
#define OUTQ_CLASSES 3

/* Bytes of the longest head that a framing makes. */
#define OUTQ_HEAD_MAX 16

/* Cuts what is sent into messages, which are not those of the frames, with a
 * head before each. */
struct outq_framing {
	/* Writes the head of a message of n bytes; returns how long it is. */
	size_t (*head)(uint8_t out[static OUTQ_HEAD_MAX], size_t n);
	/* Bytes of a message without its head: at least half a chunk
	 * (STREAM_CHUNK), at most a whole one. */
	size_t message_max;
};

/* What the queues of one worker share. Borrows what it points to. */
struct outq_shared {
	struct turn_memory *memory;
	struct memory_budget *budget; /* backlogs are counted there */
	struct counters *counters;
	uint8_t *coalesce; /* OUTQ_COALESCE bytes, to make short runs one */
	/* limits, immutable */
	unsigned depth;   /* packets in the backlog, per class */
	size_t max_bytes; /* of one backlog */
	/* How long the frame is that begins at p, in bytes. */
	size_t (*frame_len)(const uint8_t *p);
};

#define OUTQ_COALESCE (OUTQ_HEAD_MAX + 65536)

struct outq_run;
struct outq_frame;

struct outq_fifo {
	struct outq_frame *last; /* owned; its next is the first. NULL: empty */
};

struct outq {
	struct outq_shared *shared; /* borrowed */
	struct memory_share share;  /* what it charges to the budget */
	/* borrowed; NULL: frames go to the stream as they are */
	const struct outq_framing *framing;
	struct outq_run *first_run, *last_run; /* this turn's memory */
	struct outq_fifo backlog[OUTQ_CLASSES];
	uint32_t bytes;                 /* in the backlog */
	uint32_t sequence;              /* of the last frame in the backlog */
	uint32_t packets[OUTQ_CLASSES]; /* in the backlog, per class */
	uint16_t marked; /* marked frames that have not reached the stream */
	uint16_t frames; /* that were added since the last flush */
	/* since when, at least, the backlog is not empty: by its owner; ms of
	 * the loop, 0: it is */
	uint32_t waits_since_ms;
};

void outq_init(struct outq *q, struct outq_shared *shared);

/* Adds `count` frames of one class (whole ones, one after the other) that stay
 * where they are until the turn ends. The OUTQ_HEAD_MAX bytes before them are
 * ours, too: while they are sent, a head may be where other bytes were, which
 * are put back. Without memory they are dropped and counted. */
void outq_add(struct outq *q, enum outq_class class, uint8_t *frames,
    size_t len, unsigned count);

/* Adds a copy of a control frame. A marked one is counted in q->marked until
 * the stream has taken it. -1 when memory is short: close the connection. */
int outq_control(struct outq *q, struct slice frame, bool mark);

/* Sends what the stream takes; always the same stream. While that is blocked
 * nothing is tried: stream_writable is for when the socket has room. -1: close
 * the connection. */
int outq_flush(struct outq *q, struct stream *stream);

/* Sends bytes that are not in the queue, at once and before everything that is:
 * HTTP answers and ServerKey. With a framing they are a message. -1: close the
 * connection. */
int outq_write(struct outq *q, struct stream *stream, struct slice bytes);
/* The same for bytes that no framing is for, as they are its own. */
int outq_write_raw(struct outq *q, struct stream *stream, struct slice bytes);

/* Whether frames wait in the queue. */
bool outq_waiting(const struct outq *q);

/* Drops everything; counts the packets as gone. */
void outq_clear(struct outq *q);

#endif
