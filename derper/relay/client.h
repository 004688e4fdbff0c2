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
struct forward_cache;
struct relay;
struct watcher;
struct worker;

/* PeerGone(NotHere) per client: a bucket of 3, one a second. */
#define CLIENT_NOT_HERE_BURST 3

struct client {
	union {
		struct {
			/* identity, immutable */
			struct conn *conn;   /* borrowed: it owns the client */
			struct relay *relay; /* borrowed */
			struct registry_member member;

			struct rate_gate *gate; /* owned; NULL: no limits */
			struct route_cache routes;
			uint64_t joined_ms;   /* immutable */
			uint64_t not_here_ms; /* when a token was last added */
			uint32_t skip; /* payload bytes of an ignored frame
					* still to come */
			uint16_t keep_alive_jitter_ms; /* immutable */
			uint8_t not_here_left;         /* tokens */
			bool home : 1;                 /* NotePreferred */
			bool not_ideal : 1;            /* immutable */
			bool present : 1;              /* to watchers */
			bool is_mesh : 1; /* immutable: of a mesh peer */
		};
		struct { /* once it has left and others are told */
			struct departure departure;   /* first member */
			struct derp_key departed_key; /* what is told */
		};
	};
};

/* A client that knows the mesh key: another relay, or a prober. It embeds the
 * client. */
struct client_mesh {
	struct client client;          /* first member */
	struct watcher *watcher;       /* owned; NULL: it does not watch */
	struct forward_cache *forward; /* owned; NULL: it has forwarded nothing
					*/
};

/* Registers the connection under the key and counts it; when the key has too
 * many, the one heard from least recently is ended. flags are those that
 * watchers are told: enum derp_present_flags; with DERP_PRESENT_MESH it is a
 * struct client_mesh. Returns owned; NULL when memory is short or a limit is
 * met, which is counted and ends the connection. */
struct client *client_join(struct conn *conn, struct relay *relay,
    const struct derp_key *key, uint8_t flags);
/* The client at an address of the registry, on the worker of the calling loop;
 * NULL when it has left meanwhile, also while its connection still waits for
 * the peer to close. */
struct client *client_at(struct worker *worker, struct conn_addr addr);
/* What a mesh peer has beside; NULL for others. */
struct client_mesh *client_mesh(struct client *c);

enum client_closer {
	CLIENT_CLOSER_MESH_PEER,
	CLIENT_CLOSER_OPERATOR,
};
/* Ends all connections of the key, here and on other workers. */
void client_close_key(
    struct relay *relay, const struct derp_key *key, enum client_closer closer);

/* A disco packet for dst found nobody: tells the client, unless it was told too
 * often of late. */
void client_say_not_here(struct client *c, const struct derp_key *dst);

/* Its node key. Borrowed until client_leave. */
const struct derp_key *client_key(const struct client *c);
/* From one keep-alive to the next. */
uint64_t client_keep_alive_ms(const struct client *c);

/* Unregisters it. If it was the key's last connection and others got packets
 * from it, these will be told, and it is the connection's session no more. */
void client_leave(struct client *c);
void client_free(struct client *c);

/* Logs why a connection with this key ends, in a line that is limited. */
void client_log(struct relay *relay, struct conn *conn,
    const struct derp_key *key, const char *why);

#endif
