/*
 * probe_net: what a run says about the network of this machine, as `tailscale
 * netcheck` does: UDP, our own addresses, the nearest region.
 *
 * Source: tailscale net/netcheck, cmd/tailscale/cli/netcheck.go. Threads: pure.
 */
#ifndef DERPKIT_PROBE_NET_H
#define DERPKIT_PROBE_NET_H

#include "probe_report.h"

enum probe_vary { PROBE_VARY_UNKNOWN, PROBE_VARY_NO, PROBE_VARY_YES };

struct probe_region {
	const struct probe_node *node; /* its first one, for id and names */
	uint64_t latency_us;           /* the best; 0: none */
	bool by_stun;                  /* else by /derp/latency-check */
};

struct probe_net {
	bool udp;                     /* somebody answered STUN */
	struct netaddr ipv4, ipv6;    /* as seen from outside; may be unset */
	enum probe_vary varies;       /* whether our IPv4 mapping varies by
					 destination */
	struct probe_region *regions; /* owned; the nearest first, then those
					 without a latency */
	size_t region_count;
};

/* -1: memory is short. */
int probe_net_make(struct probe_net *net, const struct probe_report *report);
void probe_net_clear(struct probe_net *net);

#endif
