/*
 * proxy_header: what a load balancer says of the client, before its bytes.
 *
 * Version 1 is a line, version 2 is binary; a receiver knows which by the first
 * byte. Source: HAProxy doc/proxy-protocol.txt, sections 2.1 and 2.2. Threads:
 * pure functions.
 */
#ifndef DERPKIT_PROXY_HEADER_H
#define DERPKIT_PROXY_HEADER_H

#include "bytes.h"
#include "fail.h"
#include "netaddr.h"

#define PROXY_V1_MAX 107 /* bytes of a line, with CRLF */
/* Bytes of a header of version 2 that we take; the addresses are 52, and what
 * follows is not for us. */
#define PROXY_HEADER_MAX 1024

enum proxy_result {
	/* *used bytes are the header */
	PROXY_CLIENT,  /* of a client at *source */
	PROXY_UNKNOWN, /* of a client whose IP address is not told */
	PROXY_LOCAL,   /* the proxy's own connection, a health check say */
	PROXY_MORE,    /* all of it belongs to the header, which goes on */
	PROXY_BAD,     /* *why tells */
};

/* Reads the header at the front of `in`. *source is unset unless it is
 * PROXY_CLIENT. */
enum proxy_result proxy_header_parse(
    struct slice in, struct netaddr *source, size_t *used, struct fail *why);

#endif
