/*
 * ip_limit: how many connections each IPv4 address, or IPv6 /64, has open.
 *
 * One small table for all workers, touched when a connection comes and goes and
 * never in between. Life: ip_limit_new -> ip_limit_enter / ip_limit_leave ->
 * ip_limit_free. Threads: any; locked inside.
 */
#ifndef DERPKIT_IP_LIMIT_H
#define DERPKIT_IP_LIMIT_H

#include "netaddr.h"

struct ip_limit;

/* At most `total` connections in all and `each` from one address. Returns
 * owned; NULL when memory is short. */
struct ip_limit *ip_limit_new(size_t total, size_t each);
void ip_limit_free(struct ip_limit *s);

/* Counts a connection in; false when a limit (or memory) refuses it, which is
 * then not counted. */
bool ip_limit_enter(struct ip_limit *s, const struct netaddr *from);
void ip_limit_leave(struct ip_limit *s, const struct netaddr *from);

/* Connections counted in now, and in *most the most at once since this was last
 * asked. */
size_t ip_limit_open(struct ip_limit *s, size_t *most);

#endif
