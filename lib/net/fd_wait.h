/*
 * fd_wait: waits for one descriptor, until a time.
 *
 * Threads: any; blocks.
 */
#ifndef DERPKIT_FD_WAIT_H
#define DERPKIT_FD_WAIT_H

#include <stdint.h>

/* For events as of poll(2), until clock_now_ms is deadline_ms. 1: ready, 0: out
 * of time, -1: failed, with errno. */
int fd_wait(int fd, short events, uint64_t deadline_ms);

#endif
