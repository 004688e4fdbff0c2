/*
 * client: a DERP client that is logged in.
 *
 * It is the session (conn.h) of its connection from the moment it is registered
 * until the connection ends. Life: client_join -> frames ... -> client_leave ->
 * client_free, or, while others are still told that the key has left, the end
 * of that (departures.h). Threads: loop-owned.
 * Source: tailscale derp/derpserver/derpserver.go (sclient).
 */
#ifndef DERPKIT_CLIENT_H
#define DERPKIT_CLIENT_H

#include "departures.h"
#include "registry.h"
#include "route_cache.h"

struct conn;
struct relay;

/* PeerGone(NotHere) per client: a bucket of 3, one a second. */
#define CLIENT_NOT_HERE_BURST 3

struct client {
	union { /* first member */
		struct route_cache routes;
		struct departure departure; /* once it has left */
	};

	/* identity, immutable */
	struct conn *conn;   /* borrowed: it owns the client */
	struct relay *relay; /* borrowed */
	struct derp_key key;
	struct registry_member member;

	bool home;             /* NotePreferred */
	uint8_t not_here_left; /* tokens */
	uint64_t not_here_ms;  /* when a token was last added */
	uint32_t skip; /* payload bytes of an ignored frame still to come */
	uint32_t keep_alive_ms;
};

/* Registers the connection under the key and counts it; when the key has too
 * many, the one heard from least recently is ended. Returns owned; NULL when
 * memory is short or a limit is met, which is counted. */
struct client *client_join(
    struct conn *conn, struct relay *relay, const struct derp_key *key);

/* Unregisters it. If it was the key's last connection and others got packets
 * from it, these will be told, and it is the connection's session no more. */
void client_leave(struct client *c);
void client_free(struct client *c);

/* Logs why a connection with this key ends, in a line that is limited. */
void client_log(struct relay *relay, struct conn *conn,
    const struct derp_key *key, const char *why);

#endif
