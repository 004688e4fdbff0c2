/*
 * status_client: what is told of one client.
 *
 * Threads: plain values; filled by the worker that the client lives on.
 */
#ifndef DERPKIT_STATUS_CLIENT_H
#define DERPKIT_STATUS_CLIENT_H

#include "conn_addr.h"
#include "derp_key.h"
#include "netaddr.h"

struct status_client {
	/* identity */
	struct conn_addr addr;
	struct derp_key key;
	struct netaddr remote;

	/* state */
	uint64_t bytes_received, bytes_sent; /* see tcp_stats.h */
	uint32_t connected_s;                /* for how long */
	uint32_t rtt_us;                     /* 0: not known */
	uint32_t queued_bytes;   /* that wait for the client, here */
	uint32_t queued_packets; /* of them, in the queue */
	uint32_t senders;        /* see notify_senders */
	bool home;               /* the relay is its home */
	bool mesh;               /* it knows the mesh key */
	bool websocket, tls;

	/* bytes per second, see status_snapshot.h */
	uint64_t received_per_s, sent_per_s;
};

#endif
