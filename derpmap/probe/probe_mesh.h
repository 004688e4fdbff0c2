/*
 * probe_mesh: whether the nodes of a region forward to each other.
 *
 * Clients take the first node of a region that answers, so two of them may be
 * on different ones. Source: tailscale prober/derp.go (derpProbeNodePair).
 * Threads: probe_mesh_pass on any; blocking.
 */
#ifndef DERPKIT_PROBE_MESH_H
#define DERPKIT_PROBE_MESH_H

#include "probe_report.h"

/* Lists the pairs of the visits that are done: each node of a region with the
 * next one, both ways, where both admit unknown keys and are not the same
 * relay. -1: memory is short. */
int probe_mesh_list(struct probe_report *report);

/* Sends packets from one to the other until one arrives. */
void probe_mesh_pass(const struct probe_config *config, uint64_t end_ms,
    struct probe_pair *pair);

#endif
