/*
 * stun_server: answers STUN on one UDP socket of a worker, in batches.
 *
 * Life: stun_server_new -> the loop runs -> stun_server_free. Threads:
 * loop-owned. Source: tailscale net/stunserver.
 */
#ifndef DERPKIT_STUN_SERVER_H
#define DERPKIT_STUN_SERVER_H

#include "counters.h"
#include "loop.h"

struct stun_server;

/* Takes the bound descriptor, also on failure. Returns owned. */
struct stun_server *stun_server_new(
    struct loop *loop, int fd, struct counters *counters);
void stun_server_free(struct stun_server *s);

#endif
