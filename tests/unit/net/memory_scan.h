/*
 * memory_scan: how often secret bytes lie in this process's memory.
 *
 * Looks through every writable mapping (heap, freed blocks, stacks, statics) by
 * way of /proc/self/mem, which no sanitizer minds. The bytes are given masked,
 * so that asking leaves no copy of them. Life: none. Threads: one, the others
 * still.
 */
#ifndef DERPKIT_TEST_MEMORY_SCAN_H
#define DERPKIT_TEST_MEMORY_SCAN_H

#include "check.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_SCAN_N 16 /* bytes compared: of a secret the first ones */
#define MEMORY_SCAN_ROOM ((size_t)1 << 20)
#define MEMORY_SCAN_MASK 0x5a
/* Shadow memory of sanitizers: huge, never ours. */
#define MEMORY_SCAN_MAPPING_MAX ((uintmax_t)1 << 28)

static inline void
memory_scan_mask(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] ^= MEMORY_SCAN_MASK;
}

/* Copies in n bytes at p. */
static inline size_t
memory_scan_bytes(const uint8_t *p, size_t n, const uint8_t *masked)
{
	const uint8_t first = masked[0] ^ MEMORY_SCAN_MASK;
	size_t count = 0;

	for (const uint8_t *at = p; n >= MEMORY_SCAN_N; at++) {
		const size_t left = n - (size_t)(at - p);
		size_t same = 0;

		at = left >= MEMORY_SCAN_N
		    ? memchr(at, first, left - MEMORY_SCAN_N + 1)
		    : NULL;
		if (at == NULL)
			break;
		while (same < MEMORY_SCAN_N &&
		    (at[same] ^ MEMORY_SCAN_MASK) == masked[same])
			same++;
		count += same == MEMORY_SCAN_N;
	}
	return count;
}

/* Copies in one mapping; buf overlaps from read to read, lest a copy across
 * two is missed. */
static inline size_t
memory_scan_mapping(
    int mem, uintmax_t from, uintmax_t to, uint8_t *buf, const uint8_t *masked)
{
	size_t count = 0;

	while (from + MEMORY_SCAN_N <= to) {
		const uintmax_t left = to - from;
		const ssize_t n = pread(mem, buf,
		    left < MEMORY_SCAN_ROOM ? (size_t)left : MEMORY_SCAN_ROOM,
		    (off_t)from);

		if (n < MEMORY_SCAN_N)
			break;
		count += memory_scan_bytes(buf, (size_t)n, masked);
		from += (uintmax_t)n - MEMORY_SCAN_N + 1;
	}
	return count;
}

/* How often the MEMORY_SCAN_N bytes, here masked, lie in memory. */
static inline size_t
memory_scan(const uint8_t masked[static MEMORY_SCAN_N])
{
	uint8_t *buf = mmap(NULL, MEMORY_SCAN_ROOM, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FILE *maps = fopen("/proc/self/maps", "re");
	const int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[512];
	size_t count = 0;

	check(buf != MAP_FAILED && maps != NULL && mem != -1);
	while (fgets(line, sizeof line, maps) != NULL) {
		const uintmax_t mine = (uintmax_t)(uintptr_t)buf;
		uintmax_t from, to;
		char *end;

		from = strtoumax(line, &end, 16);
		to = strtoumax(end + 1, &end, 16);
		if (strncmp(end, " rw", 3) != 0 ||
		    to - from > MEMORY_SCAN_MAPPING_MAX)
			continue;
		/* the buffer may have become one mapping with its neighbours */
		if (from <= mine && mine < to) {
			count +=
			    memory_scan_mapping(mem, from, mine, buf, masked);
			from = mine + MEMORY_SCAN_ROOM;
		}
		count += memory_scan_mapping(mem, from, to, buf, masked);
	}
	(void)fclose(maps);
	(void)close(mem);
	(void)munmap(buf, MEMORY_SCAN_ROOM);
	return count;
}

#endif
