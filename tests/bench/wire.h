/*
 * wire: one client connection, plain or TLS, as cheap as we can make it.
 *
 * The load generator shares a machine with what it measures, so it must not be
 * the bottleneck: all wires of a thread share one wire_scratch for cipher
 * text, each read is one large recv, each write is one TLS record and one
 * send. Life: wire_dial -> wire_read, wire_write ... -> wire_close. Threads: a
 * wire and its scratch belong to one thread; a wire_config is immutable.
 */
#ifndef DERPKIT_WIRE_H
#define DERPKIT_WIRE_H

#include "bytes.h"
#include "fail.h"
#include "records.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

#define WIRE_CHUNK 65536  /* most bytes of one recv */
#define WIRE_RECORD 16384 /* most plain bytes of one write over TLS */
#define WIRE_READ_ROOM                                           \
	98304 /* room that wire_read wants: a chunk and what the \
		 TLS layer had kept of a record before it */

struct wire_config {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	SSL_CTX *tls;     /* owned; NULL: plain */
	bool own_records; /* OpenSSL shakes hands only, where we can do so */
};

/* A TLS client context that offers what Go clients offer, verifies nothing
 * and resumes nothing. Exits when OpenSSL cannot. Returns owned. */
SSL_CTX *wire_tls_context(void);

/* About 150 kB; one per thread. Returns owned. */
struct wire_scratch;
struct wire_scratch *wire_scratch_new(void);
void wire_scratch_free(struct wire_scratch *scratch);

struct wire {
	int fd;                       /* owned; -1 closed */
	bool tls;                     /* or plain */
	SSL *ssl;                     /* owned; NULL: records carry on */
	struct records *records;      /* owned; NULL: ssl does it all */
	struct wire_scratch *scratch; /* borrowed */
	uint8_t *rest; /* owned: a record not whole, for records */
	size_t rest_len;
	uint8_t *unsent;              /* owned: what the socket did not take */
	size_t unsent_at, unsent_len; /* first byte, one behind the last */
	bool started;                 /* connected */
	bool established;             /* application bytes may be written */
	const char *cipher;           /* static */
};

/*
 * Starts a connection without waiting for it. source picks the loopback
 * address to come from (0: the kernel's choice), so that thousands of
 * reconnects do not run out of ports. -1 and the reason.
 */
int wire_dial(struct wire *w, const struct wire_config *config,
    struct wire_scratch *scratch, uint32_t source, struct fail *why);

enum wire_status {
	WIRE_OK,     /* perhaps something was read */
	WIRE_EMPTY,  /* the socket had nothing */
	WIRE_EOF,    /* the relay has ended the connection */
	WIRE_FAILED, /* *why tells */
};

/* Goes on with the handshake, where there is one: call it when the socket
 * becomes writable for the first time. */
enum wire_status wire_start(struct wire *w, struct fail *why);

/* One recv; appends what is meant for the application. Also goes on with the
 * handshake. */
enum wire_status wire_read(
    struct wire *w, struct writer *plain, struct fail *why);

/* Sends bytes, at most WIRE_RECORD, as one TLS record in one send. All of them
 * are taken; not to be called while wire_blocked. -1: the connection is dead.
 */
int wire_write(struct wire *w, struct slice bytes, struct fail *why);

/* Sends what the socket did not take. -1: the connection is dead. */
int wire_flush(struct wire *w, struct fail *why);

/* Whether bytes wait for the socket. */
bool wire_blocked(const struct wire *w);

/* What was agreed on ("TLS_AES_128_GCM_SHA256"); "" when plain. */
const char *wire_cipher(const struct wire *w);
/* Whether our own records carry the connection. */
bool wire_is_own(const struct wire *w);
/* Whether the socket has not been written to: it is being connected. */
bool wire_is_new(const struct wire *w);

/* Closes and frees. Idempotent. */
void wire_close(struct wire *w);

#endif
