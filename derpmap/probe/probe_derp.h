/*
 * probe_derp: DERP on a node: upgrade, admission, a packet between two keys,
 * fast start, the same server key on every connect.
 *
 * Threads: any; blocking.
 */
#ifndef DERPKIT_PROBE_DERP_H
#define DERPKIT_PROBE_DERP_H

#include "probe_visit.h"

/* Fills the steps from upgrade to key. The visit's address answers, by TLS
 * where it should. */
void probe_derp(const struct probe_context *c);

#endif
