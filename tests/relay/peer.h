/*
 * peer: the clients of derp-peer, by name, and the events they print.
 *
 * Life: peer_make on first use of a name; they live as long as the program.
 * Threads: one.
 */
#ifndef DERPKIT_PEER_H
#define DERPKIT_PEER_H

#include "derp_client.h"

#define PEERS_MAX 1024

/* Of numbered packets; what looks like disco has no number, and is only
 * counted. */
struct tally {
	uint64_t packets, first, last, disorder, corrupt, disco;
};

struct peer {
	char *name; /* owned */
	struct derp_private_key private_key;
	struct derp_key key;
	struct derp_client *client; /* owned; NULL: not connected */
	bool up, paused, counting;
	struct tally tally;
};

/* All of them, in the order of their making. */
extern struct peer *peers[PEERS_MAX];
extern size_t peer_count;

/* The client of that name, or NULL. */
struct peer *peer_find(const char *name);

/* The same, made with a new key where there is none. */
struct peer *peer_make(const char *name);

/* A key from a client's name or its text. -1 when it is neither. */
int peer_key_of(const char *word, struct derp_key *key);

/* Prints one line. */
__attribute__((format(printf, 1, 2))) void event(const char *fmt, ...);

/* Ends the connection and says so. */
void peer_drop(struct peer *p, const char *reason);

/* Prints everything that has come in, unless paused. */
void peer_drain(struct peer *p);

#endif
