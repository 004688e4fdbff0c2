/* descriptors: see descriptors.h. */
#include "descriptors.h"

#include "control.h"
#include "log.h"
#include "proxy_wait.h"
#include "tunnel.h"
#include "tunnel_dial.h"

#include <string.h>
#include <sys/resource.h>

/* Of one worker: loop, mailbox, timers, listening sockets, STUN, the
 * descriptor that accepting holds back, and accepted sockets that are refused
 * in the same turn. */
#define PER_WORKER 32
/* Standard streams, log, libraries, files that reload opens, and two for each
 * of the questions that verification asks at once: socket and name service. */
#define SHARED 96
/* The status's loop, and the connections to its control socket. */
#define STATUS (8 + CONTROL_CONNECTIONS_MAX)
/* The question whether a URL answers, at start: socket, name service, files. */
#define URL_CHECK 4
/* Of a link of a mesh while it connects: the socket twice, root certificates;
 * or before that the name service. */
#define PER_LINK 4
/* Of a tunnel: the socket to its target. Of one that connects: two of the name
 * service, which may be at it when nobody waits any more, or a socket. */
#define PER_TUNNEL 1
#define PER_TUNNEL_DIAL 3

static uint64_t
links_of(const struct config *config)
{
	const char *at = config->mesh_with;
	uint64_t links = at[0] != '\0';

	while ((at = strchr(at, ',')) != NULL) {
		at++;
		links++;
	}
	return links;
}

/* Connections that wait for their PROXY header, which are none yet. */
static uint64_t
proxy_waits_of(const struct config *config)
{
	const uint64_t ports =
	    config->use_tls && config->http_port >= 0 ? 2 : 1;

	if (config->proxy_from_count == 0)
		return 0;
	return (uint64_t)config->workers * ports * PROXY_WAITS_MAX;
}

static uint64_t
tunnels_of(const struct config *config)
{
	return config->ace
	    ? (uint64_t)config->workers * TUNNEL_MAX * PER_TUNNEL +
		TUNNEL_DIALS_MAX * PER_TUNNEL_DIAL
	    : 0;
}

uint64_t
descriptors_needed(const struct config *config)
{
	return (uint64_t)config->max_connections +
	    (uint64_t)config->workers * PER_WORKER + SHARED + STATUS +
	    URL_CHECK + links_of(config) * PER_LINK + proxy_waits_of(config) +
	    tunnels_of(config);
}

void
descriptors_raise(const struct config *config)
{
	const uint64_t needed = descriptors_needed(config);
	const uint64_t beside = needed - (uint64_t)config->max_connections;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= needed)
		return;
	log_warn("the limit of open files is %llu, which is enough for %llu "
		 "connections, not for -max-connections %lld: raise it "
		 "(LimitNOFILE=%llu in a systemd unit, ulimit -n)",
	    (unsigned long long)limit.rlim_cur,
	    (unsigned long long)(limit.rlim_cur > beside
		    ? limit.rlim_cur - beside
		    : 0),
	    (long long)config->max_connections, (unsigned long long)needed);
}
