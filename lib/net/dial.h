/*
 * dial: one outgoing connection over TCP or TLS, with time-outs.
 *
 * The certificate is judged as DERP clients judge it: roots, a pin, or not at
 * all. The socket is non-blocking: reads and writes do what they can and say
 * what to wait for. Life: dial_open -> dial_read, dial_write, dial_wait ... ->
 * dial_free. Threads: used by one at a time; connections are independent.
 * Source: tailscale net/tlsdial/tlsdial.go.
 */
#ifndef DERPKIT_DIAL_H
#define DERPKIT_DIAL_H

#include "bytes.h"
#include "fail.h"
#include "netaddr.h"

#include <openssl/x509.h>

struct dial;

enum dial_trust {      /* how the certificate is judged */
	DIAL_ROOTS,    /* chain to ca_file's roots or the system's */
	DIAL_PIN,      /* the one certificate whose SHA-256 is `pin` */
	DIAL_INSECURE, /* not at all */
};

/* What became of a TLS handshake; what came in answer tells some apart. */
enum dial_fault {
	DIAL_FAULT_OTHER,      /* everything else: `why` tells */
	DIAL_FAULT_SILENT,     /* out of time */
	DIAL_FAULT_PLAIN_HTTP, /* an HTTP answer without TLS */
	DIAL_FAULT_NOT_TLS,    /* other bytes that are not TLS records */
	DIAL_FAULT_OLD_TLS,    /* TLS, but no version of ours: older ones */
};

/* Everything is borrowed for the call of dial_open only. */
struct dial_config {
	const char *address; /* what to connect to: IP address or name */
	uint16_t port;
	bool tls;
	const char *hostname;  /* SNI, unless it is an IP address, and what the
				  certificate must be valid for; NULL: address */
	const char *sni;       /* asks for this name instead; "" for none */
	const char *cert_name; /* name checked instead of hostname; or NULL */
	enum dial_trust trust;
	const char *pin;        /* 64 lower-case hex, as after "sha256-raw:" */
	const char *ca_file;    /* PEM roots; NULL: the system's */
	int receive_buffer;     /* SO_RCVBUF in bytes; 0: the system's choice */
	const int *socket;      /* connected (through a proxy, say) and
				   non-blocking, instead of address and port; the
				   descriptor is taken. NULL: connect */
	enum dial_fault *fault; /* set when dial_open fails; or NULL */
};

/* Connects and does the handshake until the deadline of clock_now_ms. NULL and
 * the reason. Resolving a name blocks as long as the system's resolver does.
 * Returns owned. */
struct dial *dial_open(
    const struct dial_config *config, uint64_t deadline_ms, struct fail *why);

/* Closes without ceremony and frees. NULL is fine. */
void dial_free(struct dial *d);

enum dial_io {
	DIAL_DONE,  /* some bytes went */
	DIAL_READ,  /* nothing yet: wait until the socket is readable */
	DIAL_WRITE, /* ... writable */
	DIAL_EOF,   /* the other side has ended */
	DIAL_FAILED,
};

/* Reads at most cap bytes, *got of them. */
enum dial_io dial_read(
    struct dial *d, uint8_t *to, size_t cap, size_t *got, struct fail *why);

/* Writes the front of bytes, *put of them. */
enum dial_io dial_write(
    struct dial *d, struct slice bytes, size_t *put, struct fail *why);

/* Waits for what io (DIAL_READ or DIAL_WRITE) says. False: out of time. */
bool dial_wait(const struct dial *d, enum dial_io io, uint64_t deadline_ms);

/* No more will be written: close_notify and FIN. */
void dial_end(struct dial *d);

/* The socket, to poll; borrowed. */
int dial_fd(const struct dial *d);

/* Takes the socket out of a connection without TLS, which is then good for
 * dial_free only. Returns it, owned. */
int dial_take_fd(struct dial *d);

struct tls;
/* Takes all of a connection in which nothing waits to be read: the socket, and
 * what carries TLS (NULL without), for stream_open. The dial is then good for
 * dial_free only. -1 and the reason. */
int dial_take(struct dial *d, int *fd, struct tls **tls, struct fail *why);

/* A TCP connection alone, non-blocking. Returns the descriptor, owned; -1 with
 * the reason, and in *error its errno (ETIMEDOUT when the deadline of
 * clock_now_ms came). */
int dial_connect(const struct netaddr *to, uint64_t deadline_ms, int *error,
    struct fail *why);

/* "TLSv1.3" and the like, static; "" without TLS. */
const char *dial_tls_version(const struct dial *d);

/* What the server sent, leaf first; NULL without TLS. Borrowed. */
struct stack_st_X509 *dial_chain(const struct dial *d);

#endif
