/*
 * client: one connection's life.
 *
 *   HTTP ------> LOGIN ------> ADMISSION ------> RUNNING
 *   requests,    ServerKey     parked while      frames, see relay.h
 *   upgrade      sent, waits   verify is asked
 *                for ClientInfo
 *
 * From any state it may end at once (client_end), or, after an HTTP answer,
 * close its direction and wait for the peer to do so (CLOSING). A connection
 * that is not RUNNING takes its turn in the worker's line for logins, because
 * handshakes cost as much as hundreds of packets.
 *
 * Threads: loop-owned. Source: tailscale derp/derpserver/derpserver.go.
 */
#ifndef DERPKIT_CLIENT_H
#define DERPKIT_CLIENT_H

#include "derp_handshake.h"
#include "netaddr.h"
#include "outq.h"
#include "registry.h"
#include "stream.h"
#include "verify.h"

/* Deadlines, as upstream: TLS handshake and HTTP; login; admission is ours. */
#define CLIENT_HTTP_MS 30000
#define CLIENT_LOGIN_MS 10000
#define CLIENT_ADMISSION_MS (VERIFY_ASK_MS + 1000) /* lets it answer first */
#define CLIENT_CLOSING_MS 2000
#define CLIENT_KEEP_ALIVE_MS 60000
#define CLIENT_KEEP_ALIVE_JITTER_MS 5000
/* Reads that a ClientInfo may come in: each copies what came before. */
#define CLIENT_LOGIN_READS 512
/* HTTP answers that a client may leave unread, bytes. */
#define CLIENT_UNREAD_MAX 65536
/* HTTP requests answered per read; whoever sends more at once, which no prober
 * does, would hold up the packets of others. */
#define CLIENT_PIPELINE_MAX 32
/* Destinations whose address a connection remembers. */
#define CLIENT_ROUTES 4
/* Packets per second above which a client is high-rate: its packets may wait a
 * moment for each other, see worker.c. A call or a game is below that. */
#define CLIENT_HIGH_RATE_PER_S 250
#define CLIENT_HIGH_RATE_WINDOW_MS 100 /* over which the rate is taken */
/* PeerGone(NotHere) per connection: a bucket of 3, one a second. */
#define CLIENT_NOT_HERE_BURST 3

enum client_state {
	CLIENT_HTTP,
	CLIENT_LOGIN,
	CLIENT_ADMISSION,
	CLIENT_RUNNING,
	CLIENT_CLOSING,
	CLIENT_ENDED,
};

/* A destination that was looked up, good while the table's shard is as it
 * was. */
struct route {
	struct derp_key dst;
	struct conn_addr addr;
	uint64_t version;
	bool known; /* it knows that it has heard from us */
	bool used;
};

struct client {
	/* identity, immutable after creation */
	struct worker *worker; /* borrowed */
	struct conn_addr addr;
	struct netaddr remote;
	bool on_http_port; /* came in on -http-port */

	struct stream stream;
	enum client_state state;
	bool secure_seen;            /* the TLS handshake is over */
	struct derp_key key;         /* from ADMISSION on */
	struct derp_session session; /* from LOGIN to RUNNING */
	struct peer *peer;           /* while RUNNING */
	struct loop_timer timer;     /* deadline of the state; keep-alive while
					RUNNING */
	struct loop_timer write_timer; /* set while the socket takes nothing */

	/* input that is no whole frame or head yet, owned */
	uint8_t *rest;
	uint32_t rest_len;
	bool rest_before_login; /* it counts for those who are not logged in */
	uint32_t skip; /* payload bytes of an ignored frame still to come */

	struct outq out;
	struct route routes[CLIENT_ROUTES];
	uint8_t last_route;

	bool home;         /* NotePreferred */
	bool pong_pending; /* a Pong waits for the flush */
	bool in_login_queue;
	bool served; /* an HTTP request was answered */
	bool broken; /* nothing that is sent now would arrive */
	uint16_t login_reads;
	uint32_t unsent_counted; /* bytes of it in worker->unsent_bytes */
	uint8_t not_here_left;   /* tokens */
	uint32_t keep_alive_ms;
	uint64_t not_here_ms; /* when a token was last added */
	/* whether it is high-rate, see input.c */
	uint32_t window_packets; /* that it has sent since window_ms */
	uint64_t window_ms;      /* when the window began */
	struct client *next_login, *prev_login;
	struct client *next_ended;
};

/* A connection that was just accepted; takes the descriptor. */
void client_accept(struct worker *worker, int fd, const struct netaddr *remote,
    bool on_http_port);

/* Its turn in the line for logins has come. */
void client_take_turn(struct client *c);

/* Ends it now: closes the socket, tells those who heard from it. `reason` is
 * logged at debug level; NULL: nothing to say. Idempotent. */
void client_end(struct client *c, const char *reason);
/* The same for what the client did, or would cost: says so in the log, in a
 * line that is limited as strangers cause it, and counts a failed login. */
__attribute__((format(printf, 2, 3))) void client_fail(
    struct client *c, const char *fmt, ...);
/* Only the line: "what ADDRESS: why". */
void client_log_failure(struct client *c, const char *what, const char *why);

/* Sends bytes that are not DERP frames (HTTP answers, ServerKey). */
void client_write(struct client *c, struct slice bytes);
/* Gives it time for another HTTP request. */
void client_next_request(struct client *c);
/* Says goodbye after what was written, and waits for the peer to close. */
void client_finish(struct client *c);

/* HTTP is over: DERP begins. `head` is the HTTP answer to send before
 * ServerKey, or empty (fast start). */
void client_begin_derp(struct client *c, struct slice head);

/* Reads nothing more until admission answers or its time is up. */
void client_park(struct client *c);
/* The answer of admission: it runs from here on, or ends. */
void client_admitted(struct client *c, bool allow, const char *reason);
/* Goes on reading after it was parked, with what came behind ClientInfo. */
void client_resume(struct client *c);

/* After a flush: arms or clears the write time-out. */
void client_flushed(struct client *c);
/* Bytes that wait for it to read: what counts against -queue-bytes-total. */
size_t client_holds(const struct client *c);
/* Frees it; called by the worker at the end of the turn. */
void client_free(struct client *c);

#endif
