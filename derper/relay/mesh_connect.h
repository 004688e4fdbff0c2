/*
 * mesh_connect: connects to another relay of the mesh and logs in to it.
 *
 * That resolves a name, reads root certificates and waits for the other side,
 * so it is done on a thread of its own; what comes out is a connection for a
 * loop, by message. Life: mesh_connect_start -> connected() ->
 * mesh_connect_reap; or, at any time, mesh_connect_abandon ->
 * mesh_connect_join. Threads: loop-owned; connected() is called on the loop of
 * the mailbox. Source: tailscale derp/derphttp/derphttp_client.go.
 */
#ifndef DERPKIT_MESH_CONNECT_H
#define DERPKIT_MESH_CONNECT_H

#include "bytes.h"
#include "derp_key.h"
#include "fail.h"
#include "netaddr.h"

struct mailbox;
struct mesh_connect;
struct tls;

#define MESH_HOST_MAX 300 /* bytes of a host's text */
/* All of it, as upstream; of that, for each address that is tried. */
#define MESH_CONNECT_MS 10000
#define MESH_CONNECT_TCP_MS 1500

/* A relay, as -mesh-with names it. */
struct mesh_target {
	char host[MESH_HOST_MAX]; /* with the port, as it was given */
	char name[MESH_HOST_MAX]; /* whose certificate it has */
	char dial[MESH_HOST_MAX]; /* what to connect to: name or address */
	uint16_t port;
};

/* What came of it. All owned by the callee of connected(), but for `rest`. */
struct mesh_connected {
	bool failed; /* *why says how; nothing else is set */
	struct fail why;
	int fd;
	struct tls *tls;
	struct netaddr remote;
	struct derp_key server; /* the other relay's key */
	struct slice rest;      /* received already; borrowed for the call */
	uint32_t skip;          /* bytes of that, or to come, to be ignored */
};

struct mesh_connect_config {
	/* borrowed for the call */
	const struct mesh_target *target;
	const struct derp_private_key *key;
	const uint8_t *mesh_key; /* DERP_KEY bytes */
	struct mailbox *mailbox;
	void (*connected)(void *ctx, struct mesh_connected *result);
	void *ctx;
};

/* Begins. Borrowed until it is reaped or abandoned; NULL and the reason when
 * memory or threads are short. */
struct mesh_connect *mesh_connect_start(
    const struct mesh_connect_config *config, struct fail *why);

/* After connected(): frees it, if its thread has ended. False: not yet, which
 * is for a moment only. Does not block. */
bool mesh_connect_reap(struct mesh_connect *c);

/* Ends it, without waiting for that; after the loop has stopped. Returns what
 * is left to be joined; NULL: nothing, all is freed sooner or later.
 * Idempotent.
 */
struct mesh_connect *mesh_connect_abandon(struct mesh_connect *c);
/* Waits for the end of what was abandoned, and frees it; before the mailbox is
 * freed. Blocks for MESH_CONNECT_TCP_MS after that at most: an address that is
 * being tried is tried to its end. */
void mesh_connect_join(struct mesh_connect *c);

#endif
