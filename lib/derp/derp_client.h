/*
 * derp_client: one connection to a DERP relay, as a client, blocking.
 *
 * Each step waits at most the time that it is given. Nothing reconnects,
 * nothing is queued: what to do about a failure is the owner's decision. The
 * socket is non-blocking inside, so an owner with many clients polls
 * derp_client_fd and calls derp_client_recv with a timeout of 0.
 *
 * Life: derp_client_dial -> derp_client_upgrade -> derp_client_login ->
 * derp_client_send / derp_client_recv ... -> derp_client_free. A step that
 * failed leaves a client that can only be looked at and freed.
 * Threads: used by one at a time; several clients are independent.
 * Source: tailscale derp/derphttp/derphttp_client.go.
 */
#ifndef DERPKIT_DERP_CLIENT_H
#define DERPKIT_DERP_CLIENT_H

#include "derp_handshake.h"
#include "derp_msg.h"
#include "dial.h"

struct derp_client;

/* Everything is borrowed for the call of derp_client_dial only. */
struct derp_client_config {
	struct dial_config dial; /* its hostname is also the Host header */
	/* Skip the HTTP response and the wait for ServerKey where the relay's
	 * key is known: from the metacert under TLS 1.3, or from server. */
	bool fast_start;
	const struct derp_key *server; /* the relay's key if known, or NULL */
	const char *ideal_node;        /* Ideal-Node header, or NULL */
	const struct derp_private_key *key;
	struct derp_client_info info;
};

/* Connects and does the handshake. NULL and the reason. Resolving a name
 * blocks for as long as the system's resolver does. Returns owned. */
struct derp_client *derp_client_dial(const struct derp_client_config *config,
    unsigned timeout_ms, struct fail *why);

/* Ends the connection without ceremony and frees. NULL is fine. */
void derp_client_free(struct derp_client *c);

/* Asks for /derp and waits for the answer and ServerKey; with fast start the
 * ClientInfo goes out too and nothing is waited for. -1 and the reason. */
int derp_client_upgrade(
    struct derp_client *c, unsigned timeout_ms, struct fail *why);

/* Sends ClientInfo where that is still to be done. -1 and the reason. */
int derp_client_introduce(
    struct derp_client *c, unsigned timeout_ms, struct fail *why);

/* derp_client_introduce, then waits for ServerInfo: the relay has admitted us.
 * One that does not just closes. -1 and the reason. */
int derp_client_login(
    struct derp_client *c, unsigned timeout_ms, struct fail *why);

/* Writes bytes as they are: frames made by derp_msg. -1 and the reason; part
 * of them may then have gone. */
int derp_client_write(struct derp_client *c, struct slice bytes,
    unsigned timeout_ms, struct fail *why);

/* Sends one packet of at most DERP_MAX_PACKET bytes. */
int derp_client_send(struct derp_client *c, const struct derp_key *to,
    struct slice packet, unsigned timeout_ms, struct fail *why);

/* Tells the relay that no more will come: close_notify and FIN. */
void derp_client_end(struct derp_client *c);

/* A client in parts. */
struct derp_client_parts {
	int fd;            /* owned, non-blocking */
	struct tls *tls;   /* owned; NULL: plain */
	struct slice rest; /* received and not returned; borrowed from the
			      client */
	uint32_t skip;     /* bytes at its front, or to come, to be ignored */
};

/* Takes a client that is logged in apart, for an owner who reads and writes on
 * a loop. It is then good for derp_client_free only. -1 and the reason. */
int derp_client_take(
    struct derp_client *c, struct derp_client_parts *parts, struct fail *why);

enum derp_client_result {
	DERP_CLIENT_FRAME,   /* *frame is whole; unknown types never come */
	DERP_CLIENT_TIMEOUT, /* nothing came in time */
	DERP_CLIENT_EOF,     /* the relay has ended the connection */
	DERP_CLIENT_FAILED,  /* *why tells; the connection is of no use */
};

/* The next frame; its body is borrowed until the next call on this client.
 * A ServerKey under fast start and ServerInfo are checked and returned too. */
enum derp_client_result derp_client_recv(struct derp_client *c,
    struct derp_frame *frame, unsigned timeout_ms, struct fail *why);

/* What is known about the connection. */
struct derp_client_state {
	const char *tls_version; /* "TLSv1.3"; "" without TLS. Static */
	unsigned certs;          /* certificates the relay served */
	bool has_meta;           /* the last one is a metacert with this key */
	struct derp_key meta_key;
	unsigned http_status; /* 0: no response (yet), as under fast start */
	bool has_server;      /* the relay's key is known */
	struct derp_key server;
	bool admitted;   /* ServerInfo has come */
	int64_t version; /* the relay's protocol version, with ServerInfo */
};

struct derp_client_state derp_client_state(const struct derp_client *c);

/* Its socket, to poll for input. Borrowed. */
int derp_client_fd(const struct derp_client *c);

#endif
