/*
 * tcp_connect: a TCP connection to one address, in steps.
 *
 * Life: tcp_connect_begin -> tcp_connect_finish until it is done; or
 * tcp_connect_until, which does both. Threads: any.
 */
#ifndef DERPKIT_TCP_CONNECT_H
#define DERPKIT_TCP_CONNECT_H

#include "fail.h"

#include <stdint.h>
#include <sys/socket.h>

/* A non-blocking socket that is about to be connected, with TCP_NODELAY and
 * that SO_RCVBUF (0: the system's choice). Owned; -1 with errno and the reason.
 */
int tcp_connect_begin(const struct sockaddr *to, socklen_t len,
    int receive_buffer, struct fail *why);

enum tcp_connect_status {
	TCP_CONNECT_DONE,
	TCP_CONNECT_WAITS, /* not until the deadline: may be asked again */
	TCP_CONNECT_FAILED,
};
/* Whether it is, waiting until clock_now_ms is deadline_ms. *error is set when
 * it failed, to an errno. */
enum tcp_connect_status tcp_connect_finish(
    int fd, uint64_t deadline_ms, int *error);

/* Both. The descriptor, owned; -1 with the reason and errno, which is ETIMEDOUT
 * when the deadline came. */
int tcp_connect_until(const struct sockaddr *to, socklen_t len,
    int receive_buffer, uint64_t deadline_ms, struct fail *why);

#endif
