/* tcp_connect: see tcp_connect.h. */
#include "tcp_connect.h"

#include "fd_wait.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

int
tcp_connect_begin(const struct sockaddr *to, socklen_t len, int receive_buffer,
    struct fail *why)
{
	const int on = 1;
	int fd, error;

	fd = socket(
	    to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return fail_errno(why, "socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (receive_buffer > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
		    sizeof receive_buffer);
	if (connect(fd, to, len) == 0 || errno == EINPROGRESS)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	fail_errno(why, "connect");
	errno = error;
	return -1;
}

enum tcp_connect_status
tcp_connect_finish(int fd, uint64_t deadline_ms, int *error)
{
	socklen_t len = sizeof *error;
	const int ready = fd_wait(fd, POLLOUT, deadline_ms);

	if (ready == 0)
		return TCP_CONNECT_WAITS;
	*error = 0;
	if (ready == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, error, &len) == -1)
		*error = errno;
	return *error == 0 ? TCP_CONNECT_DONE : TCP_CONNECT_FAILED;
}

int
tcp_connect_until(const struct sockaddr *to, socklen_t len, int receive_buffer,
    uint64_t deadline_ms, struct fail *why)
{
	const int fd = tcp_connect_begin(to, len, receive_buffer, why);
	int error = ETIMEDOUT;

	if (fd == -1 ||
	    tcp_connect_finish(fd, deadline_ms, &error) == TCP_CONNECT_DONE)
		return fd;
	close(fd);
	errno = error;
	if (error == ETIMEDOUT)
		fail_set(why, "connect: timed out");
	else
		fail_errno(why, "connect");
	errno = error;
	return -1;
}
