/*
 * sd_listen: sockets that the service manager has opened for the program
 * (socket activation).
 *
 * They are descriptors 3 and following; the variables LISTEN_FDS, LISTEN_PID
 * and LISTEN_FDNAMES tell how many, for which process, and the name that each
 * has by FileDescriptorName= in its .socket unit. The descriptors stay open
 * until the program ends: whoever listens on one takes a duplicate. Threads:
 * start-up. Source: systemd 252, sd_listen_fds(3).
 */
#ifndef DERPKIT_SD_LISTEN_H
#define DERPKIT_SD_LISTEN_H

#include "listener.h"

#include <sys/un.h>

#define SD_LISTEN_FIRST 3 /* the first descriptor */
#define SD_LISTEN_MAX 16
#define SD_LISTEN_NAME_MAX 64 /* bytes, with NUL; longer names are cut */

struct sd_listen_socket {
	int fd;
	char name[SD_LISTEN_NAME_MAX]; /* "unknown" where none is told */
	int family;                    /* AF_INET, AF_INET6, AF_UNIX, ... */
	int type;                      /* SOCK_STREAM, SOCK_DGRAM, ... */
	bool listens;
	struct netaddr addr; /* as bound; unset for the wildcard */
	/* of AF_UNIX; "" where it has none in the file system */
	char path[sizeof((struct sockaddr_un *)NULL)->sun_path + 1];
};

struct sd_listen {
	struct sd_listen_socket v[SD_LISTEN_MAX];
	size_t count;
};

/* Takes what was given to this process: often nothing. getenv is injected. -1
 * and the reason when the variables say what is not so. */
int sd_listen_take(
    struct sd_listen *l, char *(*env)(const char *name), struct fail *why);

/* Whether it is a listening stream socket, or a bound datagram socket, of
 * family IPv4 or IPv6, or of AF_UNIX where `unix_too`. -1 and the reason. */
int sd_listen_check(const struct sd_listen_socket *s, enum listener_kind kind,
    bool unix_too, struct fail *why);

/* A duplicate, owned by the caller; -1 and the reason. */
int sd_listen_share(int fd, struct fail *why);

#endif
