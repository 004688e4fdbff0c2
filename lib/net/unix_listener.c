/* unix_listener: see unix_listener.h. */
#include "unix_listener.h"

#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int
set_path(struct sockaddr_un *sa, const char *path, struct fail *why)
{
	const size_t n = strlen(path);

	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n == 0)
		return fail_set(why, "listen unix: the path is empty");
	if (n >= sizeof sa->sun_path)
		return fail_set(why,
		    "listen unix %s: the path is longer than %zu bytes", path,
		    sizeof sa->sun_path - 1);
	memcpy(sa->sun_path, path, n);
	return 0;
}

/* Whether the file is a socket that nobody listens on. */
static bool
is_left_over(const struct sockaddr_un *sa)
{
	struct stat st;
	bool refused;
	int fd;

	if (lstat(sa->sun_path, &st) == -1 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	refused = connect(fd, (const struct sockaddr *)sa, sizeof *sa) == -1 &&
	    errno == ECONNREFUSED;
	close(fd);
	return refused;
}

/* Nobody can connect between bind and a chmod: there is none. */
static int
bind_with_mode(int fd, const struct sockaddr_un *sa, mode_t mode)
{
	const mode_t old = umask(~mode & 0777);
	const int rc = bind(fd, (const struct sockaddr *)sa, sizeof *sa);

	umask(old);
	return rc;
}

int
unix_listener_open(
    struct unix_listener *l, const char *path, mode_t mode, struct fail *why)
{
	struct sockaddr_un sa;
	int fd;

	*l = (struct unix_listener){ 0 };
	if (set_path(&sa, path, why) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return fail_errno(why, "listen unix %s", path);
	if (is_left_over(&sa))
		(void)unlink(path);
	if (bind_with_mode(fd, &sa, mode) == -1 ||
	    listen(fd, LISTENER_BACKLOG) == -1) {
		fail_errno(why, "listen unix %s", path);
		close(fd);
		return -1;
	}
	*l = (struct unix_listener){ path, filestamp_of(path) };
	return fd;
}

int
unix_listener_try(const char *path, struct fail *why)
{
	char folder[sizeof((struct sockaddr_un *)NULL)->sun_path + 1] = ".";
	const char *slash = strrchr(path, '/');
	struct sockaddr_un sa;
	struct stat st;

	if (set_path(&sa, path, why) == -1)
		return -1;
	if (lstat(path, &st) == 0 && !is_left_over(&sa)) {
		errno = EADDRINUSE;
		return fail_errno(why, "listen unix %s", path);
	}
	if (slash != NULL)
		snprintf(folder, sizeof folder, "%.*s",
		    slash == path ? 1 : (int)(slash - path), path);
	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	return fail_errno(why, "listen unix %s", path);
}

void
unix_listener_remove(struct unix_listener *l)
{
	struct filestamp now;

	if (l->path == NULL)
		return;
	now = filestamp_of(l->path);
	if (filestamp_eq(&now, &l->made))
		(void)unlink(l->path);
	l->path = NULL;
}
