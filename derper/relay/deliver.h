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
struct derp_key;

/* Which class a packet, without the head of its frame, is of. */
enum outq_class deliver_class(struct slice packet);

/* Queues a whole frame that came from the client and holds a packet; the frame
 * stays where it is until the turn ends. Counts it as sent, unless it is for a
 * link to another relay, or as dropped. */
void deliver_frame(struct client *from, struct conn_addr to,
    enum outq_class class, uint8_t *frame, size_t len);

/* Nobody has that key: drops the client's packet, of a frame of len bytes,
 * which a mesh peer has forwarded or not, and tells the client if it was disco.
 */
void deliver_to_nobody(struct client *from, const struct derp_key *key,
    enum outq_class class, size_t len, bool forwarded);

#endif
