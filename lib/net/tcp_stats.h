/*
 * tcp_stats: what the kernel counts of a TCP connection.
 *
 * It counts anyway, so that nobody has to on the way of each packet; asking is
 * a system call. Threads: any. Source: tcp(7), linux/tcp.h.
 */
#ifndef DERPKIT_TCP_STATS_H
#define DERPKIT_TCP_STATS_H

#include <stdint.h>

struct tcp_stats {
	uint64_t received_bytes; /* with those of TLS and HTTP */
	uint64_t acked_bytes;    /* the same, sent and acknowledged */
	uint32_t rtt_us;         /* smoothed; 0: not measured yet */
};

/* Reads them of a connected socket, or one that was. -1 when that cannot be, as
 * of another kind of socket; *stats is zero then. */
int tcp_stats_read(int fd, struct tcp_stats *stats);

#endif
