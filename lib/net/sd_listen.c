/* sd_listen: see sd_listen.h. */
#include "sd_listen.h"

#include "num.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
option(int fd, int name, int *value)
{
	socklen_t len = sizeof *value;

	return getsockopt(fd, SOL_SOCKET, name, value, &len);
}

/* The wildcard address is one that is not set. */
static void
read_address(struct sd_listen_socket *s)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof sa;
	static const uint8_t any[16];

	if (getsockname(s->fd, (struct sockaddr *)&sa, &len) == -1)
		return;
	if (sa.ss_family == AF_UNIX)
		snprintf(s->path, sizeof s->path, "%.*s",
		    (int)sizeof((struct sockaddr_un *)&sa)->sun_path,
		    ((struct sockaddr_un *)&sa)->sun_path);
	netaddr_from_sockaddr(&s->addr, &sa);
	if (s->family == AF_INET6 && memcmp(s->addr.ip, any, sizeof any) == 0)
		s->addr.is_set = false;
}

static int
take_socket(
    struct sd_listen_socket *s, int fd, struct slice name, struct fail *why)
{
	const int flags = fcntl(fd, F_GETFL);
	int listens = 0;

	*s = (struct sd_listen_socket){ .fd = fd };
	snprintf(
	    s->name, sizeof s->name, "%.*s", (int)name.n, (const char *)name.p);
	if (flags == -1 || option(fd, SO_DOMAIN, &s->family) == -1 ||
	    option(fd, SO_TYPE, &s->type) == -1)
		return fail_errno(
		    why, "socket activation: descriptor %d (%s)", fd, s->name);
	s->listens = option(fd, SO_ACCEPTCONN, &listens) == 0 && listens != 0;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return fail_errno(
		    why, "socket activation: descriptor %d (%s)", fd, s->name);
	read_address(s);
	return 0;
}

/* How many there are for this process; -1 and the reason. */
static int
count_of(char *(*env)(const char *name), struct fail *why)
{
	const char *fds = env("LISTEN_FDS"), *pid = env("LISTEN_PID");
	int64_t count, id;

	if (fds == NULL || pid == NULL)
		return 0;
	if (num_parse_int(slice_str(pid), 1, INT32_MAX, &id) == -1)
		return fail_set(
		    why, "LISTEN_PID: \"%s\" is not a process id", pid);
	if (id != getpid())
		return 0;
	if (num_parse_int(slice_str(fds), 0, SD_LISTEN_MAX, &count) == -1)
		return fail_set(why,
		    "LISTEN_FDS: \"%s\" is not a number from 0 to %d", fds,
		    SD_LISTEN_MAX);
	return (int)count;
}

int
sd_listen_take(
    struct sd_listen *l, char *(*env)(const char *name), struct fail *why)
{
	const char *names = env("LISTEN_FDNAMES");
	struct slice name, rest = slice_str(names != NULL ? names : "");
	const int count = count_of(env, why);

	l->count = 0;
	if (count == -1)
		return -1;
	for (int i = 0; i < count; i++) {
		(void)slice_cut(rest, ':', &name, &rest);
		if (name.n == 0)
			name = slice_str("unknown");
		if (take_socket(
			&l->v[l->count], SD_LISTEN_FIRST + i, name, why) == -1)
			return -1;
		l->count++;
	}
	return 0;
}

int
sd_listen_check(const struct sd_listen_socket *s, enum listener_kind kind,
    bool unix_too, struct fail *why)
{
	const bool is_ip = s->family == AF_INET || s->family == AF_INET6;

	if (!is_ip && !(unix_too && s->family == AF_UNIX))
		return fail_set(why,
		    "socket activation: descriptor %d (%s) is not a socket of "
		    "IPv4 %s",
		    s->fd, s->name, unix_too ? ", IPv6 or AF_UNIX" : "or IPv6");
	if (kind == LISTENER_UDP && s->type != SOCK_DGRAM)
		return fail_set(why,
		    "socket activation: descriptor %d (%s) is not a UDP "
		    "socket: use ListenDatagram= in its .socket unit",
		    s->fd, s->name);
	if (kind == LISTENER_TCP && (s->type != SOCK_STREAM || !s->listens))
		return fail_set(why,
		    "socket activation: descriptor %d (%s) is not a listening "
		    "stream socket: use ListenStream= and Accept=no in its "
		    ".socket unit",
		    s->fd, s->name);
	return 0;
}

int
sd_listen_share(int fd, struct fail *why)
{
	const int copy = fcntl(fd, F_DUPFD_CLOEXEC, SD_LISTEN_FIRST);

	if (copy == -1)
		fail_errno(why, "socket activation: descriptor %d", fd);
	return copy;
}
