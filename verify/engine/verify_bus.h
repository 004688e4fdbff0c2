/*
 * verify_bus: the tailnet as tailscaled's notification bus tells it.
 *
 * The bus tells changes, and how it does depends on the daemon: up to 1.96
 * every change is a whole NetMap; 1.98 has PeerChanges in its place for small
 * ones, in a form of its own; 1.100 and newer name peers that changed and were
 * removed, but after a full update of the network they do not name those that
 * vanished. So the model follows what it understands and says when the daemon's
 * status must be read instead: after every change of the daemon's own node or
 * of its state, and after whatever it does not know.
 *
 * Life: verify_bus_new -> verify_bus_reset, verify_bus_apply ... ->
 * verify_bus_free. Threads: used by one at a time. Source: tailscale
 * ipn/backend.go (Notify), ipn/ipnlocal/bus.go.
 */
#ifndef DERPKIT_VERIFY_BUS_H
#define DERPKIT_VERIFY_BUS_H

#include "verify_nodes.h"

/* What to subscribe to: NotifyInitialState 2, NotifyNoPrivateKeys 16,
 * NotifyPeerChanges 4096, NotifyInitialStatus 16384. Older daemons ignore the
 * bits that they do not know. */
#define VERIFY_BUS_MASK (2 + 16 + 4096 + 16384)

struct verify_bus;

/* What a message means for whoever uses the model. */
struct verify_bus_news {
	bool changed; /* the nodes are others than before */
	bool resync;  /* read the status: the message does not tell enough */
};

/* A model without nodes; NULL when memory is short. Returns owned. */
struct verify_bus *verify_bus_new(void);
void verify_bus_free(struct verify_bus *bus);

/* Takes a line of the bus. -1 with *why when it is not one, or memory is short:
 * the model may then be wrong until it is reset. */
int verify_bus_apply(struct verify_bus *bus, struct slice line,
    struct verify_bus_news *news, struct fail *why);

/* Takes a status, the answer of /localapi/v0/status, in place of all that was
 * known. -1 with *why when it is none, or the daemon is not connected to its
 * tailnet: the nodes are then as before. */
int verify_bus_reset(struct verify_bus *bus, struct slice status,
    struct verify_bus_news *news, struct fail *why);

/* Whether the daemon is connected to its tailnet, as far as it told. */
bool verify_bus_is_connected(const struct verify_bus *bus);

/* The nodes now; NULL when memory is short or they are too many. Returns owned.
 */
struct verify_nodes *verify_bus_nodes(
    const struct verify_bus *bus, struct fail *why);

#endif
