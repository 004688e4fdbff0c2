/*
 * sources: how many connections each IPv4 address, or IPv6 /64, has open.
 *
 * One small table for all cores, touched when a connection comes and goes and
 * never in between. Life: sources_new -> sources_enter / sources_leave ->
 * sources_free. Threads: any; locked inside.
 */
#ifndef DERPKIT_SOURCES_H
#define DERPKIT_SOURCES_H

#include "netaddr.h"

struct sources;

/* At most `total` connections in all and `each` from one address. Returns
 * owned; NULL when memory is short. */
struct sources *sources_new(size_t total, size_t each);
void sources_free(struct sources *s);

/* Counts a connection in; false when a limit (or memory) refuses it, which is
 * then not counted. */
bool sources_enter(struct sources *s, const struct netaddr *from);
void sources_leave(struct sources *s, const struct netaddr *from);

/* Connections counted in now, and in *most the most at once since this was last
 * asked. */
size_t sources_open(struct sources *s, size_t *most);

#endif
