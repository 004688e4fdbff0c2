/*
 * stream: bytes over one TCP connection, with or without TLS.
 *
 * Nothing above this module knows which. All connections of a loop share one
 * stream_scratch: bytes are received, decrypted, encrypted and sent there, so
 * that an idle connection owns no buffer at all. Only what does not come out
 * even stays with a stream: the front of a record that is not complete yet,
 * and what the socket did not take.
 *
 * There is one send in flight at a time and bytes keep their order: while
 * stream_blocked, nothing may be sent, only kept. Bytes that reading gave rise
 * to (handshake records, alerts, answers to KeyUpdates) may wait as well; as
 * long as they do, nothing is read, so that a peer who does not read either
 * has one such answer kept and not one more.
 *
 * Life: stream_open -> stream_read, stream_send ... -> stream_close. Threads:
 * loop-owned.
 */
#ifndef DERPKIT_STREAM_H
#define DERPKIT_STREAM_H

#include "loop.h"
#include "tls.h"

#define STREAM_CHUNK                                            \
	65536 /* most bytes of one recv or send: measured to be \
		 the cheapest per byte, larger leaves the cache */
/* room that stream_read wants in its writer: all that may be read, and one
 * record more, below which tls_input stops */
#define STREAM_READ_ROOM \
	(STREAM_CHUNK + TLS_RECORD_MAX + TLS_RECORD_CONTENT_MAX)

/* One per loop; about 150 KiB. Returns owned; NULL when memory is short. */
struct stream_scratch;
struct stream_scratch *stream_scratch_new(void);
void stream_scratch_free(struct stream_scratch *scratch);

struct stream {
	struct loop *loop;              /* borrowed */
	struct stream_scratch *scratch; /* borrowed, the loop's */
	struct loop_watch watch;
	struct tls *tls;     /* owned; NULL: plain */
	uint8_t *rest;       /* owned: part of a record, rest_len bytes */
	uint8_t *unsent;     /* owned: not taken by the socket yet */
	uint32_t rest_len;   /* bytes */
	uint32_t unsent_at;  /* first byte not sent */
	uint32_t unsent_len; /* one past the last byte */
	uint32_t sent;       /* bytes that the socket took, modulo 2^32 */
	uint32_t acked;      /* of them, acknowledged when last asked */
	bool reading;        /* wants to be told about input */
	bool answer_unsent;  /* of unsent, some is an answer to input */
	bool rest_asked;     /* stream_stalled was asked about this record */
	bool said_close;     /* close_notify has been made */
};

/*
 * Starts on the connected descriptor; takes it, and tls (NULL: plain), also on
 * failure. ready(ctx, events) is called on the loop: stream_read for
 * LOOP_READ, stream_writable for LOOP_WRITE.
 */
int stream_open(struct stream *s, struct loop *loop,
    struct stream_scratch *scratch, int fd, struct tls *tls);
void stream_on_ready(
    struct stream *s, void (*ready)(void *ctx, unsigned events), void *ctx);

enum stream_status {
	STREAM_OK,    /* something was read (perhaps no application bytes) */
	STREAM_EMPTY, /* nothing there now, or nothing may be read now */
	STREAM_EOF,   /* the peer has ended its direction cleanly */
	STREAM_FAILED /* *why tells, unless it is an ordinary reset */
};

/* Bytes read at once before the handshake is over: those of a client's usual
 * flight, and few enough that handling them is a bounded piece of work, however
 * many records they are. */
#define STREAM_HANDSHAKE_CHUNK 2048

/* Reads once, at most n bytes, nor more than STREAM_CHUNK (before the handshake
 * is over STREAM_HANDSHAKE_CHUNK), and appends
 * what is meant for the application to plain, which has STREAM_READ_ROOM bytes
 * of room. All handshake records among them are handled, and OpenSSL computes
 * for each: a caller that shares its turn with others limits how many
 * connections in a handshake it reads per turn. What stream_unsent and
 * stream_held say has changed afterwards. */
enum stream_status stream_read(
    struct stream *s, size_t n, struct writer *plain, struct fail *why);

/*
 * Sends the front of `bytes`, at most STREAM_CHUNK of them. *taken says how
 * many are off the caller's hands. When fewer than that, or when
 * stream_blocked, the socket is full: pass the tail of what must not be cut to
 * stream_keep, and send no more until stream_writable clears it. Not to be
 * called while blocked or before stream_established. -1: close the connection.
 */
int stream_send(struct stream *s, struct slice bytes, size_t *taken);

/* Keeps a copy of bytes to be sent as soon as the socket takes them, after
 * everything before. -1 when memory is short: close the connection. */
int stream_keep(struct stream *s, struct slice bytes);

/* Sends what was kept. -1: close the connection. */
int stream_writable(struct stream *s);

/* Whether bytes wait for the socket. */
bool stream_blocked(const struct stream *s);
/* Bytes that wait for the socket. */
size_t stream_unsent(const struct stream *s);
/* Bytes that input takes: part of a record, and OpenSSL's objects (tls_held).
 * Changes when something is read. */
size_t stream_held(const struct stream *s);
/* Whether a TLS handshake has begun and is not over. */
bool stream_in_handshake(const struct stream *s);
/* Whether it has been part of one and the same record since this was last
 * asked: who leaves it so for long does so to make us hold it. */
bool stream_stalled(struct stream *s);
/* Whether the peer has acknowledged bytes since this was last asked. It costs a
 * system call: for timers, not for every flush. */
bool stream_acked_progress(struct stream *s);
/* Whether application bytes can be sent: at once, or after the handshake. */
bool stream_established(const struct stream *s);

/* Stops or resumes telling about input. */
void stream_pause(struct stream *s, bool paused);

/* Sends the shutdown (close_notify, FIN) if nothing is waiting. Where the
 * socket does not take it at once, the stream is blocked: to be called again
 * when it is not. */
void stream_shutdown(struct stream *s);
/* Closes and frees. Idempotent. */
void stream_close(struct stream *s);

#endif
