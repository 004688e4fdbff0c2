/*
 * verify_queue: questions that wait for a thread, taken round robin by source
 * address, so that who asks a lot waits for himself only.
 *
 * A waiting question is a struct verify_queue_entry, embedded in what is
 * queued. Questions whose address is not known are one source. Life:
 * verify_queue_new
 * -> verify_queue_put, verify_queue_take ... -> verify_queue_free. Threads:
 * used by one at a time.
 */
#ifndef DERPKIT_VERIFY_QUEUE_H
#define DERPKIT_VERIFY_QUEUE_H

#include "netaddr.h"

struct verify_queue;
struct verify_queue_source;

/* Embedded; owned by the caller; the queue's from put until take. */
struct verify_queue_entry {
	struct verify_queue_entry *next;
};

/* A queue of at most max_per_source entries of one address (of IPv6: of one
 * /64 network). Returns owned; NULL when memory is short. */
struct verify_queue *verify_queue_new(size_t max_per_source);
/* Frees it, not the entries. NULL is fine. */
void verify_queue_free(struct verify_queue *q);

/* Queues the entry for the address; NULL: not known, and without a limit. -1
 * when the source has too many, or memory is short. */
int verify_queue_put(struct verify_queue *q, const struct netaddr *from,
    struct verify_queue_entry *entry);

/* The next entry: the oldest one of the source whose turn it is; NULL when
 * there is none. */
struct verify_queue_entry *verify_queue_take(struct verify_queue *q);

#endif
