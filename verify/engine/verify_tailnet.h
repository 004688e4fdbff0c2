/*
 * verify_tailnet: the nodes that a tailscaled knows, listed once or followed on
 * its notification bus.
 *
 * Its status is read when the bus opens, whenever the bus says that it does not
 * tell enough (verify_bus.h), and from time to time, as older daemons drop
 * messages in silence. When the daemon restarts, the nodes stay as they were
 * until it is connected again, and count for lost meanwhile. Threads: any; each
 * call uses what it is given alone. Source: tailscale ipn/localapi/localapi.go.
 */
#ifndef DERPKIT_VERIFY_TAILNET_H
#define DERPKIT_VERIFY_TAILNET_H

#include "verify_feed.h"
#include "verify_source.h"

struct fetch_client;

struct verify_tailnet {
	const char *socket;          /* of the daemon; borrowed */
	struct fetch_client *client; /* borrowed */
	uint64_t (*now_ms)(void);
};

/* The status as a list. See verify_source_ops. */
enum verify_listed verify_tailnet_list(const struct verify_tailnet *t,
    struct verify_listing *listing, struct fail *why);

/* Follows the bus and connects again, until the feed says stop. False: the
 * daemon is too old to have a bus. See verify_source_ops. */
bool verify_tailnet_push(
    const struct verify_tailnet *t, struct verify_feed *feed);

#endif
