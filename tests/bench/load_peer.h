/*
 * load_peer: one DERP client of the load generator.
 *
 * Life: peer_init -> peer_dial -> peer_ready for every event until PEER_UP,
 * then traffic -> peer_close, after which it may dial again with the same key
 * -> peer_clear. Threads: a peer belongs to one thread; a relay is immutable.
 * Source: tailscale derp/derphttp/derphttp_client.go for the order of things.
 */
#ifndef DERPKIT_LOAD_PEER_H
#define DERPKIT_LOAD_PEER_H

#include "derp_handshake.h"
#include "derp_msg.h"
#include "load_framing.h"
#include "wire.h"

#define PEER_HOST_MAX 300

/* The relay under test. */
struct relay {
	struct wire_config wire;
	char host[PEER_HOST_MAX]; /* of the Host header */
	/* Known after a first login (peer.server). With TLS, later ones use
	 * fast start, as Go clients do when they know the key. */
	struct derp_key key;
	bool key_known;
	bool websocket; /* its clients speak it, without fast start */
};

enum peer_state {
	PEER_CLOSED,
	PEER_DIALING,   /* TCP and TLS */
	PEER_UPGRADING, /* request sent, expects the head of a response */
	PEER_GREETING,  /* expects ServerKey */
	PEER_ADMITTING, /* ClientInfo sent, expects ServerInfo */
	PEER_UP,
};

struct peer {
	/* identity */
	struct derp_private_key private_key;
	struct derp_key key;
	uint32_t source; /* see wire_dial */
	/* connection */
	enum peer_state state;
	struct wire wire;
	struct derp_key server; /* as it said in ServerKey */
	uint8_t *rest;          /* owned: a frame that is not whole yet */
	size_t rest_len;
	uint32_t skip; /* bytes of an uninteresting frame still to come */
	bool framed;   /* what is sent and received is in messages */
	struct load_framing framing;
};

/* What was read and what was left of the frame before it; one per thread. */
#define PEER_PLAIN_CAP (WIRE_READ_ROOM + DERP_MAX_FRAME)

/* Makes a new key. */
void peer_init(struct peer *p, uint32_t source);
/* Closes and wipes. */
void peer_clear(struct peer *p);

/* Starts to connect. -1 and the reason. */
int peer_dial(struct peer *p, const struct relay *relay,
    struct wire_scratch *scratch, struct fail *why);
/* Closes the connection; the key stays. */
void peer_close(struct peer *p);

/* Called with each frame that arrives once the peer is up; the frame borrows
 * from the plain buffer. */
typedef void peer_frame_fn(
    void *ctx, struct peer *p, const struct derp_frame *frame);

struct peer_reader {
	const struct relay *relay;
	uint8_t *plain; /* PEER_PLAIN_CAP bytes */
	peer_frame_fn *frame;
	void *ctx;
};

/* Goes on after epoll reported the events. -1: the connection has ended, *why
 * tells; call peer_close. */
int peer_ready(struct peer *p, uint32_t events, const struct peer_reader *r,
    struct fail *why);

/* The largest piece for peer_write. */
#define PEER_WRITE_MAX (WIRE_RECORD - WS_HEAD_MAX)

/* Sends frames, as one TLS record and, over WebSocket, as one message. -1: the
 * connection is dead. Not to be called while wire_blocked. */
int peer_write(struct peer *p, struct slice frames, struct fail *why);

/* What epoll is to watch for now. */
uint32_t peer_wants(const struct peer *p);

/* Logs in and waits for it, at most timeout_ms. -1: closed, *why tells. */
int peer_login_now(struct peer *p, const struct relay *relay,
    struct wire_scratch *scratch, int timeout_ms, struct fail *why);

#endif
