/*
 * tls_sight: how a relay presents itself over TLS, and whether clients take it.
 *
 * Two connections are made: one as a client makes it, and one that takes any
 * certificate, to see what was wrong; a third, without a server name, where
 * none came about. Source: tailscale net/tlsdial/tlsdial.go.
 * Blocking. Threads: pure.
 */
#ifndef DERPKIT_TLS_SIGHT_H
#define DERPKIT_TLS_SIGHT_H

#include "host_names.h"
#include "pin.h"

#define TLS_SIGHT_TEXT 400

enum tls_sight_state {
	TLS_UNTRIED,
	TLS_UNREACHABLE, /* no connection: text tells; the fault may be here */
	TLS_REFUSED,     /* a connection, but clients do not take it */
	TLS_ACCEPTED,
};

struct tls_sight {
	enum tls_sight_state state;
	char text[TLS_SIGHT_TEXT];  /* why not */
	char address[NETADDR_TEXT]; /* that was tried */
	/* the certificate, when one was seen */
	bool has_cert;
	char sha256[PIN_HEX + 1];
	unsigned count; /* certificates, without derper's metacert */
	int64_t not_before_s, not_after_s; /* since 1970 */
	bool has_names;                    /* subject alternative names */
	bool fits;          /* it is valid for the name that clients check */
	bool self_signed;   /* issued by itself */
	bool needs_no_name; /* TLS fails with a server name only: a filter */
};

/* What clients go by. */
struct tls_sight_target {
	const char *hostname;  /* SNI, and the name to check */
	const char *cert_name; /* checked instead, or NULL */
	const char *pin;       /* 64 hex digits, or NULL */
	uint16_t port;
	uint64_t deadline_ms; /* of clock_now_ms, for all of it */
};

/* Tries the addresses in turn until a connection comes about. */
void tls_sight_look(struct tls_sight *s, const struct host_names *names,
    const struct netaddr *addresses, size_t count,
    const struct tls_sight_target *target);

#endif
