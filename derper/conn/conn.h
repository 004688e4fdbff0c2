/*
 * conn: one accepted connection, whatever it speaks.
 *
 * It owns the descriptor, the stream and the output queue, keeps input that is
 * not whole yet, and knows the deadline of its phase, but not a byte of HTTP or
 * DERP: what it reads goes to its protocol, a table of functions. There is one
 * table per phase (HTTP; DERP login; admission; running); moving on to the next
 * phase is conn_become. Reading is in conn_input.h.
 *
 * Life: conn_new -> conn_become ... -> conn_end, at any moment and from
 * anywhere on the loop; the memory goes at the end of the turn (conn_free), so
 * that who is in the middle of something can look at c->ended. Threads:
 * loop-owned; others hold its address.
 */
#ifndef DERPKIT_CONN_H
#define DERPKIT_CONN_H

#include "conn_addr.h"
#include "login_queue.h"
#include "loop.h"
#include "memory_budget.h"
#include "netaddr.h"
#include "outq.h"
#include "pacing.h"
#include "shed_list.h"
#include "stream.h"

struct conn;
struct tls;
struct websocket;
struct worker;

/* What is done with a connection in one phase. Where NULL is allowed, nothing
 * is done. */
struct conn_protocol {
	/* Whether it may be read from at once; otherwise it waits in the login
	 * queue, as one handshake or login costs as much as hundreds of
	 * packets. */
	bool logged_in;
	/* With logged_in: how much may wait for the peer, and for how long, is
	 * for the protocol to bound. It is neither charged to what clients may
	 * have nor a reason to end. */
	bool is_bounded;
	/* Reads that one message may come in, as each copies what came before
	 * it; 0: any number. */
	uint16_t max_reads;
	/* What is being waited for, as upstream's log lines say it; with
	 * max_reads. */
	const char *awaits;
	/* Handles what is whole of the n bytes at p, which lie in the turn's
	 * memory and may be written to. Returns how many bytes were used; the
	 * rest comes again with more after it. When the phase changes, the
	 * rest goes to the next one at once. */
	size_t (*input)(struct conn *c, uint8_t *p, size_t n);
	/* How many bytes to read at once, as what is not used of them is kept.
	 * NULL: many. */
	size_t (*room)(struct conn *c);
	/* WebSocket took so many bytes off what was read, and so many frames
	 * that had nothing for the protocol; before `input` gets the rest. May
	 * pause or end the connection. NULL: they cost nothing. */
	void (*framing)(struct conn *c, size_t bytes, size_t empty);
	/* The socket has taken all that waited for it. NULL: nothing to do. */
	void (*writable)(struct conn *c);
	/* The deadline (conn_deadline) has passed. */
	void (*timed_out)(struct conn *c);
	/* Nothing more can be read; the connection ends afterwards. `why` is
	 * empty for an ordinary end or reset. NULL: nothing to say. */
	void (*read_ended)(struct conn *c, const char *why);
	/* Logs (and counts) that the connection ends for what its peer did or
	 * would cost. */
	void (*failed)(struct conn *c, const char *why);
	/* The relay shuts down: tells the peer. NULL: nothing to tell. */
	void (*shut_down)(struct conn *c);
	/* It ends: leaves whatever it was registered in. May still send. `why`
	 * is what conn_end was told or `failed` has logged; NULL or empty: an
	 * ordinary end. NULL: nothing to leave. */
	void (*ended)(struct conn *c, const char *why);
	/* Frees c->session, with the connection or before the next phase. NULL:
	 * there is none. */
	void (*free_session)(void *session);
};

/* Why a connection is not read from; any number at a time. */
enum conn_pause {
	CONN_PAUSE_LOGIN_QUEUE = 1, /* waits for its turn */
	CONN_PAUSE_ADMISSION = 2,
	CONN_PAUSE_RATE = 4,   /* is over its rate limit */
	CONN_PAUSE_ANSWER = 8, /* is being answered, which takes a while */
};

/* Bytes that a connection takes before its login, besides what it keeps:
 * itself, its protocol's session, its places in tables. */
#define CONN_LOGIN_BYTES 1024

/* What a connection has until it is logged in. */
struct conn_login {
	struct conn *conn; /* borrowed: it owns this */
	struct login_entry queue;
	bool begins_handshake;       /* and waits with those in the queue */
	struct shed_entry slot;      /* among all that are not logged in */
	struct shed_entry handshake; /* among the TLS handshakes in progress */
	struct memory_share share;   /* of all that the connection holds */
};

struct saved_input;

struct conn {
	/* identity, immutable after creation */
	struct worker *worker; /* borrowed */
	struct conn_addr addr;
	struct netaddr remote;

	/* small fields of the groups below, where they take no room */
	uint16_t reads;  /* in this phase, with max_reads */
	uint8_t paused;  /* enum conn_pause bits */
	uint8_t stalled; /* write time-outs in a row without progress */
	uint8_t closing; /* CONN_CLOSING_MS that passed after conn_finish */

	/* phase */
	const struct conn_protocol *protocol;
	void *session;           /* the protocol's */
	struct loop_timer timer; /* deadline of the phase */

	/* input */
	struct stream stream;
	struct websocket *websocket; /* owned; NULL: it speaks none */
	struct saved_input *saved;   /* owned: what is not whole yet; or NULL */
	union {
		struct conn_login *login;  /* owned; until it is logged in */
		struct pacing_client pace; /* from then on */
	};

	/* output */
	struct outq out;
	struct loop_timer *write_timer; /* owned; NULL: socket is not full */
	uint32_t unsent; /* of the stream, as counted after the login */

	/* state */
	bool broken;      /* nothing that is sent now would arrive */
	bool half_closed; /* says nothing more, wants to hear nothing */
	bool ended;
	bool dirty;       /* in the worker's list of the dirty */
	bool outgoing;    /* we connected: it counts for no address */
	bool untrusted;   /* immutable: `remote` is not known to be the
			   * client's own: no rights (proxy_wait.h) */
	bool patient;     /* gets time to take bytes, see conn_be_patient */
	uint32_t since_s; /* by the loop: when it was accepted; immutable */
	struct conn *next_dirty, *next_ended;
};

/* After conn_finish: deadline for the peer to close once it has been sent
 * everything. */
#define CONN_CLOSING_MS 2000
/* How many times that it may take to receive the rest, as long as it is seen to
 * (CONN_STALLED_MAX): five minutes in all. */
#define CONN_CLOSING_MAX 150
/* Write time-outs in a row without an acknowledgement after which a connection
 * ends. More than one, because a slow receiver opens its window in steps: of a
 * sixteenth of its buffer on Linux, for which one that reads 4 KiB/s needs some
 * seconds. */
#define CONN_STALLED_MAX 4

/* The same in a row of a patient connection: half a minute and more, as it has
 * the packets of many clients to take. */
#define CONN_PATIENT_MS 7500

/* A connection of the worker; takes fd and tls (NULL: plain), also on failure.
 * NULL when memory is short. */
struct conn *conn_new(struct worker *worker, int fd, struct tls *tls,
    const struct netaddr *remote);

/* The connection is between two relays: its peer gets CONN_PATIENT_MS at least
 * to take bytes, where there is a limit, and more of them may wait for it. What
 * is queued already stays queued. */
void conn_be_patient(struct conn *c);
/* It was made by connecting from here, and not accepted. */
void conn_be_outgoing(struct conn *c);

/* Its address where that gives rights; NULL: it does not. Borrowed. */
const struct netaddr *conn_trusted_remote(const struct conn *c);

/* Begins a phase, or hands the session of the one before on: when the session
 * is another one, the earlier is freed. */
void conn_become(
    struct conn *c, const struct conn_protocol *protocol, void *session);
/* Whether the phase is one of those after the login. */
bool conn_logged_in(const struct conn *c);
/* Sets the deadline of the phase, in ms from now. Ends the connection when
 * memory is short. */
void conn_deadline(struct conn *c, uint64_t after_ms);

/* Stops reading for the reason, or no longer for it. */
void conn_pause(struct conn *c, enum conn_pause reason);
void conn_resume(struct conn *c, enum conn_pause reason);
/* What is kept; an empty slice when nothing is. Borrowed until conn_save. */
struct slice conn_saved(const struct conn *c);
/* Keeps bytes until more of them come, instead of what was kept before. -1
 * when memory is short. */
int conn_save(struct conn *c, struct slice bytes);
/* Keeps account of what it holds, after something was read or sent. */
void conn_account(struct conn *c);
/* It is not in a TLS handshake any more, which counts if it is complete. Before
 * the login. */
void conn_leave_handshake(struct conn *c);
/* Whose share that is, of what a group of the worker's budget holds. */
struct conn *conn_of_share(enum memory_group group, struct memory_share *share);

/* Queues `count` frames for the end of the turn, see outq.h. */
void conn_send(struct conn *c, enum outq_class class, uint8_t *frames,
    size_t len, unsigned count);
/* The same for a copy of a control frame; ends the connection when memory is
 * short. */
void conn_send_control(struct conn *c, struct slice frame, bool mark);
/* Sends bytes that are not frames at once, see outq_write; nothing may be
 * queued. How much the peer may leave unread is the protocol's to say. */
void conn_write(struct conn *c, struct slice bytes);
/* The same for bytes that are to be sent as they are, whatever frames what the
 * connection sends. */
void conn_write_raw(struct conn *c, struct slice bytes);
/* Sends what is queued, and keeps account of what remains. */
void conn_flush(struct conn *c);
/* The same for all connections of the worker that have something to send; the
 * turn's memory is free afterwards. */
void conn_flush_all(struct worker *worker);
/* Ends its direction after what was written, however slowly the peer takes that
 * (CONN_CLOSING_MAX), and waits for it to close. What is queued, or comes to
 * be, is dropped. */
void conn_finish(struct conn *c);
/* Ends it now. `reason` is logged at debug level; NULL: nothing to say.
 * Idempotent. */
void conn_end(struct conn *c, const char *reason);
/* The same with nothing logged here. */
void conn_end_unlogged(struct conn *c, const char *why);
/* The same for what the peer did or would cost: the protocol logs it. */
__attribute__((format(printf, 2, 3))) void conn_fail(
    struct conn *c, const char *fmt, ...);
/* Logs "what ADDRESS: why", in a line that is limited, as anybody can cause
 * it. */
void conn_log(struct conn *c, const char *what, const char *why);
/* Frees those that have ended; at the end of the turn. */
void conn_free_ended(struct worker *worker);

#endif
