/* fake_manager: the socket of a service manager, and what was sent to it. */
#ifndef DERPKIT_FAKE_MANAGER_H
#define DERPKIT_FAKE_MANAGER_H

#include "check.h"
#include "fake_env.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

struct fake_manager {
	int fd;
	char path[64], text[1024];
};

static inline void
fake_manager_open(struct fake_manager *m)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char folder[] = "/tmp/derpkit-notify-XXXXXX";

	check(mkdtemp(folder) != NULL);
	snprintf(m->path, sizeof m->path, "%s/s", folder);
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", m->path);
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	check_int(bind(m->fd, (struct sockaddr *)&sa, sizeof sa), 0);
	fake_env_clear();
	fake_env_set("NOTIFY_SOCKET", m->path);
}

/* The next message, or "". */
static inline const char *
fake_manager_next(struct fake_manager *m)
{
	const ssize_t n = recv(m->fd, m->text, sizeof m->text - 1, 0);

	m->text[n > 0 ? n : 0] = '\0';
	return m->text;
}

static inline void
fake_manager_close(struct fake_manager *m)
{
	close(m->fd);
	unlink(m->path);
	*strrchr(m->path, '/') = '\0';
	rmdir(m->path);
}

#endif
