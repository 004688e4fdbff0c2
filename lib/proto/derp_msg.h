/*
 * derp_msg: the bodies of all frame types but the handshake's, both ways.
 *
 * Parsers borrow from the body and answer -1 when it is malformed. Builders
 * append one whole frame, header included, to a writer, which fails when it
 * does not fit. Source: tailscale derp/derp.go, derp_client.go.
 * Threads: pure functions.
 */
#ifndef DERPKIT_DERP_MSG_H
#define DERPKIT_DERP_MSG_H

#include "derp_frame.h"
#include "netaddr.h"

enum derp_gone {
	DERP_GONE_DISCONNECTED = 0,
	DERP_GONE_NOT_HERE = 1,
};

#define DERP_PEER_PRESENT_BODY 51
enum derp_present_flags { /* of PeerPresent, may be or-ed */
	DERP_PRESENT_REGULAR = 1,
	DERP_PRESENT_MESH = 2,
	DERP_PRESENT_PROBER = 4,
	DERP_PRESENT_NOT_IDEAL = 8,
};

/* SendPacket: destination key, then the packet. */
int derp_send_packet_parse(
    struct slice body, struct derp_key *dst, struct slice *packet);
void derp_send_packet_put(
    struct writer *w, const struct derp_key *dst, struct slice packet);

/* RecvPacket: source key, then the packet. */
int derp_recv_packet_parse(
    struct slice body, struct derp_key *src, struct slice *packet);
void derp_recv_packet_put(
    struct writer *w, const struct derp_key *src, struct slice packet);

/*
 * Turns a whole SendPacket frame into the RecvPacket frame for its receiver:
 * both have the same length, so only type and key change. head is the frame's
 * header with its payload after it.
 */
void derp_send_to_recv(uint8_t *head, const struct derp_key *src);

/* ForwardPacket, between relays: source key, destination key, the packet. */
int derp_forward_packet_parse(struct slice body, struct derp_key *src,
    struct derp_key *dst, struct slice *packet);
void derp_forward_packet_put(struct writer *w, const struct derp_key *src,
    const struct derp_key *dst, struct slice packet);

/* Turns a whole ForwardPacket frame into the RecvPacket frame for its receiver,
 * which ends where that ends and begins DERP_KEY bytes later: returns where.
 * Nothing is read outside of the frame. */
uint8_t *derp_forward_to_recv(uint8_t *head);

/* KeepAlive: empty. */
void derp_keep_alive_put(struct writer *w);

/* NotePreferred: one byte. */
int derp_note_preferred_parse(struct slice body, bool *home);
void derp_note_preferred_put(struct writer *w, bool home);

/* PeerGone: key and reason; 32 bytes are read as reason 0. An unknown reason
 * is returned as it is. */
int derp_peer_gone_parse(
    struct slice body, struct derp_key *key, uint8_t *reason);
void derp_peer_gone_put(
    struct writer *w, const struct derp_key *key, enum derp_gone reason);

/* PeerPresent: key, address, port, flags; parsing accepts 32 bytes and more. */
int derp_peer_present_parse(struct slice body, struct derp_key *key,
    struct netaddr *addr, uint8_t *flags);
void derp_peer_present_put(struct writer *w, const struct derp_key *key,
    const struct netaddr *addr, uint8_t flags);

/* Ping and Pong: 8 bytes of data (a ping may carry more, which is ignored). */
int derp_ping_parse(struct slice body, uint8_t data[static DERP_PING_DATA]);
void derp_ping_put(struct writer *w, const uint8_t data[static DERP_PING_DATA]);
void derp_pong_put(struct writer *w, const uint8_t data[static DERP_PING_DATA]);

/* Health: UTF-8 text, empty = healthy again. */
void derp_health_put(struct writer *w, struct slice text);

/* Restarting: both in milliseconds; parsing wants 8 bytes or more. */
int derp_restarting_parse(
    struct slice body, uint32_t *reconnect_in_ms, uint32_t *try_for_ms);
void derp_restarting_put(
    struct writer *w, uint32_t reconnect_in_ms, uint32_t try_for_ms);

/* WatchConns: empty. ClosePeer: key. (Mesh clients.) */
void derp_watch_conns_put(struct writer *w);
int derp_close_peer_parse(struct slice body, struct derp_key *key);
void derp_close_peer_put(struct writer *w, const struct derp_key *key);

#endif
