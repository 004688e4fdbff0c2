/*
 * sd_notify: tells the service manager how the program is.
 *
 * A message is one or more lines NAME=VALUE, sent as one datagram to the unix
 * socket that the variable NOTIFY_SOCKET names. Without the variable nothing is
 * sent. Life: sd_notify_open -> sd_notify_send ... -> sd_notify_close. Threads:
 * one. Source: systemd 252, sd_notify(3), sd_watchdog_enabled(3).
 */
#ifndef DERPKIT_SD_NOTIFY_H
#define DERPKIT_SD_NOTIFY_H

#include "fail.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SD_NOTIFY_MESSAGE_MAX 512 /* bytes, with NUL */

/* All zero: nobody is told. */
struct sd_notify {
	bool used;
	int fd; /* of a socket, if used */
	struct sockaddr_un to;
	socklen_t to_len;
	/* how often WATCHDOG=1 is expected at least; 0: it is not */
	uint64_t watchdog_us;
};

/* Reads the variables; getenv is injected. -1 and the reason when they are not
 * what a service manager sets, or the socket cannot be made. */
int sd_notify_open(
    struct sd_notify *n, char *(*env)(const char *name), struct fail *why);
/* Sends a message, in printf's words; one that is too long is cut. Blocks for
 * some seconds at most. -1 with errno when it could not be sent. */
__attribute__((format(printf, 2, 3))) int sd_notify_send(
    const struct sd_notify *n, const char *fmt, ...);
/* Idempotent. */
void sd_notify_close(struct sd_notify *n);

#endif
