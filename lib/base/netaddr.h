/*
 * netaddr: IP addresses and ports as values.
 *
 * IPv4 is kept as ::ffff:a.b.c.d with a flag, because PeerPresent wants it so.
 * Parsing is Go's netip.ParseAddr: no leading zeros, no blanks, no brackets.
 * Threads: plain values.
 */
#ifndef DERPKIT_NETADDR_H
#define DERPKIT_NETADDR_H

#include "bytes.h"

#include <sys/socket.h>

struct netaddr {
	uint8_t ip[16]; /* network order; IPv4 as ::ffff:a.b.c.d */
	uint16_t port;  /* host order */
	bool is_v4;     /* false for a literal ::ffff:a.b.c.d */
	bool is_set;    /* false: no address (the wildcard of a listener) */
};

#define NETADDR_TEXT 64 /* bytes that any formatted address fits in */

/* Parses an IP address without a port and without a zone. -1 otherwise. */
int netaddr_parse_ip(struct netaddr *a, struct slice text);

/*
 * Parses a listen address: "ip:port", "[ip6]:port" or ":port" (then is_set is
 * false). The port is a number or one of "http", "https". -1 otherwise.
 */
int netaddr_parse_listen(struct netaddr *a, struct slice text);

/* "192.0.2.1" or "2001:db8::1". */
void netaddr_format_ip(const struct netaddr *a, char out[static NETADDR_TEXT]);

/* "192.0.2.1:80" or "[2001:db8::1]:80"; ":80" when unset. */
void netaddr_format(const struct netaddr *a, char out[static NETADDR_TEXT]);

/* From what accept and recvfrom give; v4-mapped peers of a dual-stack socket
 * become IPv4. Unset for other families. */
void netaddr_from_sockaddr(struct netaddr *a, const struct sockaddr_storage *s);

/* From 16 bytes as protocols carry them; v4-mapped ones become IPv4. */
void netaddr_from_ip16(
    struct netaddr *a, const uint8_t ip[static 16], uint16_t port);

/* To a sockaddr; an unset address becomes the IPv6 wildcard. Returns its
 * length in bytes. */
socklen_t netaddr_to_sockaddr(
    const struct netaddr *a, struct sockaddr_storage *s);

/* Whether the address lies in the prefix, given as "10.0.0.0/8"; families
 * must be the same. The prefix is a constant of ours: a bad one is an assert.
 */
bool netaddr_in(const struct netaddr *a, const char *prefix);
/* A prefix that costs nothing to compare with. */
struct netaddr_prefix {
	uint8_t ip[16]; /* as in struct netaddr */
	uint8_t bits;   /* of ip: 96 more than of the IPv4 prefix */
	bool is_v4;
	const char *text; /* of the initialisers below; else NULL */
};

/* Parses "10.0.0.0/8" or "2001:db8::/32". -1 otherwise. */
int netaddr_parse_prefix(struct netaddr_prefix *p, struct slice text);

/* Initialisers: of an IPv4 prefix, and of an IPv6 one by its first bytes. */
#define NETADDR_PREFIX4(a, b, c, d, length)                                \
	{                                                                  \
		.ip = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, \
			d },                                               \
		.bits = 96 + (length), .is_v4 = true,                      \
		.text = #a "." #b "." #c "." #d "/" #length                \
	}
#define NETADDR_PREFIX6(length, shown, ...)                            \
	{                                                              \
		.ip = { __VA_ARGS__ }, .bits = (length), .text = shown \
	}

/* Whether the address is in it; families must be the same, and an unset address
 * is in none. */
bool netaddr_in_prefix(
    const struct netaddr *a, const struct netaddr_prefix *prefix);

/* Whether only this machine can reach it. An unset one is the wildcard. */
bool netaddr_is_loopback(const struct netaddr *a);

#endif
