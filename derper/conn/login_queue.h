/*
 * login_queue: connections that wait for a TLS handshake or a login.
 *
 * A handshake costs as much as hundreds of packets, so only a few are done in a
 * turn. The rest waits, each IPv4 address (IPv6 /64) in a queue of its own, and
 * these are served in turn: an address with a thousand connections delays
 * nobody else's by more than one step. All operations are O(1). A connection
 * waits at most once at a time.
 *
 * Life: login_queue_new -> login_queue_enter, login_queue_take,
 * login_queue_remove, login_queue_new_turn -> login_queue_free. Threads:
 * loop-owned.
 */
#ifndef DERPKIT_LOGIN_QUEUE_H
#define DERPKIT_LOGIN_QUEUE_H

#include "netaddr.h"

struct login_queue;
struct login_source;

/* A place in the queue; embedded in the connection, all zero at first. */
struct login_entry {
	struct login_entry *next, *prev;
	struct login_source *source; /* NULL: does not wait */
};

/* At most per_turn logins in a turn, and queues for at most max_sources
 * addresses; further addresses share one. Returns owned; NULL when memory is
 * short. */
struct login_queue *login_queue_new(unsigned per_turn, size_t max_sources);
/* The entries that wait become free ones. */
void login_queue_free(struct login_queue *q);

/* True: its turn is now, as nobody waits and the turn has room. False: it waits
 * (or did already), and login_queue_take will return it. */
bool login_queue_enter(struct login_queue *q, struct login_entry *entry,
    const struct netaddr *from);
/* It waits, whether the turn has room or not. Nothing happens when it did
 * already. */
void login_queue_wait(struct login_queue *q, struct login_entry *entry,
    const struct netaddr *from);
/* Something else was done in this turn that counts like a login of the queue.
 */
void login_queue_spend(struct login_queue *q);
/* Waits no more. Nothing happens when it does not wait. */
void login_queue_remove(struct login_queue *q, struct login_entry *entry);
bool login_queue_waits(const struct login_entry *entry);

/* The next one in this turn, which waits no more; NULL when nobody waits or the
 * turn has had its logins. */
struct login_entry *login_queue_take(struct login_queue *q);
/* A new turn begins. Returns how many wait. */
size_t login_queue_new_turn(struct login_queue *q);

#endif
