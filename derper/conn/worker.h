/*
 * worker: one event loop of the relay and all that belongs to it.
 *
 * A worker owns its loop, its listening sockets, its connections and the memory
 * that one turn works in. Packets of a turn stay where they were read; what a
 * destination gets is a list of runs (frames that lie behind each other) in
 * that memory. At the end of the turn every destination is flushed once and
 * the memory is free for the next turn.
 *
 * Threads: loop-owned, but for what is said to be otherwise. Life: worker_new
 * -> worker_run (a thread) -> worker_free.
 */
#ifndef DERPKIT_WORKER_H
#define DERPKIT_WORKER_H

#include "counters.h"
#include "crossing.h"
#include "listener.h"
#include "log.h"
#include "mailbox.h"
#include "registry.h"
#include "server.h"
#include "stream.h"
#include "stun_server.h"

struct client;

/* Bytes that may be read in one turn before what was read is flushed: a few
 * chunks batch well and still fit a second-level cache. */
#define WORKER_ARENA (STREAM_READ_ROOM * 4 + DERP_MAX_FRAME)
/* Input that is not whole yet, all connections of a worker together, bytes:
 * every client may leave part of a frame. Strangers, whose logins may be up to
 * 256 KiB, have a share of their own, so that they cannot use up that of those
 * who are logged in. */
#define WORKER_SAVED_CLIENTS_MAX ((size_t)256 << 20)
#define WORKER_SAVED_BEFORE_LOGIN_MAX ((size_t)64 << 20)
/* Handshakes and logins handled in one turn: each costs as much as hundreds of
 * packets, and packets wait for the turn to end. */
#define WORKER_LOGINS_PER_TURN 2

struct slot {
	struct client *client; /* NULL: free */
	uint64_t generation;
	uint32_t next_free;
};

struct worker {
	struct server *server;       /* immutable, shared */
	const struct config *config; /* immutable, shared */
	unsigned index;              /* immutable */
	struct loop *loop;
	struct mailbox *mailbox; /* any thread may post */
	struct stream_scratch *scratch;
	struct listener main_listener; /* -a */
	struct listener http_listener; /* -http-port; fd -1 without */
	struct stun_server *stun;      /* NULL without */
	struct tls_context *tls;       /* owned share; NULL: plain HTTP */

	/* connections */
	struct slot *slots;
	uint32_t slot_cap, free_slot; /* UINT32_MAX: none free */
	size_t open;                  /* connections */
	struct client *ended;         /* to be freed at the end of the turn */
	struct client *login_first, *login_last; /* wait for their turn to
						    shake hands or log in */
	unsigned logins_left;                    /* in this turn */

	/* memory of one turn */
	uint8_t *arena;           /* WORKER_ARENA bytes: what was read */
	size_t arena_used;        /* bytes that runs may point into */
	struct chunk *chunks;     /* small things: runs, control frames */
	uint8_t *coalesce;        /* STREAM_CHUNK bytes: short runs made one */
	struct client *dirty;     /* destinations with something to flush */
	struct batch *arrived;    /* batches whose frames are in runs */
	struct crossing crossing; /* to the other workers */

	/* pacing, see worker.c */
	uint64_t rate_since_ms, rate_passed;
	bool rate_high;
	size_t turn_reads, turn_bytes; /* of clients, in this turn */

	bool draining;
	size_t queued_bytes;  /* in the backlogs of all its clients */
	size_t unsent_bytes;  /* kept by their streams for full sockets */
	bool memory_pressure; /* the limit for both was met: see worker.c */
	/* input that is not whole yet, of those who are logged in and of those
	 * who are not */
	size_t saved_clients, saved_before_login;
	struct loop_timer drain_timer;
	struct counters *counters; /* borrowed; written by this worker */
	uint64_t out_of_fds_seen;  /* of the listeners' counts */
	struct log_limit log_login, log_close, log_out_of_fds;
};

/* Makes worker number `index` of the server; opens its sockets. Returns owned.
 */
struct worker *worker_new(
    struct server *server, unsigned index, struct fail *why);
/* Closes all connections. After its thread has ended. */
void worker_free(struct worker *worker);
/* Runs until it is told to stop; for a thread: ctx is the worker. */
void *worker_run(void *ctx);

/* A slot for the client and its address; -1 when memory is short. */
int worker_add_client(
    struct worker *worker, struct client *c, struct conn_addr *addr);
/* Frees the slot at once, the client at the end of the turn. */
void worker_end_client(struct worker *worker, struct client *c);
/* The client at the address; NULL when it is another worker's or has ended. */
struct client *worker_client(struct worker *worker, struct conn_addr addr);

/* Memory until the end of the turn, aligned for anything; NULL when short. */
void *worker_turn_alloc(struct worker *worker, size_t n);

/* Makes sure that n bytes and STREAM_READ_ROOM more are free in the arena,
 * flushing what was read so far if they are not. Where they are. */
uint8_t *worker_read_room(struct worker *worker, size_t n);

/* Puts a client at the end of the line for handshakes. */
void worker_queue_login(struct worker *worker, struct client *c);
void worker_unqueue_login(struct worker *worker, struct client *c);

/* Letters from the main thread (server.c). */
void worker_use_tls(struct worker *worker, struct tls_context *ctx);
void worker_drain(struct worker *worker);

#endif
