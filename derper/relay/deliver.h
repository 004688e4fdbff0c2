/*
 * deliver: hands a packet on to a connection, of this worker or another.
 *
 * Threads: loop-owned.
 */
#ifndef DERPKIT_DELIVER_H
#define DERPKIT_DELIVER_H

#include "bytes.h"
#include "conn_addr.h"
#include "outq.h"

struct client;

/* Which class a packet, without the head of its frame, is of. */
enum outq_class deliver_class(struct slice packet);

/* Queues a whole frame that came from the client and holds a packet; the frame
 * stays where it is until the turn ends. Counts it as sent, unless it is for a
 * link to another relay, or as dropped. */
void deliver_frame(struct client *from, struct conn_addr to,
    enum outq_class class, uint8_t *frame, size_t len);

#endif
