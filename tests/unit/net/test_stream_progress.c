/* stream: what the peer has acknowledged, over real TCP. */
#include "check.h"
#include "stream.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* Both ends of a TCP connection over loopback, small buffers. */
static void
tcp_pair(int fds[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	const int size = 1;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	check_int(
	    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
	check_int(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
	check_int(listen(listener, 1), 0);
	check_int(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	check_int(connect(fds[0], (struct sockaddr *)&at, sizeof at), 0);
	fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	check(fds[1] != -1);
	close(listener);
}

/* Acknowledgements come by themselves, but not at once. */
static bool
progresses_soon(struct stream *s)
{
	for (int ms = 0; ms < 10000; ms++) {
		if (stream_acked_progress(s))
			return true;
		usleep(1000);
	}
	return false;
}

/* Reads all there is; what was on its way is acknowledged by then. */
static void
drain(int fd)
{
	uint8_t bytes[4096];

	for (int quiet = 0; quiet < 100; quiet++) {
		while (read(fd, bytes, sizeof bytes) > 0)
			quiet = 0;
		usleep(1000);
	}
}

/* Progress is what the peer takes, not what the socket takes. */
static void
stream_progress_is_what_the_peer_acknowledged(void **state)
{
	struct loop *loop = loop_new(NULL);
	struct stream_scratch *scratch = stream_scratch_new();
	uint8_t bytes[4096] = { 0 };
	size_t taken = sizeof bytes;
	struct stream s;
	int fds[2];

	(void)state;
	tcp_pair(fds);
	check_int(stream_open(&s, loop, scratch, fds[0], NULL), 0);
	check(!stream_acked_progress(&s));
	while (taken == sizeof bytes)
		check_int(
		    stream_send(&s, slice_of(bytes, sizeof bytes), &taken), 0);
	/* the peer's system has taken what its buffer holds */
	check(progresses_soon(&s));
	usleep(300000);
	(void)stream_acked_progress(&s);
	usleep(300000);
	check(!stream_acked_progress(&s));
	/* it reads, and nothing is sent meanwhile */
	drain(fds[1]);
	check(stream_acked_progress(&s));
	drain(fds[1]);
	check(!stream_acked_progress(&s));
	close(fds[1]);
	stream_close(&s);
	stream_scratch_free(scratch);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_progress_is_what_the_peer_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
