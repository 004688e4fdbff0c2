/*
 * stun: STUN binding requests and responses as Tailscale uses them.
 *
 * Only requests that carry SOFTWARE "tailnode" and a correct FINGERPRINT as
 * their last attribute are answered, parsed to the end of the datagram.
 * Source: RFC 8489; tailscale net/stun/stun.go. Threads: pure functions.
 */
#ifndef DERPKIT_STUN_H
#define DERPKIT_STUN_H

#include "bytes.h"
#include "netaddr.h"

#define STUN_TXID 12
#define STUN_REQUEST 40
#define STUN_RESPONSE_MAX 44

/* Whether the datagram is a request to answer; txid is then set. */
bool stun_request_parse(struct slice datagram, uint8_t txid[static STUN_TXID]);
/* The request that Tailscale clients send, 40 bytes. */
void stun_request_put(struct writer *w, const uint8_t txid[static STUN_TXID]);

/* The response: XOR-MAPPED-ADDRESS only. DIFFERS from upstream on dual-stack
 * sockets: IPv4 clients get family 1, not a v4-mapped family 2. */
void stun_response_put(struct writer *w, const uint8_t txid[static STUN_TXID],
    const struct netaddr *mapped);
/* A success response: its txid and the mapped address (XOR-MAPPED-ADDRESS
 * 0x0020 or 0x8020, else MAPPED-ADDRESS). -1 when it is not one. v4-mapped
 * addresses come out as IPv4. */
int stun_response_parse(struct slice datagram, uint8_t txid[static STUN_TXID],
    struct netaddr *mapped);

#endif
