/*
 * tls_sight: how a relay presents itself over TLS, and whether clients take it.
 *
 * The connection takes any certificate, which relay_cert.h then judges; another
 * one, without a server name, is made where no TLS came about.
 * Blocking. Threads: pure.
 */
#ifndef DERPKIT_TLS_SIGHT_H
#define DERPKIT_TLS_SIGHT_H

#include "host_names.h"
#include "relay_cert.h"

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
	bool has_cert;
	struct relay_cert_facts cert; /* when it has */
	bool fits;          /* it is valid for the name that clients check */
	bool needs_no_name; /* TLS fails with a server name only: a filter */
};

/* What clients go by. */
struct tls_sight_target {
	const char *hostname;  /* SNI, and the name to check */
	const char *cert_name; /* checked instead, or NULL */
	const char *pin;       /* 64 hex digits, or NULL */
	const struct relay_cert_roots *roots;
	int64_t now_s; /* seconds since 1970 */
	uint16_t port;
	uint64_t deadline_ms; /* of clock_now_ms, for all of it */
};

/* Tries the addresses in turn until a connection comes about. */
void tls_sight_look(struct tls_sight *s, const struct host_names *names,
    const struct netaddr *addresses, size_t count,
    const struct tls_sight_target *target);

#endif
