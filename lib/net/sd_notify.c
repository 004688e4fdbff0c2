/* sd_notify: see sd_notify.h. */
#include "sd_notify.h"

#include "num.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* Longer than a service manager needs to read what others have sent. */
#define SEND_TIMEOUT_S 5

/* A path, or the name of an abstract socket after an "@". */
static int
set_address(struct sd_notify *n, const char *path, struct fail *why)
{
	const size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || len < 2 ||
	    len >= sizeof n->to.sun_path)
		return fail_set(why,
		    "NOTIFY_SOCKET: \"%s\" is not the path or abstract name "
		    "of a unix socket",
		    path);
	n->to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(n->to.sun_path, path, len);
	if (path[0] == '@')
		n->to.sun_path[0] = '\0';
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
	    (path[0] == '/'));
	return 0;
}

/* For another process than this one it is none of our business. */
static int
read_watchdog(
    struct sd_notify *n, char *(*env)(const char *name), struct fail *why)
{
	const char *usec = env("WATCHDOG_USEC"), *pid = env("WATCHDOG_PID");
	int64_t us, id;

	if (usec == NULL || usec[0] == '\0')
		return 0;
	if (num_parse_int(slice_str(usec), 1, INT64_MAX, &us) == -1)
		return fail_set(why,
		    "WATCHDOG_USEC: \"%s\" is not a number of microseconds",
		    usec);
	if (pid != NULL && pid[0] != '\0' &&
	    num_parse_int(slice_str(pid), 1, INT32_MAX, &id) == -1)
		return fail_set(
		    why, "WATCHDOG_PID: \"%s\" is not a process id", pid);
	if (pid == NULL || pid[0] == '\0' || id == getpid())
		n->watchdog_us = (uint64_t)us;
	return 0;
}

static int
open_socket(struct sd_notify *n, struct fail *why)
{
	const struct timeval timeout = { .tv_sec = SEND_TIMEOUT_S };

	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->fd == -1)
		return fail_errno(why, "NOTIFY_SOCKET");
	n->used = true;
	(void)setsockopt(
	    n->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
	return 0;
}

int
sd_notify_open(
    struct sd_notify *n, char *(*env)(const char *name), struct fail *why)
{
	const char *path = env("NOTIFY_SOCKET");

	*n = (struct sd_notify){ .used = false };
	if (path == NULL || path[0] == '\0')
		return 0;
	if (set_address(n, path, why) == -1 || read_watchdog(n, env, why) == -1)
		return -1;
	return open_socket(n, why);
}

int
sd_notify_send(const struct sd_notify *n, const char *fmt, ...)
{
	char text[SD_NOTIFY_MESSAGE_MAX];
	va_list args;
	size_t len;
	int wanted;

	if (!n->used)
		return 0;
	va_start(args, fmt);
	wanted = vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (wanted < 0)
		return -1;
	len = (size_t)wanted < sizeof text ? (size_t)wanted : sizeof text - 1;
	return sendto(n->fd, text, len, MSG_NOSIGNAL,
		   (const struct sockaddr *)&n->to, n->to_len) == -1
	    ? -1
	    : 0;
}

void
sd_notify_close(struct sd_notify *n)
{
	if (n->used)
		close(n->fd);
	n->used = false;
}
