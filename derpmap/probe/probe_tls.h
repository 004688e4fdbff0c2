/*
 * probe_tls: the first connection of a visit: TCP, TLS, the certificate by the
 * node's rule, and /derp/latency-check with what its headers tell (clock,
 * software, proxies in between).
 *
 * Threads: any; blocking.
 */
#ifndef DERPKIT_PROBE_TLS_H
#define DERPKIT_PROBE_TLS_H

#include "probe_visit.h"
#include "resolve.h"

/* Fills the steps from TCP to latency check. candidates: the addresses to try;
 * the visit's is the one that answered. Whether it makes sense to go on. */
bool probe_tls(
    const struct probe_context *c, const struct resolve_answer *candidates);

#endif
