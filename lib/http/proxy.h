/*
 * proxy: connections through an HTTP proxy, as DERP clients make them.
 *
 * CONNECT host:port, then bytes both ways. Source: tailscale derp/derphttp
 * (dialNodeUsingProxy); RFC 9110 section 9.3.6. Threads: a plain value, any.
 */
#ifndef DERPKIT_PROXY_H
#define DERPKIT_PROXY_H

#include "fail.h"

#include <stdbool.h>
#include <stdint.h>

struct proxy {
	char host[256];
	uint16_t port;
	char authorization[512]; /* a header, secret; "" for none */
};

/* From http://[user:password@]host[:port]. -1 with *why, which does not hold
 * the password. */
int proxy_parse(struct proxy *p, const char *url, struct fail *why);

/* Connects to host:port through it, until the deadline of clock_now_ms. Returns
 * the descriptor, owned, non-blocking; -1 and the reason. */
int proxy_connect(const struct proxy *p, const char *host, uint16_t port,
    uint64_t deadline_ms, struct fail *why);

#endif
