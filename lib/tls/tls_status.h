/*
 * tls_status: how a TLS connection is after input.
 *
 * Threads: plain values.
 */
#ifndef DERPKIT_TLS_STATUS_H
#define DERPKIT_TLS_STATUS_H

enum tls_status {
	TLS_OPEN,   /* fine; more input may bring more */
	TLS_EOF,    /* the peer sent close_notify: a clean end */
	TLS_BROKEN, /* the reason is told; send what is in wire, then close */
	TLS_NO_MEMORY, /* this connection must be closed */
};

#endif
