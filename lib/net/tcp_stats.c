/* tcp_stats: see tcp_stats.h. */
#include "tcp_stats.h"

#include <linux/tcp.h> /* the C library's has no counts of bytes */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

int
tcp_stats_read(int fd, struct tcp_stats *stats)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof info;

	memset(stats, 0, sizeof *stats);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == -1 ||
	    n < offsetof(struct tcp_info, tcpi_segs_out))
		return -1;
	*stats = (struct tcp_stats){ .received_bytes = info.tcpi_bytes_received,
		.acked_bytes = info.tcpi_bytes_acked,
		.rtt_us = info.tcpi_rtt };
	return 0;
}
