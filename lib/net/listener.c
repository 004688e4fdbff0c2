/* listener: see listener.h. */
#include "listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a socket is bound for. */
enum purpose {
	PURPOSE_PROBE, /* alone on the address, and never listening: whoever
			  connected meanwhile would be reset */
	PURPOSE_SHARE, /* beside those of other workers */
};

/* Binds a new socket; -1 with errno. */
static int
bind_socket(
    const struct netaddr *addr, enum listener_kind kind, enum purpose purpose)
{
	const bool shared = purpose == PURPOSE_SHARE;
	const int on = 1, off = 0;
	int type = kind == LISTENER_TCP ? SOCK_STREAM : SOCK_DGRAM;
	struct sockaddr_storage sa;
	socklen_t len = netaddr_to_sockaddr(addr, &sa);
	int fd = socket(sa.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd == -1 && errno == EAFNOSUPPORT && !addr->is_set) {
		struct netaddr any4 = { .port = addr->port, .is_v4 = true };

		return bind_socket(&any4, kind, purpose);
	}
	if (fd == -1)
		return -1;
	if (!addr->is_set && !addr->is_v4)
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	/* UDP: REUSEADDR would let the exclusive probe succeed on a used port
	 */
	if (kind == LISTENER_TCP)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if ((!shared ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) ==
		    0) &&
	    bind(fd, (struct sockaddr *)&sa, len) == 0 &&
	    (kind == LISTENER_UDP || !shared ||
		listen(fd, LISTENER_BACKLOG) == 0))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int
bind_failed(
    const struct netaddr *addr, enum listener_kind kind, struct fail *why)
{
	const char *hint = "";
	char text[NETADDR_TEXT];

	if (errno == EADDRINUSE)
		hint = " (another relay or program is on this port)";
	else if (errno == EACCES)
		hint = " (ports below 1024 need CAP_NET_BIND_SERVICE)";
	netaddr_format(addr, text);
	return fail_set(why, "listen %s %s: %s%s",
	    kind == LISTENER_TCP ? "tcp" : "udp", text, strerror(errno), hint);
}

int
listener_probe(struct netaddr *addr, enum listener_kind kind, struct fail *why)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	struct netaddr bound;
	int fd = bind_socket(addr, kind, PURPOSE_PROBE);

	if (fd == -1)
		return bind_failed(addr, kind, why);
	if (addr->port == 0 &&
	    getsockname(fd, (struct sockaddr *)&sa, &len) == 0) {
		netaddr_from_sockaddr(&bound, &sa);
		addr->port = bound.port;
	}
	close(fd);
	return 0;
}

int
listener_open(
    const struct netaddr *addr, enum listener_kind kind, struct fail *why)
{
	int fd = bind_socket(addr, kind, PURPOSE_SHARE);

	return fd != -1 ? fd : bind_failed(addr, kind, why);
}

static void
resume(void *ctx)
{
	struct listener *l = ctx;

	loop_rewatch(l->loop, &l->watch, LOOP_READ);
}

/* No pause without a timer that ends it. */
static void
pause_for(struct listener *l, uint64_t ms)
{
	if (loop_timer_set(l->loop, &l->pause, loop_now_ms(l->loop) + ms) == 0)
		loop_rewatch(l->loop, &l->watch, 0);
}

/* Whether the next connection waits in the kernel's queue. */
static bool
must_wait(struct listener *l)
{
	const uint64_t ms = l->wait_ms != NULL ? l->wait_ms(l->ctx) : 0;

	if (ms > 0)
		pause_for(l, ms);
	return ms > 0;
}

static void
accept_ready(void *ctx, unsigned events)
{
	struct listener *l = ctx;
	struct sockaddr_storage sa;
	struct netaddr peer;
	socklen_t len;
	int fd;

	(void)events;
	for (int i = 0; i < LISTENER_ACCEPTS && l->watch.fd != -1; i++) {
		if (must_wait(l))
			return;
		len = sizeof sa;
		fd = accept4(l->watch.fd, (struct sockaddr *)&sa, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1) {
			netaddr_from_sockaddr(&peer, &sa);
			l->accepted(l->ctx, fd, &peer);
			continue;
		}
		if (errno == ECONNABORTED || errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK) {
			l->out_of_fds++;
			pause_for(l, LISTENER_PAUSE_MS);
		}
		return;
	}
}

int
listener_start(struct listener *l, struct loop *loop, int fd)
{
	l->loop = loop;
	l->watch = (struct loop_watch){
		.fd = fd, .events = LOOP_READ, .ready = accept_ready, .ctx = l
	};
	l->pause = (struct loop_timer){ .fire = resume, .ctx = l };
	return loop_watch(loop, &l->watch);
}

void
listener_stop(struct listener *l)
{
	int fd = l->watch.fd;

	if (fd == -1)
		return;
	loop_timer_clear(l->loop, &l->pause);
	loop_unwatch(l->loop, &l->watch);
	close(fd);
}
