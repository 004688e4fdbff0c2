/*
 * mesh_link: our connection to one other relay of the mesh.
 *
 * We watch that relay: whoever it says is there can be reached through this
 * link (registry.h), and packets for them go out on it as ForwardPacket. So
 * both relays of a pair need a link to the other.
 *
 *   WAITING --> CONNECTING --> UP --> WITHDRAWING --> WAITING ...
 *   back-off    on a thread    |      its keys leave the registry,
 *                              v      a number in each turn
 *                            STOPPED, when the other relay is ourselves
 *
 * A link lives on one worker. Its connection is like an accepted one (conn.h),
 * so a packet gets to it as to a client, from whatever worker (crossing.h); a
 * sender never waits: what the other relay does not take is queued, up to a
 * limit, and then dropped, the oldest first.
 *
 * Nothing that the other relay says costs more than MESH_LINK_KEYS_MAX keys;
 * beyond that keys are ignored and counted. All but PeerPresent and PeerGone is
 * skipped. Keys that leave add no departures beyond DEPARTURES_MAX: until some
 * of these have been told, the link is not read.
 *
 * Life: mesh_link_open -> mesh_link_start -> mesh_link_abandon ->
 * mesh_link_close. Threads: loop-owned; opened and started before the worker
 * runs, abandoned and closed after. Source: tailscale
 * derp/derphttp/mesh_client.go, cmd/derper/mesh.go.
 */
#ifndef DERPKIT_MESH_LINK_H
#define DERPKIT_MESH_LINK_H

#include "derp_key.h"
#include "log.h"
#include "loop.h"
#include "mesh_connect.h"

struct conn;
struct keytable;
struct relay;

/* Keys that one relay may say it has. */
#define MESH_LINK_KEYS_MAX 131072
/* Keys that are withdrawn in one turn, by all links of a worker. */
#define MESH_LINK_PER_TURN 256
/* From one attempt to the next: doubled with each that failed, as upstream at
 * most; half of it is random. */
#define MESH_LINK_RETRY_MS 500
#define MESH_LINK_RETRY_MAX_MS 5000
/* A connection that lasted so long is a success. */
#define MESH_LINK_STABLE_MS 5000
/* Without a byte for so long it is broken: two keep-alives. */
#define MESH_LINK_SILENT_MS 120000

enum mesh_link_state {
	MESH_LINK_WAITING,
	MESH_LINK_CONNECTING,
	MESH_LINK_UP,
	MESH_LINK_WITHDRAWING,
	MESH_LINK_STOPPED,
};

struct mesh_link {
	/* immutable */
	const struct mesh_target *target; /* borrowed */
	struct relay *relay;              /* borrowed; its worker's */
	uint8_t number;                   /* in the registry, from 1 */

	enum mesh_link_state state;
	struct loop_timer timer; /* always set, but when STOPPED */
	unsigned failures;       /* in a row */
	struct log_limit log_failure;

	/* with CONNECTING, and after that until it is reaped */
	struct mesh_connect *connecting;
	/* with UP: */
	struct conn *conn; /* borrowed: it ends before */
	uint32_t skip;     /* bytes of an ignored frame still to come */
	uint64_t since_ms; /* when it was connected */
	uint64_t heard_ms; /* when something was read */
	uint64_t told_ms;  /* when the number of keys was logged; 0: not yet */
	bool changed;      /* keys have, since then */
	bool end_told;     /* in the log */
	bool waits;        /* is not read: too many departures wait */

	struct keytable *keys; /* owned; also with WITHDRAWING */
	size_t withdraw_at;    /* with WITHDRAWING: how far the walk has got */
};

/* -1 when memory is short; mesh_link_close is for that, too. */
int mesh_link_open(struct mesh_link *link, const struct mesh_target *target,
    struct relay *relay, uint8_t number);
void mesh_link_start(struct mesh_link *link);
/* Ends an attempt to connect, without waiting for that; before all links are
 * closed, so that they end at the same time. Idempotent. */
void mesh_link_abandon(struct mesh_link *link);
/* After the worker's connections have ended. Blocks as mesh_connect_join. */
void mesh_link_close(struct mesh_link *link);

#endif
