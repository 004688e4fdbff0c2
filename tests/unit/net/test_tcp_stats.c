/* tcp_stats: over loopback. */
#include "check.h"

#include "tcp_stats.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* Both ends of a TCP connection. */
static void
connect_pair(int fds[2])
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof addr;
	const int listening = socket(AF_INET, SOCK_STREAM, 0);

	check_int(bind(listening, (struct sockaddr *)&addr, n), 0);
	check_int(listen(listening, 1), 0);
	check_int(getsockname(listening, (struct sockaddr *)&addr, &n), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	check_int(connect(fds[0], (struct sockaddr *)&addr, n), 0);
	fds[1] = accept(listening, NULL, NULL);
	check(fds[1] != -1);
	close(listening);
}

static void
tcp_stats_counts_bytes(void **state)
{
	struct tcp_stats stats;
	char bytes[1000] = { 0 };
	int fds[2];

	(void)state;
	connect_pair(fds);
	check_int(write(fds[0], bytes, sizeof bytes), sizeof bytes);
	for (size_t n = 0; n < sizeof bytes;)
		n += (size_t)read(fds[1], bytes, sizeof bytes);
	check_int(tcp_stats_read(fds[1], &stats), 0);
	check_size(stats.received_bytes, sizeof bytes);
	/* what the peer acknowledged is known when its answer is here */
	check_int(write(fds[1], bytes, 1), 1);
	check_int(read(fds[0], bytes, 1), 1);
	check_int(tcp_stats_read(fds[0], &stats), 0);
	check_size(stats.received_bytes, 1);
	check(stats.acked_bytes >= sizeof bytes);
	check(stats.rtt_us > 0);
	close(fds[0]);
	close(fds[1]);
}

/* When the peer has reset it, the counts are still there. */
static void
tcp_stats_outlives_the_connection(void **state)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	struct tcp_stats stats;
	char byte = 0;
	int fds[2];

	(void)state;
	connect_pair(fds);
	check_int(write(fds[0], &byte, 1), 1);
	check_int(read(fds[1], &byte, 1), 1);
	setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(fds[0]);
	check_int(read(fds[1], &byte, 1), -1);
	check_int(tcp_stats_read(fds[1], &stats), 0);
	check_size(stats.received_bytes, 1);
	close(fds[1]);
}

static void
tcp_stats_fails_for_other_sockets(void **state)
{
	struct tcp_stats stats = { .rtt_us = 7 };
	int fds[2];

	(void)state;
	check_int(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	check_int(tcp_stats_read(fds[0], &stats), -1);
	check_size(stats.rtt_us, 0);
	check_int(tcp_stats_read(-1, &stats), -1);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_stats_counts_bytes),
		cmocka_unit_test(tcp_stats_outlives_the_connection),
		cmocka_unit_test(tcp_stats_fails_for_other_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
