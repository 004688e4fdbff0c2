/*
 * probe_link: connections to the node of a visit: TCP, or through the proxy,
 * with TLS on top, as its clients make them.
 *
 * The certificate is not judged here. Threads: any; blocking.
 */
#ifndef DERPKIT_PROBE_LINK_H
#define DERPKIT_PROBE_LINK_H

#include "dial.h"
#include "probe_visit.h"

/* What dial.h needs to reach the node over a socket that probe_link_socket has
 * made; the socket is borrowed here and taken by who dials. */
struct dial_config probe_link_dial(
    const struct probe_visit *v, const int *socket);

/* TCP to the visit's address, or through the proxy. The descriptor, owned; -1,
 * the reason and its errno (0: the proxy refused). */
int probe_link_socket(const struct probe_context *c, uint64_t deadline_ms,
    int *error, struct fail *why);

/* Both steps. NULL and the reason. Returns owned: dial_free. */
struct dial *probe_link_open(
    const struct probe_context *c, uint64_t deadline_ms, struct fail *why);

#endif
