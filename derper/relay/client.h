/*
 * client: a DERP client that is logged in.
 *
 * It is the session (conn.h) of its connection from the moment it is registered
 * until the connection ends. Life: client_join -> frames ... -> client_leave ->
 * client_free. Threads: loop-owned.
 * Source: tailscale derp/derpserver/derpserver.go (sclient).
 */
#ifndef DERPKIT_CLIENT_H
#define DERPKIT_CLIENT_H

#include "conn_addr.h"
#include "derp_key.h"

struct conn;
struct peer;
struct relay;

/* Destinations whose address a client remembers. */
#define CLIENT_ROUTES 4
/* PeerGone(NotHere) per client: a bucket of 3, one a second. */
#define CLIENT_NOT_HERE_BURST 3

/* A destination that was looked up, valid while the registry's shard is as it
 * was. */
struct route {
	struct derp_key dst;
	struct conn_addr addr;
	uint64_t version;
	bool known; /* it is in our notify set */
	bool used;
};

struct client {
	/* identity, immutable */
	struct conn *conn;   /* borrowed: it owns the client */
	struct relay *relay; /* borrowed */
	struct derp_key key;
	struct peer *peer; /* borrowed: the registry's entry of the key */

	struct route routes[CLIENT_ROUTES];
	uint8_t last_route;

	bool home;             /* NotePreferred */
	uint8_t not_here_left; /* tokens */
	uint64_t not_here_ms;  /* when a token was last added */
	uint32_t skip; /* payload bytes of an ignored frame still to come */
	uint32_t keep_alive_ms;
};

/* Registers the connection under the key and counts it. Returns owned; NULL
 * when memory is short or the key has too many connections, which is counted.
 */
struct client *client_join(
    struct conn *conn, struct relay *relay, const struct derp_key *key);

/* Unregisters it and tells those who got packets from it, if it was the key's
 * last connection. */
void client_leave(struct client *c);
void client_free(struct client *c);

/* Logs why a connection with this key ends, in a line that is limited. */
void client_log(struct relay *relay, struct conn *conn,
    const struct derp_key *key, const char *why);

#endif
