/*
 * ip_limit: how many connections each IPv4 address, or IPv6 /64, has open.
 *
 * Small tables that all workers share, touched when a connection comes and goes
 * and never in between. Life: ip_limit_new -> ip_limit_enter / ip_limit_leave
 * -> ip_limit_free. Threads: any; locked inside.
 */
#ifndef DERPKIT_IP_LIMIT_H
#define DERPKIT_IP_LIMIT_H

#include "keytable.h"
#include "netaddr.h"

struct ip_limit;

/* What counts as one address: an IPv4 address or the /64 of an IPv6 address. */
void ip_limit_key(uint8_t key[static KEYTABLE_KEY], const struct netaddr *from);

/* At most `total` connections in all and `each` from one address. Returns
 * owned; NULL when memory is short. */
struct ip_limit *ip_limit_new(size_t total, size_t each);
void ip_limit_free(struct ip_limit *s);

enum ip_limit_result {
	IP_LIMIT_ENTERED,
	IP_LIMIT_TOTAL,   /* too many in all */
	IP_LIMIT_ADDRESS, /* too many from this address, or memory is short */
};

/* Counts a connection in, unless a limit refuses it. */
enum ip_limit_result ip_limit_enter(
    struct ip_limit *s, const struct netaddr *from);
void ip_limit_leave(struct ip_limit *s, const struct netaddr *from);

/* Connections counted in now, and in *most the most at once since this was last
 * asked. */
size_t ip_limit_open(struct ip_limit *s, size_t *most);

#endif
