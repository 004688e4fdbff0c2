/*
 * trace: whether programs that a test has others start live: a named pipe that
 * they have open for writing.
 *
 * Header only, because every test is one source file.
 */
#ifndef DERPKIT_TEST_TRACE_H
#define DERPKIT_TEST_TRACE_H

#include "unit/verify/engine.h"

#include <fcntl.h>
#include <sys/stat.h>

/* A named pipe that whoever lives has open for writing. */
static inline int
trace_open(char *path, size_t cap)
{
	int fd;

	snprintf(path, cap, "%s/trace", engine_dir());
	unlink(path);
	check_int(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	check(fd != -1);
	return fd;
}

/* Until one has written into it. */
static inline void
trace_await_begin(int trace)
{
	const uint64_t until_ms = clock_now_ms() + ENGINE_WAIT_MS;
	char byte;

	while (read(trace, &byte, 1) != 1) {
		if (clock_now_ms() > until_ms)
			fail_msg("no program has begun");
		usleep(5000);
	}
}

/* Fails when one that has it open lives on. Closes it. */
static inline void
trace_await_end(int trace)
{
	const uint64_t until_ms = clock_now_ms() + ENGINE_WAIT_MS;
	char bytes[64];
	ssize_t n;

	while ((n = read(trace, bytes, sizeof bytes)) != 0) {
		if (clock_now_ms() > until_ms)
			fail_msg("a program lives on");
		if (n == -1)
			usleep(5000);
	}
	close(trace);
}

#endif
